# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a Grafana organisation hold exactly what is declared: read once, plan, write what differs in dependency order, read it back.

What is ours is in the record (record.py). An object that is not as we left it was edited by hand: drift, which is reported, and
overwritten, left, or given back as a patch, as `drift` says.
"""

from __future__ import annotations

import difflib
import json
import re

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare, kinds, model
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import ApiError
from ansible_collections.psf.observatory.plugins.module_utils.grafana.record import Record
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan

OLDEST = (9, 4)
# A write that finds the object changed meanwhile looks at it and tries again, this often.
TRIES = 3
SAID = 5


class Operation:
    """One step. verb: create, change, delete, take over (equal, but not in the record yet), forget (gone already)."""

    def __init__(self, verb, kind, key, wanted=None, found=None, rows=(), first=False):
        self.verb, self.kind, self.key, self.wanted, self.found, self.rows, self.first = verb, kind, key, wanted, found, list(rows), first
        self.label = wanted.label if wanted else model.name_of(kind, key, found.data if found else None)
        self.error = None

    @property
    def writes(self):
        return self.verb in ("create", "change", "delete")

    def detail(self):
        if self.verb == "create":
            return ""
        said = ["%s: %s" % (where, "added" if before is None else "removed" if after is None else "%s -> %s" % (cut(before), cut(after)))
                for where, before, after in self.rows[:SAID]]
        if len(self.rows) > SAID:
            said.append("%d more" % (len(self.rows) - SAID))
        return "; ".join(said)


class Sync:
    """params: options as in the module's documentation. `progress` gets a text now and then."""

    def __init__(self, client, params, check_mode, progress=lambda text: None):
        self.client, self.params, self.check_mode, self.progress = client, params, check_mode, progress
        self.plan, self.warnings, self.operations, self.drift, self.patches, self.provisioned = Plan(), [], [], [], [], []
        self.policy, self.absent = params["drift"], params["state"] == "absent"
        self.record = Record(params["scope"])
        self.world = kinds.World(client)
        self.kinds = {name: kinds.CLASSES[name](self.world) for name in model.KINDS}
        self.unchanged = 0

    # -- entry ---------------------------------------------------------------------------------------------------------
    def run(self):
        try:
            self._server()
            self.wanted = {} if self.absent else model.declared(self.params, self.version)
            self._read()
            if not self.absent:
                self._check()
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
            "changed": bool(self.plan), "plan": self.plan.as_list(), "drift": self.drift, "patches": self.patches,
            "provisioned": sorted(self.provisioned), "grafana": {"version": self.version_text, "organisation": self.org},
            "objects": {"owned": len(self.record.objects), "created": count["create"], "changed": count["change"],
                        "deleted": count["delete"], "unchanged": self.unchanged},
            "calls": {"reads": self.client.reads, "writes": self.client.writes, "retries": self.client.retried},
        }

    # -- read ----------------------------------------------------------------------------------------------------------
    def _server(self):
        client = self.client
        settings, org = client.map(lambda path: client.get(path, "Grafana"), ["/api/frontend/settings", "/api/org"])
        if not isinstance(org, dict) or "id" not in org:
            raise ConcernError("url: %s/api/org is not Grafana's answer" % client.url)
        self.settings, self.org = settings if isinstance(settings, dict) else {}, {"id": org["id"], "name": org.get("name")}
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
        keys = {name: {key for kind, key in self.wanted if kind == name} for name in model.KINDS}
        teams = any(subject.startswith("team ") for (kind, _key), wanted in self.wanted.items() if kind == "permissions"
                    for subject in wanted.data["entries"])
        self.found = {}
        for name, kind in self.kinds.items():
            asked = keys[name] | set(self.record.keys(name))
            if name == "dashboard":
                asked = {key for key in asked if key in self.world.dashboards or self.record.of(name, key)}
            if asked or (name == "team" and teams) or (name == "datasource" and keys["dashboard"]):
                for key, found in kind.read(asked).items():
                    self.found[name, key] = found

    def _check(self):
        """What would fail half-way, found before anything is written."""
        types, sources = self.settings.get("panels"), self.kinds["datasource"]
        have = set(getattr(sources, "uids", {})) | {key for kind, key in self.wanted if kind == "datasource"}
        libraries = {key for kind, key in list(self.wanted) + list(self.found) if kind == "library panel"}
        folders = set(self.world.folders) | {key for kind, key in self.wanted if kind == "folder"}
        wrong = []
        for (kind, key), wanted in self.wanted.items():
            if kind == "dashboard":
                if types:
                    wrong += ["%s: panel \"%s\": this Grafana has no panel type %s" % (wanted.label, title, name)
                              for title, name in model.panel_types_of(wanted.body) if name not in types]
                wrong += ["%s: %s: data source %s is neither declared nor in Grafana" % (wanted.label, where, uid)
                          for where, uid in model.data_sources_of(wanted.body) if uid not in have]
                for where, uid in model.library_panels_of(wanted.body):
                    if uid not in libraries and self.kinds["library panel"].reread(uid) is None:
                        wrong.append('%s: panel "%s": library panel %s is neither declared nor in Grafana' % (wanted.label, where, uid))
            place = wanted.data.get("parent") if kind == "folder" else wanted.data.get("folder")
            if place and place not in folders:
                wrong.append("%s: folder %s is neither declared nor in Grafana" % (wanted.label, place))
            if kind == "folder" and wanted.data["parent"] and not self._nested():
                wrong.append("%s: parent: this Grafana (%s) has no nested folders; they come with 11, or 10 and its switch nestedFolders"
                             % (wanted.label, self.version_text))
            if kind == "permissions" and key not in folders:
                wrong.append("%s: the folder is neither declared nor in Grafana" % wanted.label)
            if kind == "home" and ("dashboard", wanted.data["uid"]) not in self.wanted and wanted.data["uid"] not in self.world.dashboards:
                wrong.append("home_dashboard: dashboard %s is neither declared nor in Grafana" % wanted.data["uid"])
        if self.version < (10, 0):
            titles = {row["title"].lower() for row in self.world.folders.values()}
            titles |= {wanted.data["title"].lower() for wanted in self.wanted.values() if wanted.kind == "folder"}
            said = "%s: Grafana %s refuses a dashboard with the title of a folder; give one another title"
            wrong += [said % (wanted.label, self.version_text) for wanted in self.wanted.values()
                      if wanted.kind == "dashboard" and wanted.data["title"].lower() in titles]
        if wrong:
            more = "; and %d more" % (len(wrong) - SAID) if len(wrong) > SAID else ""
            raise ConcernError("nothing was written: %s%s" % ("; ".join(wrong[:SAID]), more), problems=wrong)

    def _nested(self):
        return self.version >= (11, 0) or bool((self.settings.get("featureToggles") or {}).get("nestedFolders"))

    # -- plan ----------------------------------------------------------------------------------------------------------
    def _plan(self):
        removals = []
        for name in model.KINDS:
            for (kind, key), wanted in sorted(self.wanted.items()):
                if kind == name:
                    self._plan_one(wanted, self.found.get((kind, key)))
            for key in sorted(self.record.keys(name)):
                if (name, key) not in self.wanted:
                    self._plan_removal(removals, name, key, self.found.get((name, key)))
        self._plan_folders(removals)
        self.operations += removals
        if self.absent and self.record.version and not self.operations:
            self.plan.add("delete", "record of what is ours")
        for op in self.operations:
            before, after = compare.as_texts(op.rows)
            texts = {"before": None if op.verb == "create" else before, "after": None if op.verb == "delete" else after} \
                if op.writes else {}
            self.plan.add(op.verb, op.label, op.detail(), **texts)

    def _plan_one(self, wanted, found):
        kind, key, record = wanted.kind, wanted.key, self.record
        goal = wanted.digest
        if found is None:
            if kind == "permissions":
                if key not in self.world.folders and not any(op.kind == "folder" and op.key == key for op in self.operations):
                    # The folder was deleted by hand, and is left so.
                    return
            elif (record.of(kind, key) or {}).get("hash") and not self._drifted(wanted, None, "deleted", []):
                return
            self.operations.append(Operation("create", kind, key, wanted, None, compare.differences({}, wanted.data)))
            return
        rows = [] if found.digest == goal else compare.differences(found.data, wanted.data)
        secrets = self._secrets(wanted, found)
        if not rows and not secrets:
            if found.provisioned:
                self.provisioned.append(wanted.label)
            elif not record.knows(kind, key, goal):
                self.operations.append(Operation("take over", kind, key, wanted, found))
            else:
                self.unchanged += 1
            return
        if found.provisioned:
            self.provisioned.append(wanted.label)
            self.warnings.append("%s comes from files of the server and differs from what is declared; it was left as it is" % wanted.label)
            return
        if rows and not record.knows(kind, key, found.digest) and not self._drifted(
                wanted, found, "edited" if (record.of(kind, key) or {}).get("hash") else "made by others", rows):
            return
        self.operations.append(Operation("change", kind, key, wanted, found, rows + secrets))

    def _secrets(self, wanted, found):
        """Rows about secrets: those that are not as declared, as far as that can be known."""
        if wanted.kind != "datasource":
            return []
        rows = [("secret %s" % name, "set", "none") for name in sorted(found.secrets - set(wanted.secrets))]
        rows += [("secret %s" % name, "none", "set") for name in sorted(set(wanted.secrets) - found.secrets)]
        if not rows and wanted.secrets and not self.record.same_secrets(wanted.kind, wanted.key, wanted.secrets):
            rows.append(("secrets", "as they were", "changed (%s)" % ", ".join(sorted(wanted.secrets))))
        return rows

    def _drifted(self, wanted, found, how, rows):
        """Note it; whether it shall be overwritten."""
        self.drift[:] = [row for row in self.drift if (row["kind"], row["key"]) != (wanted.kind, wanted.key)]
        done = {"overwrite": "overwritten", "leave": "left", "adopt": "left"}[self.policy]
        self.drift.append({"object": wanted.label, "kind": wanted.kind, "key": wanted.key, "found": how, "done": done,
                           "differences": ["%s: %s instead of %s" % (where, cut(before or "none"), cut(after or "none"))
                                           for where, before, after in rows]})
        if self.policy == "adopt":
            self._adopt(wanted, found)
        return self.policy == "overwrite"

    def _adopt(self, wanted, found):
        """A patch from what is declared to what Grafana has, in the form of the bundle's files."""
        before, after = (wanted.body, found.raw if found else None) if wanted.kind == "dashboard" else (wanted.data, found and found.data)
        path = "grafana/%ss/%s.json" % (wanted.kind.replace(" ", "_"), wanted.key)
        texts = [[] if side is None else written(side).splitlines(keepends=True) for side in (before, after)]
        patch = "".join(difflib.unified_diff(texts[0], texts[1], "a/" + path, "b/" + path if after is not None else "/dev/null"))
        self.patches.append({"object": wanted.label, "path": path, "patch": patch})

    def _plan_removal(self, removals, name, key, found):
        if found is None or not self.kinds[name].prunes:
            self.operations.append(Operation("forget", name, key))
            return
        if not self.params["prune"] and not self.absent:
            self.unchanged += 1
            return
        if found.provisioned or not (self.record.of(name, key).get("hash") or self.record.knows(name, key, found.digest)):
            # Files of the server hold it now, or we meant to write to it and never did: not ours to delete.
            self.operations.append(Operation("forget", name, key))
            return
        label = model.name_of(name, key, found.data)
        if not self.record.knows(name, key, found.digest):
            self.drift.append({"object": label, "kind": name, "key": key, "found": "edited, and no longer declared",
                               "done": "deleted" if self.policy == "overwrite" else "left", "differences": []})
            if self.policy != "overwrite":
                return
        taken = place(name, found.data)
        first = taken is not None and any(op.kind == name and op.writes and place(name, op.wanted.data) == taken
                                          for op in self.operations if op.wanted)
        removals.append(Operation("delete", name, key, None, found, compare.differences(found.data, {}), first))

    def _plan_folders(self, removals):
        """A folder goes with all that is in it, so one with objects of others stays."""
        going = {(op.kind, op.key) for op in removals}
        panels = getattr(self.kinds["library panel"], "folders", None)
        if panels is None and any(kind == "folder" for kind, _key in going):
            self.kinds["library panel"].read([])
            panels = self.kinds["library panel"].folders
        changed = True
        while changed:
            changed = False
            for op in [op for op in removals if op.kind == "folder"]:
                inside = ["dashboard %s" % uid for uid, hit in self.world.dashboards.items() if hit.get("folderUid") == op.key
                          and ("dashboard", uid) not in going and not self._moves("dashboard", uid)]
                inside += ["folder %s" % uid for uid, row in self.world.folders.items() if row["parent"] == op.key
                           and ("folder", uid) not in going and not self._moves("folder", uid)]
                inside += ["library panel %s" % uid for uid, folder in panels.items() if folder == op.key
                           and ("library panel", uid) not in going and not self._moves("library panel", uid)]
                if inside:
                    self.warnings.append("%s is no longer declared, but stays: %s in it %s not ours" % (
                        op.label, ", ".join(inside[:SAID]), "is" if len(inside) == 1 else "are"))
                    removals.remove(op)
                    going.discard((op.kind, op.key))
                    changed = True
        removals.sort(key=lambda op: (-model.KINDS.index(op.kind), -self._depth(op.key) if op.kind == "folder" else 0))

    def _moves(self, kind, key):
        """Whether a declared object leaves its folder in this run."""
        return any(op.kind == kind and op.key == key and op.verb == "change" for op in self.operations)

    def _depth(self, key, parents=None):
        depth, seen = 0, {key}
        while key:
            wanted = self.wanted.get(("folder", key))
            key = wanted.data["parent"] if wanted else (self.world.folders.get(key) or {}).get("parent", "")
            if key in seen:
                break
            seen.add(key)
            depth += 1
        return depth

    # -- apply ---------------------------------------------------------------------------------------------------------
    def _apply(self):
        record = self.record
        for op in self.operations:
            if op.verb in ("create", "change", "take over"):
                record.intend(op.kind, op.key, op.wanted.digest)
        if any(op.writes for op in self.operations):
            # What is about to be made is ours even when this run does not come to its end.
            record.save(self.client)
        self.done, self.total = 0, sum(1 for op in self.operations if op.writes)
        for wave in self._waves():
            self._do(wave)
        self._verify()
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
        failed = [op for op in self.operations if op.error]
        if self.absent and not record.objects:
            self._remove_record()
        else:
            record.save(self.client)
        if failed:
            raise ConcernError("%d of %d objects failed, all others are done: %s%s" % (
                len(failed), self.total, "; ".join(str(op.error.msg) for op in failed[:SAID]),
                "; and %d more" % (len(failed) - SAID) if len(failed) > SAID else ""),
                failures=[{"object": op.label, "step": op.verb, "error": op.error.msg} for op in failed], **self.result())

    def _remove_record(self):
        others = [uid for uid, hit in self.world.dashboards.items()
                  if hit.get("folderUid") == self.record.folder and uid != self.record.uid]
        self.record.remove(self.client, not others)

    def _waves(self):
        """Groups of operations, in dependency order; those of one group do not depend on each other."""
        writing = [op for op in self.operations if op.writes]
        yield [op for op in writing if op.verb == "delete" and op.first]
        for name in model.KINDS:
            mine = [op for op in writing if op.kind == name and op.verb != "delete"]
            if name == "folder":
                for depth in sorted({self._depth(op.key) for op in mine}):
                    yield [op for op in mine if self._depth(op.key) == depth]
            elif name == "datasource":
                # The default last: it takes that from another one.
                yield [op for op in mine if not op.wanted.data["isDefault"]]
                yield [op for op in mine if op.wanted.data["isDefault"]]
            else:
                yield mine
        for name in reversed(model.KINDS):
            mine = [op for op in writing if op.kind == name and op.verb == "delete" and not op.first]
            if name == "folder":
                for depth in sorted({self._depth(op.key) for op in mine}, reverse=True):
                    yield [op for op in mine if self._depth(op.key) == depth]
            else:
                yield mine

    def _do(self, wave):
        """One group, several at a time; again what failed, as long as others succeed: a title may have become free."""
        left = list(wave)
        while left:
            self.client.map(self._one, left, self.kinds[left[0].kind].workers)
            failed = [op for op in left if op.error]
            if not failed or len(failed) == len(left):
                return
            left = [op for op in failed if isinstance(op.error, ApiError) and op.error.status not in (0, 401, 403)]

    def _one(self, op):
        op.error = None
        try:
            self._needs(op)
            self._write(op)
            self.done += 1
            if self.done % 100 == 0:
                self.progress("%d of %d objects written" % (self.done, self.total))
        except ConcernError as error:
            op.error = error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            op.error = ConcernError("%s: Grafana's answer is not as expected: %r" % (op.label, error))

    def _needs(self, op):
        """What an object stands in must be there."""
        if op.verb == "delete":
            if op.kind == "folder":
                self._still_empty(op)
            return
        folder = op.key if op.kind == "permissions" else op.wanted.data.get("parent" if op.kind == "folder" else "folder")
        for other in self.operations:
            if folder and other.kind == "folder" and other.key == folder and other is not op and other.error:
                raise ConcernError("%s was not tried, as its folder %s failed" % (op.label, folder))

    def _still_empty(self, op):
        fresh = kinds.World(self.client)
        fresh.search()
        inside = [uid for uid, hit in fresh.dashboards.items() if hit.get("folderUid") == op.key]
        inside += [uid for uid, row in fresh.folders.items() if row["parent"] == op.key]
        inside = [uid for uid in inside if not any(other.key == uid and other.verb == "delete" and not other.error
                                                   for other in self.operations)]
        if inside:
            raise ConcernError("%s was not deleted, as others have put %s into it meanwhile" % (op.label, ", ".join(inside[:SAID])))

    def _write(self, op):
        kind = self.kinds[op.kind]
        if op.verb == "delete":
            kind.delete(op.key, op.found)
            return
        found = op.found
        for attempt in range(TRIES):
            try:
                kind.create(op.wanted) if found is None else kind.change(op.wanted, found)
                return
            except ApiError as error:
                if not kinds.conflict(error) and not (error.status == 404 and found is not None):
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

    def _meanwhile(self, op, fresh, error):
        """Somebody wrote to it since it was read: drift that the plan did not know."""
        known = fresh is None or self.record.knows(op.kind, op.key, fresh.digest)
        rows = compare.differences(fresh.data, op.wanted.data) if fresh else []
        if not known and not self._drifted(op.wanted, fresh, "edited during this run", rows):
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


def place(kind, data):
    """What must be unique: the name of an object in its place. None for kinds without."""
    if kind in ("team", "datasource"):
        return data["name"].lower()
    if kind == "dashboard":
        return data["folder"], data["title"].lower()
    if kind == "library panel":
        return data["folder"], data["name"].lower()
    if kind == "folder":
        return data["parent"], data["title"].lower()
    return None


def written(data):
    """JSON as the files of a bundle have it; without what a Grafana adds."""
    data = {key: value for key, value in data.items() if key not in ("id", "version")}
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def cut(text):
    return text if len(text) <= 80 else text[:77] + "..."
