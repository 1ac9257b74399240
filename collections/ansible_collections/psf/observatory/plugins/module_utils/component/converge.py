# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a component run as declared: read, plan, validate (validate.py), swap and verify or put back (transaction.py)."""

from __future__ import annotations

import contextlib
import os

from ansible_collections.psf.observatory.plugins.module_utils.component import probe, unit
from ansible_collections.psf.observatory.plugins.module_utils.component.host import TEXT_LIMIT
from ansible_collections.psf.observatory.plugins.module_utils.component.transaction import Transaction
from ansible_collections.psf.observatory.plugins.module_utils.component.validate import Validation
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan

IMPACTS = ("none", "reload", "restart")
# Steps that are done before validation, as the validator may be part of the very artifact.
FIRST = ("create group", "create user", "set directory", "install artifact")


class NeedsArtifact(Exception):
    """The artifact is not on the host and no payload came with the call: the controller shall send it. `other` is whether the host
    has another version."""

    def __init__(self, other=False):
        super().__init__()
        self.other = other


class Converger:
    def __init__(self, component, host, check_mode):
        self.wanted = component
        self.host = host
        self.check_mode = check_mode
        self.plan = Plan()
        self.impact = "none"
        self.validation = Validation(component, host, check_mode)
        self.warnings = self.validation.warnings
        self.stamp = None
        self._swaps = []

    # -- entry ---------------------------------------------------------------------------------------------------------
    def run(self):
        self.transaction = Transaction(self.wanted, self.host)
        if self.wanted.absent:
            self._plan_absent()
            if not self.check_mode:
                self.plan.apply()
        else:
            self._converge()
        return {
            "changed": bool(self.plan),
            "plan": self.plan.as_list(),
            "artifact": self.stamp,
            "exposure": self.validation.exposure,
        }

    # -- present -------------------------------------------------------------------------------------------------------
    def _converge(self):
        self._check_timer()
        self._plan_account()
        self._plan_directories()
        directory = self._plan_artifact()
        self._plan_files()
        self._plan_unit()
        if self.transaction.pending is not None:
            self._raise_impact("restart")
            self.plan.add("confirm", self.wanted.name, "an earlier run was interrupted before the service was ready")
        self._plan_service()
        if not self.plan:
            self._verify_unchanged()
            if not self.check_mode and (self.transaction.state != self._state() or self._touched()):
                self.transaction.commit(self._state())
            return
        self.validation.run(directory, any(step.verb == "write unit" for step in self.plan.steps), self._prepare)
        if self.check_mode:
            return
        self.transaction.run(self._swaps, self.impact, self._state(), self.plan)
        if self.wanted.artifact:
            self._prune_versions()

    def _prepare(self):
        for step in self.plan.steps:
            if step.verb in FIRST and step.action:
                step.action()

    def _check_timer(self):
        wanted, state = self.wanted, self.transaction.state
        if state and bool(state.get("timer")) != bool(wanted.timer):
            raise ConcernError("timer: %s has been %s so far; remove it with state=absent first"
                               % (wanted.name, "run by a timer" if state.get("timer") else "a service that stays"))
        for text in wanted.timer["calendar"] if wanted.timer else ():
            problem = self.host.calendar_problem(text)
            if problem:
                raise ConcernError("timer.calendar: %r is no time that systemd understands (systemd.time(7), like *-*-* 04:00:00): %s"
                                   % (text, problem))

    def _touched(self):
        """Whether a file was touched since the last run but is as declared all the same; this run has seen that, so it is noted anew."""
        notes = os.stat(self.host.real(self.wanted.state_dir + "/state.json")).st_mtime
        return any(os.lstat(self.host.real(item.path)).st_ctime > notes for item in self.wanted.files)

    def _raise_impact(self, impact):
        if self.wanted.timer:
            # The next run of a job takes what there is then; one that is under way is left alone.
            return
        if IMPACTS.index(impact) > IMPACTS.index(self.impact):
            self.impact = impact

    def _plan_account(self):
        wanted, host = self.wanted, self.host
        if not wanted.create_user:
            for option, name, found in (("user", wanted.user, host.uid(wanted.user)), ("group", wanted.group, host.gid(wanted.group))):
                if found is None:
                    raise ConcernError("%s: there is no %s %s on this host, and create_user is false"
                                       % (option, "account" if option == "user" else option, name))
            return
        if host.gid(wanted.group) is None:
            self.plan.add("create group", wanted.group, action=lambda: host.add_group(wanted.group))
        if host.uid(wanted.user) is None:
            self.plan.add("create user", wanted.user,
                          action=lambda: host.add_user(wanted.user, wanted.group, wanted.data_dir))

    def _ids(self, owner, group):
        """Numeric ids; a user that the plan is about to create has none yet."""
        uid, gid = self.host.uid(owner), self.host.gid(group)
        created = (self.wanted.user, self.wanted.group)
        if uid is None and owner not in created:
            raise ConcernError("owner: user %s does not exist on this host" % owner)
        if gid is None and group not in created:
            raise ConcernError("group: group %s does not exist on this host" % group)
        return uid, gid

    def _plan_directories(self):
        for path, row in sorted({r["path"]: r for r in self.wanted.directories}.items()):
            uid, gid = self._ids(row["owner"], row["group"])
            if self.host.directory(path) != (row["mode"], uid, gid):
                self.plan.add("set directory", path, "%04o %s:%s" % (row["mode"], row["owner"], row["group"]),
                              action=lambda r=row: self.host.make_directory(r["path"], r["mode"],
                                                                            *self._ids(r["owner"], r["group"])))

    def _plan_artifact(self):
        """Decide which version directory shall be current; returns it, or None for a component without artifact."""
        wanted, artifact = self.wanted, self.wanted.artifact
        if not artifact:
            return None
        current = self.host.link(wanted.current)
        installed = self.host.read_json("%s/versions/%s.json" % (wanted.home, current.rsplit("/", 1)[-1])) if current else None
        accepted = [(row["source"], row["id"]) for row in artifact["accept"]]
        if installed and (installed["source"], installed["id"]) in accepted \
                and self.host.directory(wanted.version_dir(installed)):
            self.stamp = installed
            return wanted.version_dir(installed)
        chosen = artifact.get("chosen")
        if chosen is None:
            raise NeedsArtifact(bool(installed))
        self.stamp = dict(chosen, server=artifact["server"])
        directory = wanted.version_dir(self.stamp)
        if not (self.host.directory(directory) and self.host.read(directory + ".json")):
            if chosen["source"] != "package" and not artifact.get("payload") and not self.check_mode:
                raise NeedsArtifact(bool(installed))
            self.plan.add("install artifact", directory, "%s %s from %s" % (artifact["server"], chosen["version"], chosen["source"]),
                          action=lambda: self._install(directory))
        self.plan.add("switch version", wanted.current,
                      "%s -> %s" % ((installed or {}).get("version", "none"), chosen["version"]))
        self._swaps.append((wanted.current, lambda: self.host.set_link(wanted.current, directory)))
        self._raise_impact("restart")
        return directory

    def _install(self, directory):
        artifact = self.wanted.artifact
        if self.stamp["source"] == "package":
            self.host.unpack_package(artifact["package"], directory, self.stamp)
        else:
            self.host.unpack_payload(artifact["payload"], artifact["payload_sha256"], directory, self.stamp)
        self.host.write_json(directory + ".json", self.stamp)

    def _plan_files(self):
        secret = self.transaction.secret_paths()
        for item in self.wanted.files:
            found = self.host.read(item.path)
            uid, gid = self._ids(item.owner, item.group)
            if found and found.data == item.data:
                if (found.mode, found.uid, found.gid) != (item.mode, uid, gid):
                    self.plan.add("set mode", item.path, "%04o %s:%s" % (item.mode, item.owner, item.group))
                    self._swap_file(item)
                continue
            self.plan.add("write file", item.path, "" if found else "new", _text(found.data) if found else None,
                          _text(item.data), item.secret or item.path in secret)
            self._swap_file(item)
            self._raise_impact(self._effective(item.on_change))
        declared = {item.path for item in self.wanted.files}
        for path, on_change in sorted(self.transaction.owned().items()):
            if path in declared:
                continue
            found = self.host.read(path)
            if found:
                self.plan.add("remove file", path, "no longer declared", _text(found.data), None, True)
                self._swaps.append((path, lambda p=path: self.host.remove(p)))
                self._raise_impact(self._effective(on_change))

    def _effective(self, on_change):
        return "restart" if on_change == "reload" and not self.wanted.reload else on_change

    def _swap_file(self, item):
        self._swaps.append((item.path, lambda: self.host.write(item.path, item.data, item.mode,
                                                               *self._ids(item.owner, item.group))))

    def _plan_unit(self):
        for path, text in unit.files(self.wanted):
            self._plan_unit_file(path, text.encode("utf-8"))

    def _plan_unit_file(self, path, text):
        found = self.host.read(path)
        if not found or found.data != text:
            self.plan.add("write unit", path, "" if found else "new", _text(found.data) if found else None, _text(text))
            self._swaps.append((path, lambda: self.host.write(path, text, 0o644, 0, 0)))
            self._raise_impact("restart")
            if path == self.wanted.timer_path:
                self.impact = "restart"
        elif (found.mode, found.uid, found.gid) != (0o644, *self._ids("root", "root")):
            self.plan.add("set mode", path, "0644 root:root")
            self._swaps.append((path, lambda: self.host.write(path, text, 0o644, 0, 0)))

    def _plan_service(self):
        wanted, found = self.wanted, self.transaction.unit
        name = wanted.main
        active = found.get("ActiveState") in ("active", "reloading", "activating")
        if wanted.enabled != (found.get("UnitFileState") == "enabled"):
            self.plan.add("enable" if wanted.enabled else "disable", name)
        if not wanted.running:
            if active:
                self.plan.add("stop", name)
        elif not active:
            self.impact = "restart"
            self.plan.add("start", name)
        elif self.impact != "none":
            self.plan.add(self.impact, name)

    def _verify_unchanged(self):
        """Nothing to do is only said of a service that answers; one that is just starting is given its time."""
        if not self.wanted.running:
            return
        readiness = self.wanted.readiness or {}
        if not (readiness.get("url") or readiness.get("tcp")):
            return
        reason = probe.ready(readiness)
        if not reason:
            return
        if self.check_mode:
            self.warnings.append("%s is as declared but not ready: %s" % (self.wanted.name, reason))
            return
        started = self.host.now()
        try:
            self.transaction.wait_ready(int(self.transaction.unit.get("NRestarts") or 0))
        except ConcernError as error:
            raise ConcernError("%s is as declared but not ready: %s" % (self.wanted.name, error.msg),
                               log=self.host.logs(self.wanted.name, started - 600)) from error

    def _state(self):
        wanted = self.wanted
        return {
            "files": {item.path: item.on_change for item in wanted.files},
            "secret": [item.path for item in wanted.files if item.secret],
            "readiness": wanted.readiness,
            "artifact": self.stamp, "user": wanted.user, "group": wanted.group,
            "config_dir": wanted.config_dir, "data_dir": wanted.data_dir,
            "directories": [row["path"] for row in wanted.directories],
            **({"timer": True} if wanted.timer else {}),
        }

    def _prune_versions(self):
        """Keep the current version and the ones before it that were asked for; the newest by time of installation."""
        base = self.wanted.home + "/versions"
        current = (self.host.link(self.wanted.current) or "").rsplit("/", 1)[-1]
        names = [n[:-5] for n in self.host.list(base) if n.endswith(".json")]
        names.sort(key=lambda n: os.stat(self.host.real("%s/%s.json" % (base, n))).st_mtime, reverse=True)
        spare = [n for n in names if n != current]
        for name in spare[self.wanted.keep_versions:]:
            self.host.remove_tree("%s/%s" % (base, name))
            self.host.remove("%s/%s.json" % (base, name))

    # -- absent --------------------------------------------------------------------------------------------------------
    def _plan_absent_timer(self):
        """The timer goes first, so that it starts nothing any more."""
        host, path = self.host, self.wanted.timer_path
        if not host.read(path):
            return
        name = os.path.basename(path)
        found = host.unit(name)
        if found.get("ActiveState") in ("active", "failed"):
            self.plan.add("stop", name, action=lambda: host.systemctl("stop", name))
        if found.get("UnitFileState") == "enabled":
            self.plan.add("disable", name, action=lambda: host.systemctl("disable", "--quiet", name))
        self.plan.add("remove unit", path, action=lambda: (host.remove(path), host.systemctl("daemon-reload")))

    def _plan_absent(self):
        wanted, host, plan = self.wanted, self.host, self.plan
        self._plan_absent_timer()
        name = wanted.name + ".service"
        found = host.unit(wanted.name)
        if found.get("ActiveState") in ("active", "activating", "reloading", "failed"):
            plan.add("stop", name, action=lambda: (host.systemctl("stop", name), host.systemctl("reset-failed", name, check=False)))
        if found.get("UnitFileState") == "enabled":
            plan.add("disable", name, action=lambda: host.systemctl("disable", "--quiet", name))
        if host.read(wanted.unit_path):
            plan.add("remove unit", wanted.unit_path,
                     action=lambda: (host.remove(wanted.unit_path), host.systemctl("daemon-reload")))
        for path in sorted(self.transaction.owned()):
            if host.read(path):
                plan.add("remove file", path, action=lambda p=path: host.remove(p))
        if host.directory(wanted.home):
            plan.add("remove versions", wanted.home, action=lambda: host.remove_tree(wanted.home))
        data = self.transaction.state.get("data_dir") or wanted.data_dir
        config = self.transaction.state.get("config_dir") or wanted.config_dir
        if host.directory(config) and (wanted.purge or self.transaction.state):
            plan.add("remove directory", config, "" if wanted.purge else "when empty",
                     action=lambda: host.remove_tree(config) if wanted.purge else host.remove_empty(config))
        if wanted.purge:
            if host.directory(data):
                plan.add("purge data", data, action=lambda: host.remove_tree(data))
            if wanted.create_user and host.uid(wanted.user) is not None and wanted.user != "root":
                plan.add("remove user", wanted.user, action=lambda: host.remove_user(wanted.user))
        if host.directory(wanted.state_dir):
            plan.add("forget state", wanted.state_dir, action=lambda: host.remove_tree(wanted.state_dir))


def _text(data):
    """File content for a diff; binary and huge files are only named."""
    if len(data) > TEXT_LIMIT:
        return "(%d bytes)\n" % len(data)
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    return "(%d bytes, binary)\n" % len(data)
