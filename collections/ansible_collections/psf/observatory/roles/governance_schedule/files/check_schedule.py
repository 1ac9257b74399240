"""Refuse a schedule that could not run: an account that is not there, files that it cannot read, a password file that others can.

    check_schedule.py --user=NAME --directory=DIRECTORY --program=FILE --playbook=FILE [--vault-password-file=FILE]
                      [--calendar=TIME...] INVENTORY...

Runs as root on the controller host, before anything is changed, and looks as the account does. Ends with 1 and one line for each thing that
is wrong.
"""

import argparse
import os
import pwd
import stat
import subprocess
import sys


def parse(words):
    parser = argparse.ArgumentParser()
    for name in ("user", "directory", "program", "playbook"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--calendar", action="append", default=[])
    parser.add_argument("--vault-password-file", default="")
    parser.add_argument("inventories", nargs="*")
    return parser.parse_args(words)


def as_account(account, look):
    """What `look` returns as that account, in a process of its own; lines of text."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            os.write(writes, "\n".join(look()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as stream:
        text = stream.read()
    if os.waitpid(child, 0)[1] != 0:
        return ["user: %s: it could not be tried what it may read" % account.pw_name]
    return [line for line in text.splitlines() if line]


def reachable(options):
    found = []
    for option, path, right, words in (
            ("directory", options.directory, os.R_OK | os.X_OK, "a directory that %s may read"),
            ("directory", os.path.join(options.directory, "ansible.cfg"), os.R_OK, "a file that %s may read; the checkout has it"),
            ("directory", os.path.join(options.directory, options.playbook), os.R_OK, "a file that %s may read; the checkout has it"),
            ("ansible", options.program, os.R_OK | os.X_OK, "a program that %s may run"),
            *(("inventories", path, os.R_OK, "a file or directory that %s may read") for path in options.inventories)):
        if not (os.path.isabs(path) and os.access(path, right)):
            found.append("governance_schedule_%s: %s is no absolute path of %s" % (option, path, words % options.user))
    return found


def password_file(path):
    option = "governance_schedule_vault_password_file: %s" % path
    try:
        info = os.lstat(path)
    except OSError as error:
        return ["%s: %s" % (option, error.strerror)]
    if not os.path.isabs(path) or not stat.S_ISREG(info.st_mode) or not info.st_size:
        return ["%s: needs the absolute path of a plain file that is not empty" % option]
    if info.st_mode & 0o111:
        return ["%s: is a program; it is read as the password itself. Give a plain file, or name the program with "
                "ANSIBLE_VAULT_PASSWORD_FILE in governance_schedule_environment" % option]
    if info.st_mode & 0o077:
        return ["%s: mode %04o lets others read it; chmod 0600" % (option, stat.S_IMODE(info.st_mode))]
    return []


def times(texts):
    for text in texts:
        done = subprocess.run(["systemd-analyze", "calendar", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            yield "governance_schedule_*_calendar: %r is no time that systemd understands (systemd.time(7), like *-*-* 04:00:00): %s" % (
                text, " ".join(done.stdout.split()))


def main(words):
    options = parse(words)
    try:
        account = pwd.getpwnam(options.user)
    except KeyError:
        problems = ["governance_schedule_user: there is no account %s on this host" % options.user]
    else:
        problems = as_account(account, lambda: reachable(options))
    problems += times(options.calendar)
    if not options.inventories:
        problems.append("governance_schedule_inventories: needs at least one")
    if options.vault_password_file:
        problems += password_file(options.vault_password_file)
    for line in problems:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
