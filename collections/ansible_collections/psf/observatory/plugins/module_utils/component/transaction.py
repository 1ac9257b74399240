# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swap what the plan says and bring the service up again, else put everything back: what a run leaves on the target, and how it ends.

What is kept there (in /var/lib/psf-observatory/components/<name>/):
  state.json        what we own: paths, unit, artifact stamp; only this is ever pruned
  transaction.json  present from before the first swap until the service is ready: a run that finds one was preceded by
                    an interrupted run, restarts the service and verifies it
  backup/           the last good content of all that the transaction changes
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.component import probe
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

POLL = 0.25


class Transaction:
    """state: what an earlier run said that we own; pending: what an interrupted one left, or None; unit: the service as it was found."""

    def __init__(self, component, host):
        self.wanted, self.host = component, host
        self.state = host.read_json(component.state_dir + "/state.json") or {}
        self.pending = host.read_json(component.state_dir + "/transaction.json")
        self.unit = host.unit(component.main)

    def owned(self):
        """Files that earlier runs wrote, path to what a change of it needs; an interrupted one wrote some that no state has yet."""
        files = dict.fromkeys((self.pending or {}).get("files") or {}, "restart")
        for path in (self.wanted.unit_path, self.wanted.timer_path):
            files.pop(path, None)
        files.update(self.state.get("files") or {})
        return files

    def secret_paths(self):
        """Files whose content on the host may be a secret, although the declaration no longer says so."""
        return set(self.state.get("secret") or []).union((self.pending or {}).get("secret") or [])

    def run(self, swaps, impact, state, plan):
        """Swap, settle, and keep `state`.

        swaps: (path, action), in order; impact: what the service needs, none, reload or restart; plan: gets a step more when it needs more.
        """
        started = self.host.now()
        self._begin(swaps)
        try:
            for _path, action in swaps:
                action()
            units = (self.wanted.unit_path, self.wanted.timer_path)
            self._settle(impact, any(path in units for path, _action in swaps), plan)
        except (ConcernError, OSError) as error:
            self._fail(error, started)
        self.commit(state)

    def _begin(self, swaps):
        """Write down the last good content before the first swap; one that an interrupted run left is kept as it is."""
        host, home = self.host, self.wanted.state_dir
        host.make_directory(home, 0o700)
        host.make_directory(home + "/backup", 0o700)
        record = self.pending or {"files": {}, "link": host.link(self.wanted.current),
                                  "active": self.unit.get("ActiveState") == "active",
                                  "enabled": self.unit.get("UnitFileState") == "enabled", "state": self.state}
        for path, _action in swaps:
            if path == self.wanted.current or path in record["files"]:
                continue
            found = host.read(path)
            if found is None:
                record["files"][path] = None
            else:
                copy = "%s/backup/%d" % (home, len(record["files"]))
                host.write(copy, found.data, 0o600, 0, 0)
                record["files"][path] = {"copy": copy, "mode": found.mode, "uid": found.uid, "gid": found.gid}
        record["secret"] = sorted(self.secret_paths().union(item.path for item in self.wanted.files if item.secret))
        host.write_json(home + "/transaction.json", record)
        self.record = record

    def _settle(self, impact, new_unit, plan):
        """Bring the service to what is on disk now and wait until it says that it is ready."""
        wanted, host = self.wanted, self.host
        name = wanted.main
        stale = [self.unit, host.unit(wanted.name)] if wanted.timer else [self.unit]
        if new_unit or any(found.get("NeedDaemonReload") == "yes" for found in stale):
            host.systemctl("daemon-reload")
        if wanted.enabled != (self.unit.get("UnitFileState") == "enabled"):
            host.systemctl("enable" if wanted.enabled else "disable", "--quiet", name)
        if not wanted.running:
            host.systemctl("stop", name)
            return
        if impact == "restart":
            host.systemctl("reset-failed", name, check=False)
            host.systemctl("restart", name)
            self.wait_ready(int(host.unit(wanted.main).get("NRestarts") or 0))
        elif impact == "reload":
            self._reload()
            self.wait_ready(int(self.unit.get("NRestarts") or 0))
        else:
            self._revive(plan)

    def _revive(self, plan):
        """What was changed needs no restart as a rule; a service that does not answer as declared all the same has one, such as one that
        was started in plain text while a file was wrong."""
        readiness = self.wanted.readiness or {}
        reason = probe.ready(readiness) if readiness.get("url") or readiness.get("tcp") else ""
        if reason:
            name = self.wanted.main
            plan.add("restart", name, "it did not answer as declared: %s" % reason)
            self.host.systemctl("restart", name)
            self.wait_ready(int(self.host.unit(name).get("NRestarts") or 0))

    def _reload(self):
        options = self.wanted.reload
        if not options.get("url"):
            self.host.systemctl("reload", self.wanted.name + ".service")
            return
        status, body = probe.request(options["url"], "POST", 30, **probe.credentials(options))
        if status >= 300:
            raise ConcernError("reload was refused: HTTP %d %s" % (status, " ".join(body.split())[:600]))

    def wait_ready(self, restarts, readiness=None):
        """Return when the service is ready; raise ConcernError when its time is over or it has crashed 3 times more than `restarts`."""
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
                self.wait_ready(int(host.unit(wanted.main).get("NRestarts") or 0), old_way)
                self._end_transaction()
                return "The old version and configuration were put back and run again"
            except (ConcernError, OSError) as again:
                output = str(again)
        return "The old files were put back, but the old service does not run either (%s)" % output.strip()[-300:]

    def commit(self, state):
        """Keep what we own now; the transaction is over."""
        self.host.make_directory(self.wanted.state_dir, 0o700)
        self.host.write_json(self.wanted.state_dir + "/state.json", state)
        self._end_transaction()

    def _end_transaction(self):
        self.host.remove(self.wanted.state_dir + "/transaction.json")
        self.host.remove_tree(self.wanted.state_dir + "/backup")
