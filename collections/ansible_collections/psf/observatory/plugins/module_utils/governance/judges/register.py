# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all that is there is in a register, and every entry of it complete: pure. And what share of the costs is somebody's."""

from __future__ import annotations

import re

from ansible_collections.psf.observatory.plugins.module_utils.governance.judges import verdict

LISTS = ("databases", "topics", "indices", "buckets")


def judge(readings, names):
    """Every name is an entry of `register` (a mapping, name or pattern to the fields in `fields`) unless it matches one of `ignore`."""
    register, fields = names["register"], names["fields"]

    def look(data):
        kind = next((name for name in LISTS if isinstance(data.get(name), list)), None)
        if kind is None:
            raise TypeError("there is no list of %s" % ", ".join(LISTS))
        found = [row["name"] for row in data[kind] if not any(re.search(pattern, row["name"]) for pattern in names["ignore"])]
        wrong = []
        for name in found:
            entry = register.get(name) or next((row for pattern, row in register.items() if re.match("(?:%s)\\Z" % pattern, name)), None)
            missing = fields if not isinstance(entry, dict) else [field for field in fields if not entry.get(field)]
            if missing:
                wrong.append("%s: %s" % (name, "not in the register" if missing is fields else "no %s" % ", ".join(missing)))
        return max(len(found), 1 if data[kind] else 0), wrong
    return verdict.of(readings, "everything is in the register, with %s" % ", ".join(fields), look)


def allocation(readings, names):
    """The share of all costs that has an owner; what has none is called __unallocated__ and the like."""
    def look(data):
        rows = {name: float(row["totalCost"]) for part in data["allocation"] for name, row in part.items()}
        total = sum(rows.values())
        if total <= 0:
            raise ValueError("there are no costs")
        share = sum(value for name, value in rows.items() if not name.startswith("__") or name == "__idle__") / total
        return 1, [] if share >= names["share"] else ["%.1f %% of the costs have an owner" % (share * 100)]
    return verdict.of(readings, "at least %.1f %% of the costs have an owner" % (names["share"] * 100), look)
