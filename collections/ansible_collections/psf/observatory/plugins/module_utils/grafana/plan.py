# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was found and what is declared to the operations between them, and the order in which they can be done."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare, model, notifications
from ansible_collections.psf.observatory.plugins.module_utils.grafana.base import World
from ansible_collections.psf.observatory.plugins.module_utils.grafana.drift import cut

SAID = 5


class Operation:
    """One step. verb: create, change, delete, take over (equal, but not in the record yet), forget (gone already)."""

    def __init__(self, verb, kind, key, wanted=None, found=None, rows=(), first=False):
        self.verb, self.kind, self.key, self.wanted, self.found, self.rows, self.first = verb, kind, key, wanted, found, list(rows), first
        self.label = wanted.label if wanted else model.name_of(kind, key, found.data if found else None)
        self.error = None
        # It has given up its name for a moment.
        self.aside = False

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


class Planner:
    """wanted: (kind, key) to Wanted; found: (kind, key) to Found; classes: kind to its Kind; record and drift as in their modules."""

    def __init__(self, classes, world, record, drift, wanted, found, prune):
        self.kinds, self.world, self.record, self.drift = classes, world, record, drift
        self.wanted, self.found, self.prune = wanted, found, prune
        self.operations, self.provisioned, self.warnings, self.unchanged = [], [], [], 0
        # (kind, key) of what was deleted by hand and is left so.
        self.gone = set()

    def plan(self):
        removals = []
        for name in model.KINDS:
            for (kind, _key), wanted in sorted(self.wanted.items()):
                if kind == name:
                    self._one(wanted, self.found.get((kind, wanted.key)))
            for key in sorted(self.record.keys(name)):
                if (name, key) not in self.wanted:
                    self._removal(removals, name, key, self.found.get((name, key)))
        self._users(removals)
        self._folders(removals)
        self.operations += removals
        return self.operations

    # -- one object ----------------------------------------------------------------------------------------------------
    def _one(self, wanted, found):
        kind, key, record = wanted.kind, wanted.key, self.record
        ours = bool((record.of(kind, key) or {}).get("hash"))
        if found is None:
            if kind == "permissions":
                if key not in self.world.folders and not any(op.kind == "folder" and op.key == key for op in self.operations):
                    # The folder was deleted by hand, and is left so.
                    return
            elif ours and not self.drift.noted(wanted, None, "deleted", []):
                self.gone.add((kind, key))
                return
            self.operations.append(Operation("create", kind, key, wanted, None, compare.differences({}, wanted.data)))
            return
        rows = [] if found.digest == wanted.digest else compare.differences(found.data, wanted.data)
        secrets = self._secrets(wanted, found)
        if not rows and not secrets:
            if found.provisioned:
                self.provisioned.append(wanted.label)
            elif not record.knows(kind, key, wanted.digest):
                self.operations.append(Operation("take over", kind, key, wanted, found))
            else:
                self.unchanged += 1
            return
        if found.provisioned:
            self.provisioned.append(wanted.label)
            self.warnings.append("%s comes from files of the server and differs from what is declared; it was left as it is" % wanted.label)
            return
        if rows and not record.knows(kind, key, found.digest):
            how = ("deleted" if found.initial else "edited") if ours else None if found.initial else "made by others"
            if how and not self.drift.noted(wanted, found, how, rows):
                return
        self.operations.append(Operation("change", kind, key, wanted, found, rows + secrets))

    def _secrets(self, wanted, found):
        """Rows about secrets: those that are not as declared, as far as that can be known."""
        if not self.kinds[wanted.kind].secret:
            return []
        rows = [("secret %s" % name, "set", "none") for name in sorted(found.secrets - set(wanted.secrets))]
        rows += [("secret %s" % name, "none", "set") for name in sorted(set(wanted.secrets) - found.secrets)]
        if not rows and wanted.secrets and not found.provisioned and not self.record.same_secrets(wanted.kind, wanted.key, wanted.secrets):
            rows.append(("secrets", "as they were", "changed (%s)" % ", ".join(sorted(wanted.secrets))))
        return rows

    def _removal(self, removals, name, key, found):
        if found is None or found.initial or not self.kinds[name].prunes or self.record.kept_by(name, key):
            # Another set keeps it on.
            self.operations.append(Operation("forget", name, key))
            return
        if not self.prune:
            self.unchanged += 1
            return
        if found.provisioned or not (self.record.of(name, key).get("hash") or self.record.knows(name, key, found.digest)):
            # Files of the server hold it now, or we meant to write to it and never did: not ours to delete.
            self.operations.append(Operation("forget", name, key))
            return
        if not self.record.knows(name, key, found.digest) and not self.drift.orphaned(model.name_of(name, key, found.data), name, key):
            return
        taken = place(name, found.data)
        first = taken is not None and any(op.kind == name and op.writes and place(name, op.wanted.data) == taken
                                          for op in self.operations if op.wanted)
        removals.append(Operation("delete", name, key, None, found, compare.differences(found.data, {}), first))

    # -- what policies use ---------------------------------------------------------------------------------------------
    def _users(self, removals):
        """What the policies still use stays: Grafana would not let it go."""
        mine = [op for op in removals if op.kind in ("contact point", "mute timing")]
        if not mine:
            return
        tree = self._tree(removals)
        going = {op.key for op in mine}
        for op in mine:
            name = op.found.data["name"]
            if op.kind == "contact point":
                # One that others share stays with them.
                used = name in notifications.receivers_of(tree) and not self.kinds["contact point"].others(name, going)
            else:
                used = name in notifications.timings_of(tree)
            if used:
                self.warnings.append("%s is no longer declared, but stays: the notification policies use it" % op.label)
                removals.remove(op)

    def _tree(self, removals):
        """The policies as they will be after this run."""
        at = ("policies", model.ORG)
        if any((op.kind, op.key) == at for op in removals):
            return {}
        planned = next((op for op in self.operations if (op.kind, op.key) == at and op.wanted), None)
        found = self.found.get(at) or self.kinds["policies"].reread(model.ORG)
        return planned.wanted.data if planned else found.data if found else {}

    # -- folders -------------------------------------------------------------------------------------------------------
    def _folders(self, removals):
        """A folder goes with all that is in it, so one with objects of others stays."""
        going = {(op.kind, op.key) for op in removals}
        inside = self._inside() if any(kind == "folder" for kind, _key in going) else {}
        changed = True
        while changed:
            changed = False
            for op in [op for op in removals if op.kind == "folder"]:
                left = ["%s %s" % (kind, key) for kind, key in inside.get(op.key, ())
                        if (kind, key) not in going and not self._moves(kind, key)]
                if left:
                    self.warnings.append("%s is no longer declared, but stays: %s in it %s not ours" % (
                        op.label, ", ".join(left[:SAID]), "is" if len(left) == 1 else "are"))
                    removals.remove(op)
                    going.discard((op.kind, op.key))
                    changed = True
        removals.sort(key=lambda op: (-model.KINDS.index(op.kind), -self.depth(op.key) if op.kind == "folder" else 0))

    def _inside(self):
        """Folder to the (kind, uid) of all that is in it."""
        rows = [(hit.get("folderUid"), "dashboard", uid) for uid, hit in self.world.dashboards.items()]
        rows += [(row["parent"], "folder", uid) for uid, row in self.world.folders.items()]
        rows += [(folder, "library panel", uid) for uid, folder in self.kinds["library panel"].places().items()]
        rows += [(folder, "alert rule", uid) for uid, folder in self.kinds["alert rule"].places().items()]
        found = {}
        for folder, kind, uid in rows:
            found.setdefault(folder, []).append((kind, uid))
        return found

    def _moves(self, kind, key):
        """Whether a declared object leaves its folder in this run."""
        return any(op.kind == kind and op.key == key and op.verb == "change" for op in self.operations)

    def depth(self, key):
        depth, seen = 0, {key}
        while key:
            wanted = self.wanted.get(("folder", key))
            key = wanted.data["parent"] if wanted else (self.world.folders.get(key) or {}).get("parent", "")
            if key in seen:
                break
            seen.add(key)
            depth += 1
        return depth

    # -- order ---------------------------------------------------------------------------------------------------------
    def waves(self):
        """Groups of operations, in dependency order; those of one group do not depend on each other."""
        writing = [op for op in self.operations if op.writes]
        yield [op for op in writing if op.verb == "delete" and op.first]
        for name in model.KINDS:
            mine = [op for op in writing if op.kind == name and op.verb != "delete"]
            if name == "folder":
                for depth in sorted({self.depth(op.key) for op in mine}):
                    yield [op for op in mine if self.depth(op.key) == depth]
            elif name == "datasource":
                # The default last: it takes that from another one.
                yield [op for op in mine if not op.wanted.data["isDefault"]]
                yield [op for op in mine if op.wanted.data["isDefault"]]
            else:
                yield mine
        for name in reversed(model.KINDS):
            mine = [op for op in writing if op.kind == name and op.verb == "delete" and not op.first]
            if name == "folder":
                for depth in sorted({self.depth(op.key) for op in mine}, reverse=True):
                    yield [op for op in mine if self.depth(op.key) == depth]
            else:
                yield mine


def place(kind, data):
    """What must be unique: the name of an object in its place. None for kinds without."""
    if kind in ("team", "datasource", "service account"):
        return data["name"].lower()
    if kind in ("dashboard", "alert rule"):
        return data["folder"], data["title"].lower()
    if kind == "library panel":
        return data["folder"], data["name"].lower()
    if kind == "folder":
        return data["parent"], data["title"].lower()
    return None


def still_empty(client, op, operations):
    """uids that others have put into a folder since it was read, and that would go with it."""
    fresh = World(client)
    fresh.search()
    inside = [uid for uid, hit in fresh.dashboards.items() if hit.get("folderUid") == op.key]
    inside += [uid for uid, row in fresh.folders.items() if row["parent"] == op.key]
    return [uid for uid in inside if not any(other.key == uid and other.verb == "delete" and not other.error for other in operations)]
