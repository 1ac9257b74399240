# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that load rules, as far as their rules go: what is loaded, does an expression work, read the files again."""

from __future__ import annotations

import calendar
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from ansible_collections.psf.observatory.plugins.module_utils.component import probe
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

LIMIT = 256 << 20
THREADS = 8


class Service:
    """A service that answers Prometheus' rules API. `options`: url and what `probe.credentials` takes.

    Each kind says how it reads its rules again (`reload`) and when it last did so (`loaded_at`, seconds since the epoch or None).
    """

    name = ""
    rules_path = ""
    query_path = ""

    def __init__(self, options, fetch=None):
        self.options = options
        self.url = options["url"].rstrip("/")
        self.fetch = fetch or self._fetch

    def _fetch(self, path, method="GET", timeout=30):
        return probe.request(self.url + path, method, timeout, limit=LIMIT, **probe.credentials(self.options))

    def read_since(self, moment):
        """Whether it has read its rules since a moment; a service that does not say when it did is taken to have."""
        loaded = self.loaded_at()
        return loaded is None or loaded >= int(moment)

    def json(self, path, query=None):
        full = path + ("?" + urlencode(query) if query else "")
        status, body = self.fetch(full)
        if status != 200:
            raise OSError("%s%s: HTTP %d %s" % (self.url, path, status, " ".join(body.split())[:400]))
        try:
            return json.loads(body)
        except ValueError as error:
            raise OSError("%s%s: the answer is not JSON: %s" % (self.url, path, body[:200])) from error

    def groups(self):
        """The groups that are loaded, as the API gives them; raises OSError when the service does not answer."""
        data = self.json(self.rules_path, {"exclude_alerts": "true"})
        return data["data"]["groups"]

    @staticmethod
    def words(lines):
        """The log lines that are more than information."""
        return [line for line in lines if not re.search(r'\blevel"?[=:] ?"?(info|debug)\b', line, re.IGNORECASE)]

    def refusal(self, lines):
        """Why the service would not take its rules, if its log says so; "" if not."""
        return ""

    def trial(self, expression):
        """Evaluate an expression now; "" when that works, else the service's words."""
        status, body = self.fetch("%s?%s" % (self.query_path, urlencode({"query": expression, "time": "%.3f" % time.time()})))
        if status == 200:
            return ""
        try:
            return str(json.loads(body)["error"])
        except (ValueError, KeyError, TypeError):
            return "HTTP %d %s" % (status, " ".join(body.split())[:400])

    def trials(self, expressions, seconds):
        """Evaluate each once, for `seconds` at most: (expression to error for those that fail, number not tried)."""
        unique, failures, skipped = list(dict.fromkeys(expressions)), {}, 0
        deadline = time.monotonic() + seconds

        def one(expression):
            return None if time.monotonic() > deadline else self.trial(expression)

        with ThreadPoolExecutor(THREADS) as pool:
            for expression, words in zip(unique, pool.map(one, unique)):  # noqa: B905 (Python 3.9)
                if words is None:
                    skipped += 1
                elif words:
                    failures[expression] = words
        return failures, skipped


class Prometheus(Service):
    name = "prometheus"
    rules_path = "/api/v1/rules"
    query_path = "/api/v1/query"

    def __init__(self, options, prefix, fetch=None):
        super().__init__(options, fetch)
        self.prefix = prefix

    def groups(self):
        """Only those from our own files: others may put theirs beside them."""
        return [group for group in super().groups() if group["file"].startswith(self.prefix)]

    def reload(self):
        status, body = self.fetch("/-/reload", "POST", 120)
        if status >= 300:
            raise ConcernError("the reload was refused: HTTP %d %s" % (status, " ".join(body.split())[:600]))

    def loaded_at(self):
        """When it last read its files with success, in whole seconds since the epoch."""
        text = self.json("/api/v1/status/runtimeinfo")["data"]["lastConfigTime"]
        return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class Loki(Service):
    name = "loki"
    rules_path = "/prometheus/api/v1/rules"
    query_path = "/loki/api/v1/query"
    tenant = "fake"

    def reload(self):
        """It looks for changed files by itself, with every poll."""

    def refusal(self, lines):
        """The ruler has no other way to say it."""
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if row.get("level") == "error" and re.match(r"(ruler|manager|mapper)\.go", str(row.get("caller"))) and row.get("err") \
                    and "rule" in str(row.get("msg")):
                return "%s: %s" % (row["msg"], row["err"])
        return ""

    def loaded_at(self):
        """When the ruler last took other rules, in seconds since the epoch; None when it has none, or a release does not say."""
        status, body = self.fetch("/metrics")
        if status != 200:
            raise OSError("%s/metrics: HTTP %d" % (self.url, status))
        found = re.search(r'^loki_ruler_config_last_reload_successful(?:_timestamp)?_seconds\{[^}]*user="%s"[^}]*\} (\S+)' % self.tenant,
                          body, re.MULTILINE)
        return float(found.group(1)) if found else None
