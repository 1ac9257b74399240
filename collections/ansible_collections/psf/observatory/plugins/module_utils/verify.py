# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a region observed? Each check asks the running services the way their users do, and is asked again until the time is up.

A check returns the list of what is still missing (empty: passed) and one line about what was found.
"""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode

from ansible_collections.psf.observatory.plugins.module_utils.component import probe

LIMIT = 8 << 20


class Region:
    """The services of a region by the endpoints that the inventory gives; `credentials` serve TLS and log-in."""

    def __init__(self, params, fetch=None, clock=time.time, sleep=time.sleep):
        self.params = params
        self.fetch = fetch or self._fetch
        self.clock = clock
        self.sleep = sleep

    def _fetch(self, url, method="GET", body=None):
        return probe.request(url, method, 20, body=body, limit=LIMIT, **probe.credentials(self.params["credentials"]))

    def json(self, url, query=None, method="GET", body=None):
        full = url + ("?" + urlencode(query) if query else "")
        status, text = self.fetch(full, method, None if body is None else json.dumps(body))
        if status != 200:
            raise OSError("%s: HTTP %d %s" % (url, status, " ".join(text.split())[:200]))
        return json.loads(text) if text else None

    # -- the checks ----------------------------------------------------------------------------------------------------
    def targets(self):
        """Every target that the inventory gives is known to every Prometheus of the region, and up."""
        missing, count = [], 0
        for server in self.params["prometheus"]:
            data = self.json(server["url"] + "/api/v1/targets", {"state": "active"})["data"]["activeTargets"]
            found = {(row["labels"].get("job"), row["labels"].get("instance")): row for row in data}
            for target in self.params["targets"]:
                row = found.get((target["job"], target["instance"]))
                if row is None:
                    missing.append("%s %s is not known to %s" % (target["job"], target["instance"], server["host"]))
                elif row["health"] != "up":
                    missing.append("%s %s is %s (%s)" % (target["job"], target["instance"], row["health"], row["lastError"][:160]))
                else:
                    count += 1
        return missing, "%d of %d targets up" % (count, len(self.params["targets"]) * len(self.params["prometheus"]))

    def alertmanagers(self):
        """Every Prometheus has found an Alertmanager of the region to send its alerts to; those of other regions do not count."""
        missing = []
        for server in self.params["prometheus"]:
            active = [row["url"] for row in self.json(server["url"] + "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]]
            if not any(url.startswith(row["url"] + "/") for url in active for row in self.params["alertmanager"]):
                missing.append(server["host"] + " has no active Alertmanager of the region")
        return missing, "every Prometheus has one"

    def logs(self):
        """The line that was just written to each host's journal is in the region's Loki."""
        found = {row.get("host") for row in self._streams('{host=~".+"} |= "%s"' % self.params["marker"])}
        missing = ["no fresh line from " + host for host in self.params["hosts"] if host not in found]
        return missing, "fresh lines from %d of %d hosts" % (len(self.params["hosts"]) - len(missing), len(self.params["hosts"]))

    def _streams(self, expression):
        since = int((self.clock() - 1800) * 1e9)
        streams = []
        for server in self.params["loki"]:
            data = self.json(server["url"] + "/loki/api/v1/query_range", {"query": expression, "start": since, "limit": 5000})
            streams += [row["stream"] for row in data["data"]["result"]]
        return streams

    def traces(self):
        """A trace of the last half hour of each service that traces itself is in the region's Jaeger."""
        missing, found = [], []
        for server in self.params["jaeger"]:
            for service in self.params["traced"]:
                query = {"service": service, "limit": 1, "start": int((self.clock() - 1800) * 1e6), "end": int(self.clock() * 1e6)}
                rows = self.json(server["url"] + "/api/traces", query)["data"]
                if rows and rows[0]["spans"]:
                    found.append("%s %s" % (service, rows[0]["traceID"][:16]))
                else:
                    missing.append("no trace of %s in %s" % (service, server["host"]))
        return missing, "; ".join(found)

    def send_alert(self):
        """Send a synthetic alert to every Alertmanager of the region; it ends by itself after five minutes."""
        for server in self.params["alertmanager"]:
            self.json(server["url"] + "/api/v2/alerts", method="POST", body=[{
                "labels": {"alertname": "ObservatoryVerify", "severity": "info", "region": self.params["region"],
                           "run": self.params["marker"], "through": server["host"]},
                "annotations": {"summary": "Synthetic alert of verify.yml: it shows that notifications arrive."},
                "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock())),
                "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock() + 300))}])

    def notifications(self):
        """The synthetic alert went through each Alertmanager to a receiver, which logged it, and the log is in Loki."""
        missing = []
        for server in self.params["alertmanager"]:
            wanted = '{service_name="alert_log"} |= "%s" |= "\\"through\\": \\"%s\\""' % (self.params["marker"], server["host"])
            if not self._streams(wanted):
                missing.append("no notification through " + server["host"])
        return missing, "the synthetic alert arrived"

    # -- the run -------------------------------------------------------------------------------------------------------
    def run(self):
        """Every check until it passes or the time is up; returns rows of {check, ok, detail, seconds}."""
        params = self.params
        checks = [("targets", self.targets, params["prometheus"]), ("alertmanagers", self.alertmanagers,
                                                                    params["prometheus"] and params["alertmanager"]),
                  ("logs", self.logs, params["loki"]), ("traces", self.traces, params["jaeger"]),
                  ("notifications", self.notifications, params["alertmanager"] and params["loki"] and params["alert_log"])]
        rows, sent = [], False
        for name, check, present in checks:
            if not present:
                continue
            started = self.clock()
            deadline = started + params["timeout"]
            while True:
                try:
                    if name == "notifications" and not sent:
                        self.send_alert()
                        sent = True
                    missing, detail = check()
                except (OSError, ValueError) as error:
                    missing, detail = [str(error)], ""
                except (KeyError, TypeError) as error:
                    missing, detail = ["an answer of another shape than expected: %r" % error], ""
                if not missing or self.clock() > deadline:
                    break
                self.sleep(1)
            rows.append({"check": name, "ok": not missing, "detail": detail if not missing else "; ".join(missing),
                         "seconds": round(self.clock() - started, 1)})
        return rows
