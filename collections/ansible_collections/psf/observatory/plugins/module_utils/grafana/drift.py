# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that are not as the last run left them: noted, and by choice overwritten, left, or given back as a patch for the code."""

from __future__ import annotations

import difflib
import json

DONE = {"overwrite": "overwritten", "leave": "left", "adopt": "left"}
# Directory of each kind's files in a patch.
PLACES = {"policies": "policies", "library panel": "library_panels", "home": "home"}


class Drift:
    """policy: overwrite, leave or adopt. rows and patches go into the module's result."""

    def __init__(self, policy):
        self.policy, self.rows, self.patches = policy, [], []

    @property
    def overwrites(self):
        return self.policy == "overwrite"

    def noted(self, wanted, found, how, rows):
        """Note a declared object; whether it shall be overwritten. rows: (where, before, after) from what was found to what is declared."""
        self.rows[:] = [row for row in self.rows if (row["kind"], row["key"]) != (wanted.kind, wanted.key)]
        self.rows.append({"object": wanted.label, "kind": wanted.kind, "key": wanted.key, "found": how, "done": DONE[self.policy],
                          "differences": ["%s: %s instead of %s" % (where, cut(before or "none"), cut(after or "none"))
                                          for where, before, after in rows]})
        if self.policy == "adopt":
            self._adopt(wanted, found)
        return self.overwrites

    def orphaned(self, label, kind, key):
        """Note an object of ours that was edited and is not declared any more; whether it shall be deleted."""
        self.rows.append({"object": label, "kind": kind, "key": key, "found": "edited, and no longer declared",
                          "done": "deleted" if self.overwrites else "left", "differences": []})
        return self.overwrites

    def _adopt(self, wanted, found):
        """A patch from what is declared to what Grafana has, in the form of the bundle's files."""
        before, after = (wanted.body, found.raw if found else None) if wanted.kind == "dashboard" else (wanted.data, found and found.data)
        path = "grafana/%s/%s.json" % (PLACES.get(wanted.kind) or wanted.kind.replace(" ", "_") + "s", wanted.key)
        texts = [[] if side is None else written(side).splitlines(keepends=True) for side in (before, after)]
        patch = "".join(difflib.unified_diff(texts[0], texts[1], "a/" + path, "b/" + path if after is not None else "/dev/null"))
        self.patches.append({"object": wanted.label, "path": path, "patch": patch})


def written(data):
    """JSON as the files of a bundle have it; without what a Grafana adds."""
    data = {key: value for key, value in data.items() if key not in ("id", "version")}
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def cut(text):
    return text if len(text) <= 80 else text[:77] + "..."
