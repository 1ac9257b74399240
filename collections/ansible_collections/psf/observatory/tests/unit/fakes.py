# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for the tests: its file system is a directory, its service manager is this module."""

from __future__ import annotations

import hashlib
import os
import stat
from types import SimpleNamespace

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.psf.observatory.plugins.module_utils.component import probe
from ansible_collections.psf.observatory.plugins.module_utils.component.converge import Converger
from ansible_collections.psf.observatory.plugins.module_utils.component.host import Host
from ansible_collections.psf.observatory.plugins.module_utils.component.model import Component
from ansible_collections.psf.observatory.plugins.modules import component as component_module
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.payload import write_payload

# What a file says to make the service misbehave, as bad settings would.
CRASH, HANG, REFUSE = "CRASH", "HANG", "REFUSE"
ASKING = ("show",)


class Interrupted(BaseException):
    """The run ends here, as by a broken connection: nothing of it gets to tidy up."""


class FakeHost(Host):
    """A service reads its unit and everything below /etc when it starts, and /etc again when it is told to reload.

    With CRASH in a file it does not stay up, with HANG it is never ready, with REFUSE it refuses a reload. `interrupt_at`
    ends a run just before its n-th change of the host. Every account has the ids of the user who runs the tests.
    """

    def __init__(self, root, monkeypatch=None):
        super().__init__(str(root), self._command)
        self.accounts, self.groups = {"root"}, {"root", "psf-tls"}
        self.services = {}
        self.commands = []
        self.validators = {}
        self.exposure_of_units = "1.2"
        # What `systemd-analyze verify` has against unit files.
        self.verdict = ""
        self.changes, self.interrupt_at = 0, None
        self.clock = 1_700_000_000.0
        if monkeypatch:
            monkeypatch.setattr(probe, "ready", self.ready)

    # -- the world -----------------------------------------------------------------------------------------------------
    def uid(self, name):
        return os.getuid() if name in self.accounts else None

    def gid(self, name):
        return os.getgid() if name in self.groups else None

    def now(self):
        return self.clock

    def sleep(self, seconds):
        self.clock += seconds

    def _change(self):
        self.changes += 1
        if self.changes == self.interrupt_at:
            raise Interrupted

    def write(self, path, data, mode, uid, gid):
        self._change()
        super().write(path, data, mode, os.getuid(), os.getgid())

    def make_directory(self, path, mode=0o755, uid=0, gid=0):
        self._change()
        super().make_directory(path, mode, os.getuid(), os.getgid())

    def remove(self, path):
        self._change()
        super().remove(path)

    def remove_tree(self, path):
        self._change()
        super().remove_tree(path)

    def set_link(self, path, target):
        self._change()
        super().set_link(path, target)

    # -- commands ------------------------------------------------------------------------------------------------------
    def _command(self, argv, **options):
        program, words = argv[0], list(argv[1:])
        self.commands.append(list(argv))
        answer = getattr(self, "_" + program.replace("-", "_"), None)
        if answer is None:
            answer = self.validators.get(os.path.basename(program))
            if answer is None:
                raise FileNotFoundError(program)
            code, output = answer(argv, options)
        else:
            code, output = answer(words)
        return SimpleNamespace(returncode=code, stdout=output.encode())

    def changing_commands(self):
        """What was asked of the service manager and the account tools, without questions."""
        return [" ".join(argv) for argv in self.commands if argv[0] in ("systemctl", "useradd", "groupadd", "userdel", "groupdel")
                and argv[1] not in ASKING]

    def _groupadd(self, words):
        self._change()
        self.groups.add(words[-1])
        return 0, ""

    def _useradd(self, words):
        self._change()
        assert words[words.index("--gid") + 1] in self.groups
        self.accounts.add(words[-1])
        return 0, ""

    def _userdel(self, words):
        self._change()
        self.accounts.discard(words[-1])
        return 0, ""

    def _groupdel(self, words):
        self._change()
        self.groups.discard(words[-1])
        return 0, ""

    def _journalctl(self, words):
        name = words[0].split("=")[1][:-len(".service")]
        return 0, "\n".join(self.service(name).journal)

    def _systemd_analyze(self, words):
        if words[0] == "calendar":
            # The service manager's words, for what is no time.
            return (0, "Next elapse: ...") if words[1][:1] in "*d0123456789" else (1, "Failed to parse calendar specification '%s': "
                                                                                   "Invalid argument\n" % words[1])
        if words[0] == "verify":
            return (1, self.verdict) if self.verdict else (0, "")
        if self.exposure_of_units is None:
            return 1, "security: unrecognized option '--offline'\n"
        return 0, "\n→ Overall exposure level for %s: %s OK :-)\n" % (os.path.basename(words[-1]), self.exposure_of_units)

    def _systemctl(self, words):
        verb = words[0]
        if verb not in ASKING:
            self._change()
        if verb == "daemon-reload":
            for name, service in self.services.items():
                service.unit = self._unit_file(name)
            return 0, ""
        # A service goes by its bare name here, a timer by its whole one.
        name = [w for w in words[1:] if not w.startswith("--")][0]
        name = name[:-len(".service")] if name.endswith(".service") else name
        return getattr(self, "_do_" + verb.replace("-", "_"))(name, self.service(name))

    # -- services ------------------------------------------------------------------------------------------------------
    def service(self, name):
        return self.services.setdefault(name, SimpleNamespace(
            active="inactive", sub="dead", enabled=False, restarts=0, unit=None, started=None, loaded=None, journal=[]))

    def _unit_file(self, name):
        found = self.read("/etc/systemd/system/" + (name if name.endswith(".timer") else name + ".service"))
        return found.data if found else None

    def _configuration(self, name):
        files = {}
        for folder, _folders, names in os.walk(self.real("/etc")):
            for file in names:
                path = os.path.join(folder, file)
                with open(path, "rb") as stream:
                    files["/" + os.path.relpath(path, self.root)] = stream.read()
        files["unit"] = self.service(name).unit
        files["program"] = self.link("/opt/psf/%s/current" % name)
        return files

    @staticmethod
    def _says(configuration, word):
        return any(isinstance(value, bytes) and word.encode() in value for value in configuration.values())

    def ready(self, _readiness):
        """Stands in for the probe: "" when the services that run are ready."""
        hanging = [s for s in self.services.values() if s.active == "active" and self._says(s.loaded, HANG)]
        return "HTTP 503 still starting" if hanging else ""

    def _do_show(self, name, service):
        if service.sub == "auto-restart":
            service.restarts += 1
        file = self._unit_file(name)
        stale = service.unit is not None and service.unit != file
        return 0, ("LoadState=%s\nActiveState=%s\nSubState=%s\nUnitFileState=%s\nNeedDaemonReload=%s\nNRestarts=%d\nMainPID=0\n" % (
            "loaded" if file else "not-found", service.active, service.sub,
            ("enabled" if service.enabled else "disabled") if file else "", "yes" if stale else "no", service.restarts))

    def _do_restart(self, name, service):
        if service.unit is None:
            service.unit = self._unit_file(name)
        if service.unit is None:
            return 5, "Failed to restart %s.service: Unit %s.service not found." % (name, name)
        service.started = service.loaded = self._configuration(name)
        service.restarts = 0
        service.active, service.sub = "active", "running"
        if self._says(service.loaded, CRASH):
            service.active, service.sub = "activating", "auto-restart"
            service.journal.append("%s: bad settings, giving up" % name)
        return 0, ""

    def _do_reload(self, name, service):
        configuration = self._configuration(name)
        if service.active != "active" or self._says(configuration, REFUSE):
            return 1, "Job for %s.service failed." % name
        service.loaded = dict(configuration, unit=service.loaded["unit"])
        return 0, ""

    def _do_stop(self, _name, service):
        service.active, service.sub, service.started, service.loaded = "inactive", "dead", None, None
        return 0, ""

    def _do_enable(self, _name, service):
        service.enabled = True
        return 0, ""

    def _do_disable(self, _name, service):
        service.enabled = False
        return 0, ""

    def _do_reset_failed(self, _name, service):
        service.restarts = 0
        return 0, ""


# -- declarations ------------------------------------------------------------------------------------------------------
def declared(**options):
    """Module parameters as AnsibleModule hands them over: defaults filled in by the module's own argument spec."""
    whole = {"name": "demo", "unit": {"exec": ["/usr/bin/demo", "--config={config}/demo.yml"]}, **options}
    result = ArgumentSpecValidator(component_module.argument_spec()).validate(whole)
    assert not result.error_messages, result.error_messages
    return result.validated_parameters


def component(**options):
    return Component(declared(**options))


def converge(host, check=False, **options):
    """One run; returns what the module would, with the converger itself for its diff and warnings."""
    converger = Converger(component(**options), host, check)
    return SimpleNamespace(**converger.run(), converger=converger, diff=converger.plan.diff(), warnings=converger.warnings)


def config(content="a: 1\n", path="/etc/demo/demo.yml", **options):
    """An entry of `files`."""
    return {"path": path, "content": content, **options}


def steps(outcome):
    return [(row["step"], row["target"]) for row in outcome.plan]


def resolved(directory, version, programs=None, payload=True):
    """An artifact as the controller resolves it, with its payload in `directory`."""
    identity = hashlib.sha256(("demo " + version).encode()).hexdigest()
    chosen = {"source": "release", "version": version, "id": identity}
    answer = {"server": "demo", "accept": [chosen], "chosen": chosen}
    if payload:
        path = write_payload(programs or {"demo": b"#!demo " + version.encode()}, directory / (version + ".tar.gz"))
        answer.update(payload=str(path), payload_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return answer


# -- looking at a host -------------------------------------------------------------------------------------------------
def tree(root):
    """Every file and link below a directory: path to (mode, content). Directories are left out."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in names + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if stat.S_ISLNK(info.st_mode):
                content = os.readlink(path)
            else:
                with open(path, "rb") as stream:
                    content = stream.read()
            found["/" + os.path.relpath(path, root)] = (stat.S_IMODE(info.st_mode), content)
    return found


def stats(root):
    """What changes when anything is written anew: inode, times, mode and size of every file and directory."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in [*names, *folders, "."]:
            info = os.lstat(os.path.join(folder, name))
            found[os.path.relpath(os.path.join(folder, name), root)] = (
                info.st_ino, info.st_mtime_ns, info.st_ctime_ns, info.st_mode, info.st_size)
    return found
