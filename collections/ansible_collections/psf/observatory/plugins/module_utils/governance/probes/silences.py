# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Alertmanager keeps silent.

Right: to read the service's API (the machines' account).
One reading for each server: {"silences": [{"name": id, "state": "active" | "pending" | "expired", "hours_left", "comment", "matchers":
[text], "matches_all": bool}]}. matches_all is a silence whose every matcher matches any value. Who made it is not kept.
"""

from __future__ import annotations

import re
import time

from ansible_collections.psf.observatory.plugins.module_utils.governance.probes.rules import moment
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import reading

ARGUMENTS = {}


def read(world):
    return [reading(row["host"], _silences, world, row["url"] + "/api/v2/silences") for row in world.servers("alertmanager")]


def _silences(world, url):
    now = time.time()
    return {"silences": [{
        "name": row["id"], "state": row["status"]["state"], "hours_left": round((moment(row["endsAt"]) - now) / 3600, 2),
        "comment": row.get("comment") or "", "matchers": [_text(matcher) for matcher in row["matchers"]],
        "matches_all": all(_any(matcher) for matcher in row["matchers"])} for row in world.ask_json(url)]}


def _text(matcher):
    mark = ("=" if matcher.get("isEqual", True) else "!") + ("~" if matcher["isRegex"] else "=" if not matcher.get("isEqual", True) else "")
    return "%s%s%s" % (matcher["name"], mark, matcher["value"])


def _any(matcher):
    """Whether a matcher takes every value that a label can have."""
    if not matcher.get("isEqual", True):
        return not matcher["isRegex"] and matcher["value"] == ""
    return bool(matcher["isRegex"]) and re.match(r"^[.][*+]\Z", matcher["value"]) is not None
