# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a Grafana organisation hold exactly what is declared: read once, plan, write what differs in dependency order, read it back.

What is ours is in the record (record.py); what to do follows from it (plan.py). An object that is not as we left it was edited by
hand (drift.py).
"""

from __future__ import annotations

import re
import time

from ansible_collections.psf.observatory.plugins.module_utils.grafana import client as api
from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare, kinds, kinds_alerting, model
from ansible_collections.psf.observatory.plugins.module_utils.grafana.base import World, conflict
from ansible_collections.psf.observatory.plugins.module_utils.grafana.checks import Checks
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import ApiError
from ansible_collections.psf.observatory.plugins.module_utils.grafana.drift import Drift, cut
from ansible_collections.psf.observatory.plugins.module_utils.grafana.plan import SAID, Planner, place, still_empty
from ansible_collections.psf.observatory.plugins.module_utils.grafana.record import Record
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan

OLDEST = (9, 4)
# A write that finds the object changed meanwhile looks at it and tries again, this often.
TRIES = 3
# Seconds between two words about how far it is.
EVERY = 10
# So many writes are worth a question after the database.
MANY = 30
CLASSES = dict(kinds.CLASSES, **kinds_alerting.CLASSES)


class Sync:
    """params: options as in the module's documentation. `progress` gets a text every ten seconds."""

    def __init__(self, client, params, check_mode, progress=lambda text: None):
        self.client, self.params, self.check_mode, self.progress = client, params, check_mode, progress
        self.plan, self.warnings, self.operations, self.provisioned, self.unchanged = Plan(), [], [], [], 0
        self.absent, self._nested = params["state"] == "absent", None
        self.done = self.total = 0
        self.told = time.monotonic()
        client.watch = self._tell
        self.drift = Drift(params["drift"])
        self.record = Record(params["scope"])
        self.world = World(client, bool(params.get("alerting_editable")))
        self.kinds = {name: CLASSES[name](self.world) for name in model.KINDS}

    # -- entry ---------------------------------------------------------------------------------------------------------
    def run(self):
        try:
            self._server()
            self.wanted = {} if self.absent else model.declared(self.params, self.version)
            self._read()
            if not self.absent:
                wrong = Checks(self, self.wanted, self.found).problems()
                if wrong:
                    more = "; and %d more" % (len(wrong) - SAID) if len(wrong) > SAID else ""
                    raise ConcernError("nothing was written: %s%s" % ("; ".join(wrong[:SAID]), more), problems=wrong)
            self._plan()
            if self.operations and not self.check_mode:
                self._apply()
            elif self.absent and self.record.version and not self.check_mode:
                self._remove_record()
        finally:
            self.client.close()
        return self.result()

    def result(self):
        count = {verb: sum(1 for op in self.operations if op.verb == verb and not op.error) for verb in ("create", "change", "delete")}
        return {
            "changed": bool(self.plan), "plan": self.plan.as_list(), "drift": self.drift.rows, "patches": self.drift.patches,
            "provisioned": sorted(self.provisioned), "grafana": {"version": self.version_text, "organisation": self.org},
            "objects": {"owned": len(self.record.objects), "created": count["create"], "changed": count["change"],
                        "deleted": count["delete"], "unchanged": self.unchanged},
            "calls": {"reads": self.client.reads, "writes": self.client.writes, "retries": self.client.retried},
        }

    def _tell(self):
        now = time.monotonic()
        if now - self.told >= EVERY:
            self.told = now
            self.progress("Grafana at %s: %s, %d reads, %d writes, %d asked again" % (
                self.client.url, "%d of %d objects written" % (self.done, self.total) if self.total else "reading",
                self.client.reads, self.client.writes, self.client.retried))

    # -- read ----------------------------------------------------------------------------------------------------------
    def _server(self):
        client = self.client
        settings, org = client.map(lambda path: client.get(path, "Grafana"), ["/api/frontend/settings", "/api/org"])
        if not isinstance(org, dict) or "id" not in org:
            raise ConcernError("url: %s/api/org is not Grafana's answer" % client.url)
        self.settings, self.org = settings if isinstance(settings, dict) else {}, {"id": org["id"], "name": org.get("name")}
        self.world.org_id = org["id"]
        wanted = self.params.get("org_id")
        if wanted and wanted != org["id"]:
            raise ConcernError("org_id: %d was asked for, but these credentials are for organisation %d (%s); a service account's token "
                               "is for its own organisation only" % (wanted, org["id"], org.get("name")))
        text = str((self.settings.get("buildInfo") or {}).get("version") or "")
        if not text:
            text = str((client.get("/api/health", "Grafana") or {}).get("version") or "")
        numbers = re.match(r"(\d+)\.(\d+)", text)
        self.version_text, self.version = text, tuple(int(n) for n in numbers.groups()) if numbers else OLDEST
        if self.version < OLDEST:
            raise ConcernError("Grafana %s is older than %d.%d, the oldest that this module knows" % ((text,) + OLDEST))

    def _read(self):
        """All that is declared or ours, each once. Kinds of which there is neither are not read."""
        self.world.search()
        self.record.load(self.client, self.record.folder in self.world.folders)
        self.record.load_others(self.client, [uid for uid, hit in self.world.dashboards.items()
                                              if hit.get("folderUid") == self.record.folder])
        keys = {name: {key for kind, key in self.wanted if kind == name} for name in model.KINDS}
        # What others must know of a kind of which nothing is declared.
        also = {"datasource": keys["dashboard"] | keys["alert rule"] | keys["correlation"],
                "team": any(subject.startswith("team ") for (kind, _key), wanted in self.wanted.items() if kind == "permissions"
                            for subject in wanted.data["entries"])}
        self.found = {}
        for name, kind in self.kinds.items():
            asked = keys[name] | set(self.record.keys(name))
            kind.hidden = {key: set((self.record.of(name, key) or {}).get("names") or ()) for key in asked}
            for key in keys[name]:
                kind.hidden[key].update(self.wanted[name, key].secrets)
            if name == "dashboard":
                asked = {key for key in asked if key in self.world.dashboards or self.record.of(name, key)}
            if asked or also.get(name):
                for key, found in kind.read(asked).items():
                    self.found[name, key] = found
        self._settle()

    def _settle(self):
        """Of objects that will be written or deleted, what their list did not tell."""
        def differs(name, key, found):
            wanted = self.wanted.get((name, key))
            return wanted is None or wanted.digest != found.digest or not self.record.knows(name, key, wanted.digest)

        left = [at for at, found in self.found.items() if differs(at[0], at[1], found)]
        for at, found in zip(left, self.client.map(lambda at: self.kinds[at[0]].settled(at[1], self.found[at]), left)):  # noqa: B905
            self.found[at] = found

    def nested(self):
        """Whether folders can be inside folders; asked only when a declared one shall be."""
        if self._nested is None:
            # Without them, Grafana does not look at the parent that is asked for, and lists what it has.
            path = "/api/folders?limit=1&parentUid=psf-no-such-folder"
            rows = self.client.get(path, "folders", missing=True) if self.world.folders else []
            toggled = bool((self.settings.get("featureToggles") or {}).get("nestedFolders"))
            self._nested = not rows and (bool(self.world.folders) or toggled or self.version >= (11, 0))
        return self._nested

    def _plan(self):
        self.planner = planner = Planner(self.kinds, self.world, self.record, self.drift, self.wanted, self.found,
                                         self.params["prune"] or self.absent)
        self.operations = planner.plan()
        self.provisioned, self.unchanged = planner.provisioned, planner.unchanged
        self.warnings += planner.warnings
        if self.absent and self.record.version and not self.operations:
            self.plan.add("delete", "record of what is ours")
        for op in self.operations:
            before, after = compare.as_texts(op.rows)
            texts = {"before": None if op.verb == "create" else before, "after": None if op.verb == "delete" else after} \
                if op.writes else {}
            self.plan.add(op.verb, op.label, op.detail(), **texts)

    # -- apply ---------------------------------------------------------------------------------------------------------
    def _apply(self):
        record = self.record
        for op in self.operations:
            if op.verb in ("create", "change", "take over"):
                record.intend(op.kind, op.key, op.wanted.digest, op.found and op.found.digest)
        if any(op.writes for op in self.operations):
            # What is about to be made is ours even when this run does not come to its end.
            record.save(self.client)
        self.total = sum(1 for op in self.operations if op.writes)
        if self.total > MANY:
            self._ask_database()
        for wave in self.planner.waves():
            self._do(wave)
        self._verify()
        self._remember()
        failures = [{"object": op.label, "step": op.verb, "error": str(op.error.msg)} for op in self.operations if op.error]
        count = len(failures)
        try:
            if self.absent and not record.objects:
                self._remove_record()
            else:
                record.save(self.client)
        except ConcernError as error:
            if not failures:
                raise
            # The same trouble, most likely; what it did to the objects must still be said.
            failures.append({"object": "record of what is ours", "step": "change", "error": str(error.msg)})
        if failures:
            said = [row["error"] for row in failures[:SAID]]
            raise ConcernError("%d of %d objects failed, all others are done: %s%s" % (
                count, self.total, "; ".join(said), "; and %d more" % (len(failures) - SAID) if len(failures) > SAID else ""),
                failures=failures, **self.result())

    def _remember(self):
        """What became of each operation, into the record."""
        record = self.record
        for op in self.operations:
            if op.error:
                # Not as intended; the next run looks at it as it is.
                row = record.of(op.kind, op.key)
                if row is not None and op.verb == "create" and not row.get("hash"):
                    row.setdefault("next", op.wanted.digest)
            elif op.verb in ("delete", "forget"):
                record.forget(op.kind, op.key)
            else:
                record.done(op.kind, op.key, op.wanted.digest, op.wanted.secrets)

    def _ask_database(self):
        """A database server takes more writers at a time than SQLite. Only an admin of the server is told which it is."""
        if self.client.chosen:
            return
        try:
            answer = self.client.get("/api/admin/settings", "Grafana", missing=True)
        except ConcernError:
            return
        if isinstance(answer, dict) and (answer.get("database") or {}).get("type") in ("postgres", "mysql"):
            self.client.workers = api.WRITERS_OF_A_SERVER

    def _remove_record(self):
        others = [uid for uid, hit in self.world.dashboards.items()
                  if hit.get("folderUid") == self.record.folder and uid != self.record.uid]
        self.record.remove(self.client, not others)

    def _do(self, wave):
        """One group, several at a time; again what failed, as long as others succeed: a title may have become free."""
        left = list(wave)
        while left:
            self.client.map(self._one, left, self.kinds[left[0].kind].workers or self.client.workers)
            failed = [op for op in left if op.error]
            if not failed or (len(failed) == len(left) and not self._step_aside(failed)):
                return
            left = [op for op in failed if isinstance(op.error, ApiError) and op.error.status not in (0, 401, 403)]

    def _step_aside(self, failed):
        """Objects that want each other's names cannot get them: one takes another name for a moment. Whether one did."""
        for op in failed:
            name = "title" if op.kind in ("dashboard", "folder", "alert rule") else "name"
            held = place(op.kind, op.found.data) if op.found and op.verb == "change" and not op.aside else None
            if held is None or held == place(op.kind, op.wanted.data) or not any(
                    other.wanted and place(other.kind, other.wanted.data) == held for other in failed if other is not op):
                continue
            moved = {name: "%s (%s)" % (op.wanted.data[name], op.key)}
            wanted = model.Wanted(op.kind, op.key, dict(op.wanted.data, **moved), op.wanted.body and dict(op.wanted.body, **moved),
                                  op.wanted.secrets, op.label)
            op.aside = True
            try:
                kind = self.kinds[op.kind]
                kind.change(wanted, op.found)
                op.found = kind.reread(op.key) or op.found
                return True
            except (ConcernError, KeyError, TypeError):
                continue
        return False

    def _one(self, op):
        op.error = None
        try:
            self._needs(op)
            self._write(op)
            self.done += 1
        except ConcernError as error:
            op.error = error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            op.error = ConcernError("%s: Grafana's answer is not as expected: %r" % (op.label, error))

    def _needs(self, op):
        """What an object stands in must be there."""
        if op.verb == "delete":
            inside = still_empty(self.client, op, self.operations) if op.kind == "folder" else ()
            if inside:
                raise ConcernError("%s was not deleted, as others have put %s into it meanwhile" % (op.label, ", ".join(inside[:SAID])))
            return
        folder = op.key if op.kind == "permissions" else op.wanted.data.get("parent" if op.kind == "folder" else "folder")
        if folder and ("folder", folder) in self.planner.gone:
            raise ConcernError("%s was not tried, as its folder %s was deleted by hand, and is left so" % (op.label, folder))
        for other in self.operations:
            if folder and other.kind == "folder" and other.key == folder and other is not op and other.error:
                raise ConcernError("%s was not tried, as its folder %s failed" % (op.label, folder))

    def _write(self, op):
        kind = self.kinds[op.kind]
        if op.verb == "delete":
            kind.delete(op.key, op.found)
            return
        found = op.found
        if found is not None and not kind.locks and not self._renamed(op):
            # Nothing that is sent would tell Grafana that this was written over somebody else's change.
            fresh = kind.reread(op.key)
            if fresh is None or fresh.digest != found.digest:
                found = self._meanwhile(op, fresh, None)
        for attempt in range(TRIES):
            try:
                kind.create(op.wanted) if found is None else kind.change(op.wanted, found)
                return
            except ApiError as error:
                if not conflict(error) and not (error.status == 404 and found is not None):
                    raise
                fresh = kind.reread(op.key)
                if (fresh is None) == (found is None) and (fresh is None or fresh.lock == found.lock):
                    raise
                if attempt == TRIES - 1:
                    raise
                if fresh is not None and fresh.provisioned:
                    raise
                if fresh is not None and fresh.digest == op.wanted.digest and not op.wanted.secrets:
                    return
                found = self._meanwhile(op, fresh, error)

    def _renamed(self, op):
        """Whether this run itself has changed the policies: they follow the name of a contact point."""
        return op.kind == "policies" and any(other.kind == "contact point" and other.verb == "change" and not other.error
                                             and other.found.data["name"] != other.wanted.data["name"] for other in self.operations)

    def _meanwhile(self, op, fresh, error):
        """Somebody wrote to it since it was read: drift that the plan did not know."""
        known = fresh is None or self.record.knows(op.kind, op.key, fresh.digest)
        rows = compare.differences(fresh.data, op.wanted.data) if fresh else []
        if not known and not self.drift.noted(op.wanted, fresh, "edited during this run", rows):
            raise ConcernError("%s was edited during this run and left; run again" % op.label) from error
        return fresh

    def _verify(self):
        """Read back what was written: Grafana answers 200 to some things that it does not store."""
        written_ops = [op for op in self.operations if op.verb in ("create", "change") and not op.error]
        if not self.params["verify"]:
            return
        for name in model.KINDS:
            mine = [op for op in written_ops if op.kind == name]
            if not mine:
                continue
            for op in mine:
                self.kinds[name].hidden[op.key] = set(op.wanted.secrets)
            try:
                found = self.kinds[name].read_back({op.key for op in mine})
            except ConcernError as error:
                self.warnings.append("what was written was not read back: %s" % error.msg)
                return
            for op in mine:
                now = found.get(op.key)
                if now is None or now.digest != op.wanted.digest:
                    rows = compare.differences(now.data if now else {}, op.wanted.data)
                    op.error = ConcernError("%s: Grafana took it, but holds %s" % (op.label, "; ".join(
                        "%s: %s instead of %s" % (where, cut(before or "none"), cut(after or "none"))
                        for where, before, after in rows[:SAID]) if now else "nothing"))
