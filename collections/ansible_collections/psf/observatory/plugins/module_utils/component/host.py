# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as it is: the only place where a component's users, files, packages and units are read or written.

`root` lets the tests use a directory as the host's file system; the service manager is reached through `run`.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import time

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, atomic_write

UNIT_PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,NRestarts,MainPID"
TEXT_LIMIT = 200000


class FoundFile:
    """A file as it is: bytes, mode and numeric owner."""

    def __init__(self, data, mode, uid, gid):
        self.data = data
        self.mode = mode
        self.uid = uid
        self.gid = gid


class Host:
    def __init__(self, root="/", runner=None):
        self.root = root
        self._runner = runner or subprocess.run

    def real(self, path):
        return path if self.root == "/" else os.path.join(self.root, path.lstrip("/"))

    def run(self, argv, check=True, timeout=120, env=None, cwd=None):
        """Run a command with a C locale; returns (code, output of both streams)."""
        environment = dict(os.environ, LC_ALL="C.UTF-8")
        environment.update(env or {})
        try:
            done = self._runner(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, env=environment,
                                cwd=cwd, stdin=subprocess.DEVNULL, check=False)
        except FileNotFoundError as error:
            raise ConcernError("%s is not installed on this host" % argv[0]) from error
        except subprocess.TimeoutExpired as error:
            raise ConcernError("%s did not end within %d s" % (" ".join(argv), timeout)) from error
        output = done.stdout.decode("utf-8", "replace")
        if check and done.returncode != 0:
            raise ConcernError("%s failed (%d): %s" % (" ".join(argv), done.returncode, output.strip()[-800:]))
        return done.returncode, output

    # -- users ---------------------------------------------------------------------------------------------------------
    def uid(self, name):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            return None

    def gid(self, name):
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def add_group(self, name):
        self.run(["groupadd", "--system", name])

    def add_user(self, name, group, home):
        self.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "--home-dir", home,
                  "--gid", group, name])

    def remove_user(self, name):
        self.run(["userdel", name], check=False)
        if self.gid(name) is not None:
            self.run(["groupdel", name], check=False)

    # -- files ---------------------------------------------------------------------------------------------------------
    def read(self, path):
        """FoundFile, or None where there is none; anything but a plain file in its place is an error."""
        real = self.real(path)
        try:
            info = os.lstat(real)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(info.st_mode):
            raise ConcernError("%s is not a plain file on this host; move it away" % path)
        with open(real, "rb") as stream:
            return FoundFile(stream.read(), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)

    def directory(self, path):
        """(mode, uid, gid), or None where there is none."""
        try:
            info = os.lstat(self.real(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISDIR(info.st_mode):
            raise ConcernError("%s is not a directory on this host; move it away" % path)
        return stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid

    def make_directory(self, path, mode=0o755, uid=0, gid=0):
        real = self.real(path)
        _make_directories(real)
        os.chown(real, uid, gid)
        os.chmod(real, mode)

    def write(self, path, data, mode, uid, gid):
        real = self.real(path)
        _make_directories(os.path.dirname(real))
        atomic_write(real, data, mode, uid, gid)

    def remove(self, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.real(path))

    def remove_tree(self, path):
        shutil.rmtree(self.real(path), ignore_errors=True)

    def remove_empty(self, path):
        with contextlib.suppress(OSError):
            os.rmdir(self.real(path))

    def link(self, path):
        try:
            return os.readlink(self.real(path))
        except OSError:
            return None

    def set_link(self, path, target):
        """Point a symlink elsewhere in one step."""
        real = self.real(path)
        temporary = real + ".psf-new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(target, temporary)
        os.rename(temporary, real)

    def read_json(self, path):
        found = self.read(path)
        if found is None:
            return None
        try:
            return json.loads(found.data.decode("utf-8"))
        except ValueError:
            return None

    def write_json(self, path, value):
        self.write(path, json.dumps(value, sort_keys=True).encode("utf-8"), 0o600, 0, 0)

    def list(self, path):
        try:
            return sorted(os.listdir(self.real(path)))
        except OSError:
            return []

    # -- artifacts -----------------------------------------------------------------------------------------------------
    def unpack_payload(self, payload, sha256, destination, stamp):
        """Unpack a payload (flat tar.gz made on the controller) into a versioned directory, whole or not at all."""
        digest = hashlib.sha256()
        with open(payload, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
        if digest.hexdigest() != sha256:
            raise ConcernError("the artifact of %s was damaged on its way: sha256 %s, expected %s"
                               % (stamp["server"], digest.hexdigest(), sha256))
        with self._new_directory(destination) as directory:
            with tarfile.open(payload, "r:gz") as archive:
                for member in archive:
                    name = os.path.normpath(member.name)
                    if not member.isfile() or name.startswith(("/", "..")):
                        raise ConcernError("the artifact of %s holds %s, which is not a plain file inside it"
                                           % (stamp["server"], member.name))
                    target = os.path.join(directory, name)
                    _make_directories(os.path.dirname(target))
                    with archive.extractfile(member) as source, open(target, "wb") as sink:
                        shutil.copyfileobj(source, sink)
                    os.chmod(target, 0o755 if member.mode & 0o100 else 0o644)

    def unpack_package(self, package, destination, stamp):
        """Take the declared files out of distribution packages, verified by apt; no maintainer script runs."""
        work, names = tempfile.mkdtemp(prefix="psf-package-"), package["names"]
        tree = os.path.join(work, "tree")
        try:
            self._download_packages(names, work)
            for deb in sorted(name for name in os.listdir(work) if name.endswith(".deb")):
                version = self.run(["dpkg-deb", "--field", os.path.join(work, deb), "Version"])[1].strip()
                upstream = version.split(":")[-1]
                if not (upstream + "-").startswith(tuple(stamp["version"] + mark for mark in "-+.~")):
                    raise ConcernError("apt offers %s, the lock expects version %s; update the lock, or choose another source"
                                       % (deb, stamp["version"]))
                self.run(["dpkg-deb", "--extract", os.path.join(work, deb), tree])
            with self._new_directory(destination) as directory:
                for name, source in sorted(package["files"].items()):
                    origin = os.path.join(tree, source.lstrip("/"))
                    if not os.path.isfile(origin):
                        raise ConcernError("the packages %s %s have no %s" % (", ".join(names), stamp["version"], source))
                    shutil.copy(origin, os.path.join(directory, name))
                    os.chmod(os.path.join(directory, name), 0o755)  # noqa: S103 (a program, not a secret)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _download_packages(self, names, work):
        """Fetch packages into a directory; where apt knows none of them yet, its lists are fetched first."""
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        fetch = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"] + list(names)
        code, output = self.run(fetch, check=False, timeout=600, env=quiet, cwd=work)
        if code != 0:
            self.run(["apt-get", "-q", "update"], timeout=600, env=quiet)
            code, output = self.run(fetch, check=False, timeout=600, env=quiet, cwd=work)
        if code != 0:
            raise ConcernError("packages %s cannot be had from this host's apt sources: %s"
                               % (", ".join(names), output.strip()[-400:]))

    @contextlib.contextmanager
    def _new_directory(self, destination):
        """A directory that appears under its name only when it is complete."""
        real = self.real(destination)
        partial = real + ".psf-new"
        shutil.rmtree(partial, ignore_errors=True)
        _make_directories(partial)
        try:
            yield partial
            shutil.rmtree(real, ignore_errors=True)
            os.rename(partial, real)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    # -- units ---------------------------------------------------------------------------------------------------------
    def unit(self, name):
        """What the service manager says of a unit; without a suffix it is a service."""
        full = name if "." in name else name + ".service"
        _code, output = self.run(["systemctl", "show", full, "--property=" + UNIT_PROPERTIES])
        return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

    def systemctl(self, *words, **options):
        return self.run(["systemctl"] + list(words), **options)

    def logs(self, name, since, lines=20):
        """The unit's last log lines since a moment (seconds since the epoch)."""
        _code, output = self.run(["journalctl", "--unit=%s.service" % name, "--since=@%d" % int(since), "--no-pager",
                                  "--output=cat", "--lines=%d" % lines, "--quiet"], check=False)
        return [line for line in output.splitlines() if line.strip()][-lines:]

    def exposure(self, unit_file):
        """What `systemd-analyze security` says of a unit file (0.0 best to 10.0), or None where it cannot tell offline."""
        _code, output = self.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit_file], check=False)
        # The line ends with a smiley, which has a colon of its own on a plain terminal.
        found = re.search(r"exposure level for .*?: (\d+(?:\.\d+)?) ", output)
        return float(found.group(1)) if found else None

    def calendar_problem(self, text):
        """Why systemd does not understand a time, in its own words; "" where it does."""
        code, output = self.run(["systemd-analyze", "calendar", text], check=False)
        return "" if code == 0 else " ".join(output.split()) or "systemd-analyze calendar ended with %d" % code

    def units_problem(self, paths):
        """What `systemd-analyze verify` says against unit files; "" where it has nothing. None where it is too old to judge them alone
        (before systemd 250 it also fails for what is wrong elsewhere on the host)."""
        code, output = self.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"] + list(paths), check=False)
        if "unrecognized option" in output:
            return None
        names = [os.path.basename(path) for path in paths]
        lines = [line.strip() for line in output.splitlines() if any(name in line for name in names)]
        return " | ".join(lines) or ("" if code == 0 else " ".join(output.split()))

    @staticmethod
    def now():
        return time.time()

    @staticmethod
    def sleep(seconds):
        time.sleep(seconds)


def _make_directories(path):
    """A directory and those above it; a service can enter them whatever umask the run has."""
    old = os.umask(0o022)
    try:
        os.makedirs(path, exist_ok=True)
    finally:
        os.umask(old)
