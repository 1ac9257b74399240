# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that a region's Prometheus and Loki evaluate, as they evaluate them.

Right: to read the service's API.
A rule that was loaded a moment ago has no health until its first evaluation, which comes within one interval of its group. With
`evaluated: true`, that is waited for, for as long as the world may take to settle (world.settle). What is left then is told apart by when
the service loaded its rules: less than two intervals ago, nobody knows yet, which is a second reading with an error; else the rule should
have been evaluated, and stays among the rules with the health "unknown".
One reading for each server: {"rules": [{"name", "group", "type": "alerting" | "recording", "health": "ok" | "err" | "unknown",
"error", "labels", "annotations": [names], "runbook", "age": seconds since the last evaluation, "never": bool, whether there was none,
"interval": seconds}], "alerts": count,
"recordings": count}.
"""

from __future__ import annotations

import re
import time
from calendar import timegm

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import reading

ARGUMENTS = {"service": True, "evaluated": False}
PATHS = {"prometheus": "/api/v1/rules", "loki": "/prometheus/api/v1/rules"}
POLL = 2.0
# How many intervals of its group a rule may take to its first evaluation: one, and one for a service that is busy starting.
INTERVALS = 2
NAMED = 5


def read(world, service, evaluated=False):
    found = []
    for row in world.servers(service):
        answer = reading(row["host"], _settled if evaluated else _rules, world, row["url"], service)
        waiting = answer.get("data", {}).pop("waiting", None)
        found.append(answer)
        if waiting:
            found.append({"name": row["host"] + " (not evaluated yet)", "error": waiting})
    return found


def moment(text):
    """Seconds since the epoch of RFC 3339 as Go writes it, with an offset or Z; 0 for its zero time."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)\Z", text)
    if not found:
        raise ValueError("%r is not a time" % text)
    if text.startswith("0001-"):
        return 0
    offset = 0 if found.group(2) == "Z" else int(found.group(2)[:3]) * 3600 + int(found.group(2)[0] + found.group(2)[4:]) * 60
    return timegm(time.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S")) - offset


def _settled(world, url, service):
    """The rules, once none is to be waited for any more; else with `waiting`, what is not known yet in words, and without those."""
    end = world.clock() + world.settle
    while True:
        data, now = _rules(world, url, service), time.time()
        never = [row for row in data["rules"] if row["health"] == "unknown" and row["never"]]
        loaded = _loaded(world, url, service) if never else 0
        young = [row for row in never if now - loaded < INTERVALS * row["interval"]]
        if not young or world.clock() >= end:
            break
        world.sleep(min(POLL, max(end - world.clock(), 0.05)))
    if young:
        names = ", ".join("%s (every %g s)" % (row["name"], row["interval"]) for row in young[:NAMED])
        data["waiting"] = "loaded %d s ago, and not evaluated yet: %d of %d rules, such as %s" % (
            now - loaded, len(young), len(data["rules"]), names)
    return _without(data, young)


def _loaded(world, url, service):
    """When the service last read its rules, in seconds since the epoch."""
    if service == "prometheus":
        return moment(world.ask_json(url + "/api/v1/status/runtimeinfo")["data"]["lastConfigTime"])
    # Loki tells it in its metrics only.
    found = re.findall(r"^loki_ruler_config_last_reload_successful_seconds(?:{[^}]*})? (\S+)$", world.ask(url + "/metrics"), re.MULTILINE)
    return max(float(value) for value in found)


def _without(data, young):
    rules = [row for row in data["rules"] if row not in young]
    return dict(data, rules=rules, alerts=sum(row["type"] == "alerting" for row in rules),
                recordings=sum(row["type"] == "recording" for row in rules))


def _rules(world, url, service):
    found, now = [], time.time()
    for group in world.ask_json(url + PATHS[service])["data"]["groups"]:
        for row in group["rules"]:
            annotations = row.get("annotations") or {}
            found.append({
                "name": row["name"], "group": group["name"], "type": row["type"], "health": row["health"],
                "error": row.get("lastError") or "", "labels": row.get("labels") or {}, "annotations": sorted(annotations),
                "runbook": annotations.get("runbook_url", ""), "interval": group["interval"],
                "never": moment(row["lastEvaluation"]) == 0, "age": round(now - moment(row["lastEvaluation"]), 1)})
    return {"rules": found, "alerts": sum(row["type"] == "alerting" for row in found),
            "recordings": sum(row["type"] == "recording" for row in found)}
