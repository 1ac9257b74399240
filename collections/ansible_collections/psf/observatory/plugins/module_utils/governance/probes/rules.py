# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that a region's Prometheus and Loki evaluate, as they evaluate them.

Right: to read the service's API.
One reading for each server: {"rules": [{"name", "group", "type": "alerting" | "recording", "health": "ok" | "err" | "unknown",
"error", "labels", "annotations": [names], "runbook", "age": seconds since the last evaluation, "interval": seconds}], "alerts": count,
"recordings": count}.
"""

from __future__ import annotations

import re
import time
from calendar import timegm

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import reading

ARGUMENTS = {"service": True}
PATHS = {"prometheus": "/api/v1/rules", "loki": "/prometheus/api/v1/rules"}


def read(world, service):
    return [reading(row["host"], _rules, world, row["url"] + PATHS[service]) for row in world.servers(service)]


def moment(text):
    """Seconds since the epoch of RFC 3339 as Go writes it, with an offset or Z; 0 for its zero time."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)\Z", text)
    if not found:
        raise ValueError("%r is not a time" % text)
    if text.startswith("0001-"):
        return 0
    offset = 0 if found.group(2) == "Z" else int(found.group(2)[:3]) * 3600 + int(found.group(2)[0] + found.group(2)[4:]) * 60
    return timegm(time.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S")) - offset


def _rules(world, url):
    found, now = [], time.time()
    for group in world.ask_json(url)["data"]["groups"]:
        for row in group["rules"]:
            annotations = row.get("annotations") or {}
            found.append({
                "name": row["name"], "group": group["name"], "type": row["type"], "health": row["health"],
                "error": row.get("lastError") or "", "labels": row.get("labels") or {}, "annotations": sorted(annotations),
                "runbook": annotations.get("runbook_url", ""), "interval": group["interval"],
                "age": round(now - moment(row["lastEvaluation"]), 1)})
    return {"rules": found, "alerts": sum(row["type"] == "alerting" for row in found),
            "recordings": sum(row["type"] == "recording" for row in found)}
