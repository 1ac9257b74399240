# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does every query of a bundle work, and does it find anything? Asked of a region's running services, several at a time.

A query: {"id", "datasource": "prometheus" | "loki" | "jaeger", "expr", "instant": bool, "logs": bool, "may_be_empty": null | reason}.
Its result: {"id", "state", "detail"}; state is alive, excused (empty, with a reason), empty or error.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from ansible_collections.psf.observatory.plugins.module_utils.component import probe

LIMIT = 32 << 20
ALIVE, EXCUSED, EMPTY, ERROR = "alive", "excused", "empty", "error"
GOOD = (ALIVE, EXCUSED)
# Points of a range query: enough to see whether there is anything, cheap enough for hundreds of them.
POINTS = 30


class Refused(Exception):
    """The service answered that the query cannot be run, in its own words."""


class Queries:
    """`urls`: datasource to base URL; `credentials` serve TLS and log-in. `window`: seconds to look back."""

    def __init__(self, urls, credentials, window=3600, threads=8, fetch=None, clock=time.time, sleep=time.sleep):
        self.urls = urls
        self.credentials = credentials
        self.window = window
        self.threads = threads
        self.fetch = fetch or self._fetch
        self.clock = clock
        self.sleep = sleep

    def _fetch(self, url):
        return probe.request(url, "GET", 60, limit=LIMIT, **probe.credentials(self.credentials))

    def _ask(self, datasource, path, query):
        status, body = self.fetch("%s%s?%s" % (self.urls[datasource], path, urlencode(query)))
        try:
            data = json.loads(body)
        except ValueError:
            data = None
        if status != 200 or not isinstance(data, dict):
            words = data.get("error") or data.get("errors") if isinstance(data, dict) else None
            raise Refused("HTTP %d %s" % (status, " ".join(str(words or body).split())[:300]))
        return data["data"]

    # -- one query -----------------------------------------------------------------------------------------------------
    def prometheus(self, row):
        now = self.clock()
        found = self._ask("prometheus", "/api/v1/query", {"query": row["expr"], "time": "%.3f" % now})["result"]
        if not found and not row.get("instant"):
            found = self._ask("prometheus", "/api/v1/query_range", {
                "query": row["expr"], "start": "%.3f" % (now - self.window), "end": "%.3f" % now,
                "step": max(self.window // POINTS, 1)})["result"]
        return len(found)

    def loki(self, row):
        now = self.clock()
        if row.get("logs") or row["expr"].lstrip().startswith("{"):
            query = {"query": row["expr"], "start": int((now - self.window) * 1e9), "end": int(now * 1e9), "limit": 1}
            return len(self._ask("loki", "/loki/api/v1/query_range", query)["result"])
        found = self._ask("loki", "/loki/api/v1/query", {"query": row["expr"], "time": int(now * 1e9)})["result"]
        if not found and not row.get("instant"):
            found = self._ask("loki", "/loki/api/v1/query_range", {
                "query": row["expr"], "start": int((now - self.window) * 1e9), "end": int(now * 1e9),
                "step": "%ds" % max(self.window // POINTS, 1)})["result"]
        return len(found)

    def jaeger(self, row):
        now = self.clock()
        if row["expr"] == "dependencies":
            return len(self._ask("jaeger", "/api/dependencies", {"endTs": int(now * 1e3), "lookback": self.window * 1000}) or [])
        return len(self._ask("jaeger", "/api/traces", {
            "service": row["expr"], "limit": 1, "start": int((now - self.window) * 1e6), "end": int(now * 1e6)}) or [])

    def one(self, row):  # noqa: PLR0911 (one for each outcome)
        """The result of a query; never raises for what a service says or does not say."""
        ask = {"prometheus": self.prometheus, "loki": self.loki, "jaeger": self.jaeger}.get(row["datasource"])
        if ask is None:
            return self._result(row, ERROR, "datasource %r is none of prometheus, loki, jaeger" % row["datasource"])
        if not self.urls.get(row["datasource"]):
            return self._result(row, ERROR, "the region has no %s" % row["datasource"])
        try:
            count = ask(row)
        except (Refused, OSError) as error:
            return self._result(row, ERROR, str(error))
        except (KeyError, TypeError) as error:
            return self._result(row, ERROR, "an answer of another shape than expected: %r" % error)
        if count:
            return self._result(row, ALIVE, "%d series" % count)
        if row.get("may_be_empty"):
            return self._result(row, EXCUSED, row["may_be_empty"])
        return self._result(row, EMPTY, "no series: %s" % row["expr"])

    @staticmethod
    def _result(row, state, detail):
        return {"id": row["id"], "state": state, "detail": detail}

    # -- all of them ---------------------------------------------------------------------------------------------------
    def run(self, rows, timeout):
        """Every query, and those that find nothing again until the time is up: a counter needs two scrapes to have a rate."""
        deadline = self.clock() + timeout
        results = dict.fromkeys(row["id"] for row in rows)
        due = list(rows)
        while due:
            with ThreadPoolExecutor(self.threads) as pool:
                for result in pool.map(self.one, due):
                    results[result["id"]] = result
            due = [row for row in due if results[row["id"]]["state"] not in GOOD]
            if not due or self.clock() >= deadline:
                break
            self.sleep(min(5, max(deadline - self.clock(), 0.1)))
        return list(results.values())


def summary(rows, results):
    """Counts by datasource: {"prometheus": {"alive": 3, "excused": 1, "empty": 0, "error": 0}, ...}."""
    source = {row["id"]: row["datasource"] for row in rows}
    counts = {}
    for result in results:
        counts.setdefault(source[result["id"]], dict.fromkeys((ALIVE, EXCUSED, EMPTY, ERROR), 0))[result["state"]] += 1
    return counts
