# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verification of a region: it says yes only after it has read it, and names what is missing."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.verify import Region


def server(host, port):
    return {"host": host, "url": f"https://{host}:{port}"}


PARAMS = {
    "region": "eu", "hosts": ["eu-1", "eu-2"], "marker": "verify-17", "timeout": 10, "credentials": {},
    "targets": [{"job": "node", "instance": "eu-1:9100"}, {"job": "node", "instance": "eu-2:9100"}],
    "traced": ["prometheus"], "prometheus": [server("eu-1", 9090)], "alertmanager": [server("eu-1", 9093), server("eu-2", 9093)],
    "alert_log": [server("eu-1", 9099)], "loki": [server("eu-1", 3100)], "jaeger": [server("eu-2", 16686)]}


class Services:
    """A region's services; a test breaks one by its attribute. Each second that passes is counted, none is waited."""

    def __init__(self, **changes):
        self.now, self.sent = 1_700_000_000.0, []
        self.health = {"eu-1:9100": "up", "eu-2:9100": "up"}
        self.alertmanagers = [{"url": "https://us-1:9093/api/v2/alerts"}, {"url": "https://eu-2:9093/api/v2/alerts"}]
        self.journals = ["eu-1", "eu-2"]
        self.traces = [{"traceID": "0123456789abcdef0123", "spans": [{}]}]
        self.delivers = ["eu-1", "eu-2"]
        self.status = 200
        self.__dict__.update(changes)

    def fetch(self, url, method="GET", body=None):
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        if self.status != 200:
            return self.status, "upstream  connect error"
        return 200, json.dumps(getattr(self, "_" + parts.path.strip("/").replace("/", "_"))(parts.hostname, query, body))

    def _api_v1_targets(self, _host, _query, _body):
        return {"data": {"activeTargets": [{"labels": {"job": "node", "instance": name}, "health": health, "lastError": "refused"}
                                           for name, health in self.health.items()]}}

    def _api_v1_alertmanagers(self, _host, _query, _body):
        return {"data": {"activeAlertmanagers": self.alertmanagers}}

    def _loki_api_v1_query_range(self, _host, query, _body):
        expression = query["query"][0]
        assert "verify-17" in expression
        if "alert_log" in expression:
            rows = [{"service_name": "alert_log"} for host in self.delivers if f'"through\\": \\"{host}\\"' in expression and self.sent]
        else:
            rows = [{"host": host} for host in self.journals]
        return {"data": {"result": [{"stream": row} for row in rows]}}

    def _api_traces(self, _host, query, _body):
        assert query["service"] == ["prometheus"]
        return {"data": self.traces}

    def _api_v2_alerts(self, host, _query, body):
        self.sent.append((host, json.loads(body)[0]))

    def sleep(self, seconds):
        self.now += seconds


def verify(services, **params):
    region = Region({**PARAMS, **params}, services.fetch, lambda: services.now, services.sleep)
    return {row["check"]: row for row in region.run()}


def test_an_observed_region_passes_every_check():
    rows = verify(Services())
    assert list(rows) == ["targets", "alertmanagers", "logs", "traces", "notifications"]
    assert all(row["ok"] for row in rows.values())
    assert rows["targets"]["detail"] == "2 of 2 targets up"
    assert rows["logs"]["detail"] == "fresh lines from 2 of 2 hosts"
    assert rows["traces"]["detail"] == "prometheus 0123456789abcdef"


@pytest.mark.parametrize("changes, check, detail", [
    ({"health": {"eu-1:9100": "up"}}, "targets", "node eu-2:9100 is not known to eu-1"),
    ({"health": {"eu-1:9100": "up", "eu-2:9100": "down"}}, "targets", "node eu-2:9100 is down (refused)"),
    ({"alertmanagers": []}, "alertmanagers", "eu-1 has no active Alertmanager of the region"),
    ({"alertmanagers": [{"url": "https://us-1:9093/api/v2/alerts"}]}, "alertmanagers", "eu-1 has no active Alertmanager of the region"),
    ({"alertmanagers": [{"url": "https://eu-1:90933/api/v2/alerts"}]}, "alertmanagers", "eu-1 has no active Alertmanager of the region"),
    ({"journals": ["eu-1"]}, "logs", "no fresh line from eu-2"),
    ({"traces": []}, "traces", "no trace of prometheus in eu-2"),
    ({"traces": None}, "traces", "no trace of prometheus in eu-2"),
    ({"traces": [{"traceID": "x", "spans": []}]}, "traces", "no trace of prometheus in eu-2"),
    ({"delivers": ["eu-1"]}, "notifications", "no notification through eu-2"),
])
def test_what_is_missing_is_named_and_the_others_pass(changes, check, detail):
    rows = verify(Services(**changes))
    assert [name for name, row in rows.items() if not row["ok"]] == [check]
    assert rows[check]["detail"] == detail
    assert rows[check]["seconds"] > PARAMS["timeout"]


def test_a_service_that_answers_with_an_error_is_quoted():
    rows = verify(Services(status=502))
    assert not any(row["ok"] for row in rows.values())
    assert "https://eu-1:9090/api/v1/targets: HTTP 502 upstream connect error" in rows["targets"]["detail"]


@pytest.mark.parametrize("text", ["<html>", "[]", '{"data": {}}', "null", '{"data": null}'])
def test_an_answer_of_another_shape_fails_the_check_and_not_the_run(text):
    services = Services()
    services.fetch = lambda url, method="GET", body=None: (200, text)
    rows = verify(services)
    assert not rows["targets"]["ok"] and len(rows) == 5


def test_a_question_is_asked_again_until_the_answer_is_good():
    services = Services(journals=[])
    sleep = services.sleep

    def settle(seconds):
        sleep(seconds)
        if services.now > 1_700_000_004:
            services.journals = ["eu-1", "eu-2"]

    services.sleep = settle
    row = verify(services)["logs"]
    assert row["ok"] and row["seconds"] == 5


def test_the_synthetic_alert_is_sent_once_through_every_alertmanager_and_ends_by_itself():
    services = Services(delivers=["eu-1"])
    verify(services)
    assert [host for host, _alert in services.sent] == ["eu-1", "eu-2"]
    alert = services.sent[1][1]
    assert alert["labels"] == {"alertname": "ObservatoryVerify", "severity": "info", "region": "eu", "run": "verify-17",
                               "through": "eu-2"}
    assert alert["endsAt"] > alert["startsAt"]


@pytest.mark.parametrize("without, left", [
    ("prometheus", ["logs", "traces", "notifications"]),
    ("loki", ["targets", "alertmanagers", "traces"]),
    ("jaeger", ["targets", "alertmanagers", "logs", "notifications"]),
    ("alert_log", ["targets", "alertmanagers", "logs", "traces"]),
    ("alertmanager", ["targets", "logs", "traces"]),
])
def test_only_what_the_region_has_is_asked(without, left):
    assert list(verify(Services(), **{without: []})) == left


def test_no_alert_is_sent_where_none_could_be_found_again():
    services = Services()
    verify(services, alert_log=[])
    assert services.sent == []


def test_the_services_are_reached_over_http_with_the_log_in(web):
    web.answers["/api/v1/alertmanagers"] = (200, b'{"data": {"activeAlertmanagers": [{"url": "https://eu-2:9093/api/v2/alerts"}]}}')
    region = Region({**PARAMS, "prometheus": [{"host": "eu-1", "url": web.url}],
                     "credentials": {"username": "machine", "password": "pw", "ca": None}})
    assert region.alertmanagers()[0] == []
    assert web.asked[0][2]["Authorization"].startswith("Basic ")
