# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instant queries in PromQL and LogQL, against every server of the region.

Right: to query the service (the machines' account for Prometheus, the host's certificate for Loki).
One reading for each server: {"series": [{"name", "labels", "value": number}], "labels": {name: [values], sorted}, "count"}.
A server's own warnings (parts of the data that could not be read) are an error, as the answer then says less than it seems to.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"query": True}
PATHS = {"prometheus": "/api/v1/query", "loki": "/loki/api/v1/query"}
LIMIT = 5000


def promql(world, query):
    return [reading(row["host"], _instant, world, row["url"], "prometheus", query) for row in world.servers("prometheus")]


def logql(world, query):
    return [reading(row["host"], _instant, world, row["url"], "loki", query) for row in world.servers("loki")]


def _instant(world, url, service, query):
    answer = world.ask_json(url + PATHS[service], {"query": query})
    if answer.get("status") != "success":
        raise ReadError("%s: %s" % (url, answer.get("error") or "no success"))
    if answer.get("warnings"):
        raise ReadError("%s: %s" % (url, "; ".join(answer["warnings"])))
    kind, rows = answer["data"]["resultType"], answer["data"]["result"]
    if kind == "scalar":
        rows = [{"metric": {}, "value": rows}]
    elif kind != "vector":
        raise ReadError("%s: the query gives a %s, not a vector" % (url, kind))
    if len(rows) > LIMIT:
        raise ReadError("%s: more than %d series" % (url, LIMIT))
    series, labels = [], {}
    for row in rows:
        named = {key: value for key, value in row["metric"].items() if key != "__name__"}
        for key, value in named.items():
            labels.setdefault(key, set()).add(value)
        series.append({"name": ", ".join("%s=%s" % pair for pair in sorted(named.items())) or "all", "labels": named,
                       "value": float(row["value"][1])})
    return {"series": sorted(series, key=lambda row: row["name"]), "labels": {key: sorted(values) for key, values in labels.items()},
            "count": len(series)}
