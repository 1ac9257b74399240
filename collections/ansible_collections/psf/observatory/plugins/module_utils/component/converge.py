# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a component run as declared: read, plan, validate, swap, verify, else put everything back.

What is kept on the target (in /var/lib/psf-observatory/components/<name>/):
  state.json        what we own: paths, unit, artifact stamp; only this is ever pruned
  transaction.json  present from before the first swap until the service is ready: a run that finds one was preceded by
                    an interrupted run, restarts the service and verifies it
  backup/           the last good content of all that the transaction changes
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile

from ansible_collections.psf.observatory.plugins.module_utils.component import probe, unit
from ansible_collections.psf.observatory.plugins.module_utils.component.host import TEXT_LIMIT
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan

IMPACTS = ("none", "reload", "restart")
POLL = 0.25


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
        self.exposure = None
        self.warnings = []
        self.stamp = None
        self._swaps = []

    # -- entry ---------------------------------------------------------------------------------------------------------
    def run(self):
        self.state = self.host.read_json(self.wanted.state_dir + "/state.json") or {}
        self.pending = self.host.read_json(self.wanted.state_dir + "/transaction.json")
        self.unit_found = self.host.unit(self.wanted.main)
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
            "exposure": self.exposure,
        }

    # -- present -------------------------------------------------------------------------------------------------------
    def _converge(self):
        self._check_timer()
        self._plan_account()
        self._plan_directories()
        directory = self._plan_artifact()
        self._plan_files()
        self._plan_unit()
        if self.pending is not None:
            self._raise_impact("restart")
            self.plan.add("confirm", self.wanted.name, "an earlier run was interrupted before the service was ready")
        self._plan_service()
        if not self.plan:
            self._verify_unchanged()
            if not self.check_mode and (self.state != self._state() or self._touched()):
                self._commit()
            return
        self._validate(directory)
        if self.check_mode:
            return
        self._apply()

    def _check_timer(self):
        wanted = self.wanted
        if self.state and bool(self.state.get("timer")) != bool(wanted.timer):
            raise ConcernError("timer: %s has been %s so far; remove it with state=absent first"
                               % (wanted.name, "run by a timer" if self.state.get("timer") else "a service that stays"))
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
        secret = self._secret_paths()
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
        for path, on_change in sorted(self._owned().items()):
            if path in declared:
                continue
            found = self.host.read(path)
            if found:
                self.plan.add("remove file", path, "no longer declared", _text(found.data), None, True)
                self._swaps.append((path, lambda p=path: self.host.remove(p)))
                self._raise_impact(self._effective(on_change))

    def _owned(self):
        """Files that earlier runs wrote, path to what a change of it needs; an interrupted one wrote some that no state has yet."""
        files = dict.fromkeys((self.pending or {}).get("files") or {}, "restart")
        for path in (self.wanted.unit_path, self.wanted.timer_path):
            files.pop(path, None)
        files.update(self.state.get("files") or {})
        return files

    def _secret_paths(self):
        """Files whose content on the host may be a secret, although the declaration no longer says so."""
        return set(self.state.get("secret") or []).union((self.pending or {}).get("secret") or [])

    def _effective(self, on_change):
        return "restart" if on_change == "reload" and not self.wanted.reload else on_change

    def _swap_file(self, item):
        self._swaps.append((item.path, lambda: self.host.write(item.path, item.data, item.mode,
                                                               *self._ids(item.owner, item.group))))

    def _units(self):
        """(path, content) of the unit files."""
        rows = [(self.wanted.unit_path, unit.render(self.wanted))]
        return [*rows, (self.wanted.timer_path, unit.render_timer(self.wanted))] if self.wanted.timer else rows

    def _plan_unit(self):
        for path, text in self._units():
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
        wanted, found = self.wanted, self.unit_found
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

    # -- validation ----------------------------------------------------------------------------------------------------
    def _validate(self, directory):
        """Run the service's own tools on what is to come, in a private directory, before anything is swapped."""
        work = tempfile.mkdtemp(prefix="psf-validate-", dir="/var/tmp")
        try:
            self._stage(work)
            self._check_units(work)
            if self.check_mode:
                self._run_validators(work, directory)
            else:
                self._staged_later(work, directory)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _staged_later(self, work, directory):
        """Account, directories and artifact come first: the validator may be part of the very artifact."""
        for step in self.plan.steps:
            if step.verb in ("create group", "create user", "set directory", "install artifact") and step.action:
                step.action()
                step.action = None
        self._run_validators(work, directory)

    def _stage(self, work):
        """The declared files under `work`; where one names another of them in config_dir, it names the staged copy."""
        inside = [item.path for item in self.wanted.files if item.path.startswith(self.wanted.config_dir + "/")]
        names = b"|".join(re.escape(path.encode()) for path in sorted(inside, key=len, reverse=True))
        for item in self.wanted.files:
            path = work + item.path
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            data = item.data
            if inside:
                data = re.sub(names, lambda match: work.encode() + match.group(), data)
            with open(path, "wb") as stream:
                os.chmod(path, 0o600)
                stream.write(data)

    def _check_units(self, work):
        if not any(step.verb == "write unit" for step in self.plan.steps):
            return
        paths = []
        for path, text in self._units():
            paths.append(os.path.join(work, os.path.basename(path)))
            with open(paths[-1], "w", encoding="utf-8") as stream:
                stream.write(text)
        self.exposure = self.host.exposure(paths[0])
        limit = self.wanted.exposure_max
        if self.exposure is None:
            self.warnings.append("this host's systemd cannot analyse a unit file offline; the exposure of %s was not measured"
                                 % self.wanted.name)
        elif self.exposure > limit:
            raise ConcernError("unit.hardening: %s would have an exposure of %.1f, more than exposure_max %.1f; "
                               "see `systemd-analyze security --offline=true` for what opens it"
                               % (self.wanted.name, self.exposure, limit))
        # A service's program may only come with this run; what a timer starts is mostly there already.
        if self.wanted.timer and not self.wanted.artifact:
            problem = self.host.units_problem(paths)
            if problem is None:
                self.warnings.append("this host's systemd cannot verify unit files by themselves; those of %s were not" % self.wanted.name)
            elif problem:
                raise ConcernError("%s: systemd would not take its units, nothing was changed: %s"
                                   % (self.wanted.name, problem.replace(work + "/", "")))

    def _run_validators(self, work, directory):
        tokens = {"artifact": self.host.real(directory or self.wanted.current), "config": work + self.wanted.config_dir,
                  "data": self.wanted.data_dir, "root": work}
        environment = {}
        for item in self.wanted.files:
            if item.path == self.wanted.environment_path:
                environment = _parse_environment(item.data.decode("utf-8"))
        for command in self.wanted.validate:
            argv = [unit.expand(part, tokens) for part in command]
            absent = [word for word in command if word.startswith("{artifact}/") and not os.path.exists(unit.expand(word, tokens))]
            if self.check_mode and (absent or shutil.which(argv[0]) is None):
                self.warnings.append("not validated in check mode: %s is not on this host yet" % (absent or command)[0])
                continue
            code, output = self.host.run(argv, check=False, env=environment)
            if code != 0:
                words = " | ".join(line.strip() for line in output.replace(work, "").splitlines() if line.strip())
                raise ConcernError("%s: the new configuration is not valid, nothing was changed: %s says: %s"
                                   % (self.wanted.name, " ".join(command[:3]), words[-1500:]), validator=command)

    # -- apply ---------------------------------------------------------------------------------------------------------
    def _apply(self):
        wanted, host = self.wanted, self.host
        started = host.now()
        self._begin()
        try:
            for _path, action in self._swaps:
                action()
            self._settle(started)
        except BaseException as error:
            if not isinstance(error, (ConcernError, OSError)):
                raise
            self._fail(error, started)
        self._commit()
        if wanted.artifact:
            self._prune_versions()

    def _begin(self):
        """Write down the last good content before the first swap; one that an interrupted run left is kept as it is."""
        host, home = self.host, self.wanted.state_dir
        host.make_directory(home, 0o700)
        host.make_directory(home + "/backup", 0o700)
        record = self.pending or {"files": {}, "link": host.link(self.wanted.current),
                                  "active": self.unit_found.get("ActiveState") == "active",
                                  "enabled": self.unit_found.get("UnitFileState") == "enabled", "state": self.state}
        for path, _action in self._swaps:
            if path == self.wanted.current or path in record["files"]:
                continue
            found = host.read(path)
            if found is None:
                record["files"][path] = None
            else:
                copy = "%s/backup/%d" % (home, len(record["files"]))
                host.write(copy, found.data, 0o600, 0, 0)
                record["files"][path] = {"copy": copy, "mode": found.mode, "uid": found.uid, "gid": found.gid}
        record["secret"] = sorted(self._secret_paths().union(item.path for item in self.wanted.files if item.secret))
        host.write_json(home + "/transaction.json", record)
        self.record = record

    def _settle(self, started):
        """Bring the service to what is on disk now and wait until it says that it is ready."""
        wanted, host = self.wanted, self.host
        name = wanted.main
        units = (wanted.unit_path, wanted.timer_path)
        stale = [self.unit_found, host.unit(wanted.name)] if wanted.timer else [self.unit_found]
        if any(path in units for path, _action in self._swaps) or any(found.get("NeedDaemonReload") == "yes" for found in stale):
            host.systemctl("daemon-reload")
        if wanted.enabled != (self.unit_found.get("UnitFileState") == "enabled"):
            host.systemctl("enable" if wanted.enabled else "disable", "--quiet", name)
        if not wanted.running:
            host.systemctl("stop", name)
            return
        if self.impact == "restart":
            host.systemctl("reset-failed", name, check=False)
            host.systemctl("restart", name)
            self._wait_ready(started, int(host.unit(wanted.main).get("NRestarts") or 0))
        elif self.impact == "reload":
            self._reload()
            self._wait_ready(started, int(self.unit_found.get("NRestarts") or 0))
        else:
            self._revive(started)

    def _revive(self, started):
        """What was changed needs no restart as a rule; a service that does not answer as declared all the same has one, such as one that
        was started in plain text while a file was wrong."""
        readiness = self.wanted.readiness or {}
        reason = probe.ready(readiness) if readiness.get("url") or readiness.get("tcp") else ""
        if reason:
            name = self.wanted.main
            self.plan.add("restart", name, "it did not answer as declared: %s" % reason)
            self.host.systemctl("restart", name)
            self._wait_ready(started, int(self.host.unit(name).get("NRestarts") or 0))

    def _reload(self):
        options = self.wanted.reload
        if not options.get("url"):
            self.host.systemctl("reload", self.wanted.name + ".service")
            return
        status, body = probe.request(options["url"], "POST", 30, **probe.credentials(options))
        if status >= 300:
            raise ConcernError("reload was refused: HTTP %d %s" % (status, " ".join(body.split())[:600]))

    def _wait_ready(self, started, restarts, readiness=None):
        wanted, host = self.wanted, self.host
        readiness = (wanted.readiness if readiness is None else readiness) or {}
        timeout = readiness.get("timeout") or 60
        deadline = host.now() + timeout
        reason = "not active"
        while True:
            found = host.unit(wanted.main)
            if found.get("ActiveState") == "active":
                reason = probe.ready(readiness) if readiness.get("url") or readiness.get("tcp") else ""
                if not reason:
                    return
            else:
                reason = "the unit is %s (%s)" % (found.get("ActiveState"), found.get("SubState"))
            crashed = int(found.get("NRestarts") or 0) - restarts
            if found.get("ActiveState") == "failed" or crashed >= 3:
                raise ConcernError("it does not stay up (%d restarts): %s" % (max(crashed, 0), reason))
            if host.now() > deadline:
                raise ConcernError("not ready after %d s: %s" % (timeout, reason))
            host.sleep(POLL)

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
            self._wait_ready(started, int(self.unit_found.get("NRestarts") or 0))
        except ConcernError as error:
            raise ConcernError("%s is as declared but not ready: %s" % (self.wanted.name, error.msg),
                               log=self.host.logs(self.wanted.name, started - 600)) from error

    # -- rollback and commit -------------------------------------------------------------------------------------------
    def _fail(self, error, started):
        """Put everything back, bring the old service up again, and say what happened in the service's own words."""
        wanted, host = self.wanted, self.host
        log = host.logs(wanted.name, started)
        what = error.msg if isinstance(error, ConcernError) else str(error)
        restored = self._rollback()
        raise ConcernError("%s: %s. %s. Last words of the service: %s"
                           % (wanted.name, what, restored, " | ".join(log[-5:]) or "none"),
                           log=log, rolled_back=True) from error

    def _rollback(self):
        wanted, host, record = self.wanted, self.host, self.record
        name = wanted.main
        for path, old in record["files"].items():
            if old is None:
                host.remove(path)
            else:
                host.write(path, host.read(old["copy"]).data, old["mode"], old["uid"], old["gid"])
        if record["link"]:
            host.set_link(wanted.current, record["link"])
        elif host.link(wanted.current):
            host.remove(wanted.current)
        state = record.get("state", self.state)
        if state:
            host.write_json(wanted.state_dir + "/state.json", state)
        else:
            host.remove(wanted.state_dir + "/state.json")
        host.systemctl("daemon-reload", check=False)
        host.systemctl("enable" if record["enabled"] else "disable", "--quiet", name, check=False)
        host.systemctl("reset-failed", name, check=False)
        if not record["active"]:
            host.systemctl("stop", name, check=False)
            self._end_transaction()
            return "Everything was put back; it was not running before"
        code, output = host.systemctl("restart", name, check=False)
        if code == 0:
            try:
                # The old configuration is asked the old way: the new one may listen elsewhere.
                old_way = state.get("readiness", wanted.readiness) or {}
                self._wait_ready(host.now(), int(host.unit(wanted.main).get("NRestarts") or 0), old_way)
                self._end_transaction()
                return "The old version and configuration were put back and run again"
            except (ConcernError, OSError) as again:
                output = str(again)
        return "The old files were put back, but the old service does not run either (%s)" % output.strip()[-300:]

    def _commit(self):
        self.host.make_directory(self.wanted.state_dir, 0o700)
        self.host.write_json(self.wanted.state_dir + "/state.json", self._state())
        self._end_transaction()

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

    def _end_transaction(self):
        self.host.remove(self.wanted.state_dir + "/transaction.json")
        self.host.remove_tree(self.wanted.state_dir + "/backup")

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
        self.unit_found = host.unit(wanted.name)
        if self.unit_found.get("ActiveState") in ("active", "activating", "reloading", "failed"):
            plan.add("stop", name, action=lambda: (host.systemctl("stop", name), host.systemctl("reset-failed", name, check=False)))
        if self.unit_found.get("UnitFileState") == "enabled":
            plan.add("disable", name, action=lambda: host.systemctl("disable", "--quiet", name))
        if host.read(wanted.unit_path):
            plan.add("remove unit", wanted.unit_path,
                     action=lambda: (host.remove(wanted.unit_path), host.systemctl("daemon-reload")))
        for path in sorted(self._owned()):
            if host.read(path):
                plan.add("remove file", path, action=lambda p=path: host.remove(p))
        if host.directory(wanted.home):
            plan.add("remove versions", wanted.home, action=lambda: host.remove_tree(wanted.home))
        data = self.state.get("data_dir") or wanted.data_dir
        config = self.state.get("config_dir") or wanted.config_dir
        if host.directory(config) and (wanted.purge or self.state):
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


def _parse_environment(text):
    """Undo the quoting of an environment file for the validators' own environment."""
    found = {}
    for line in text.split("\n")[:-1]:
        key, _sep, value = line.partition("=")
        value = value[1:-1]
        for mark in ("`", "$", '"', "\\"):
            value = value.replace("\\" + mark, mark)
        found[key] = value
    return found
