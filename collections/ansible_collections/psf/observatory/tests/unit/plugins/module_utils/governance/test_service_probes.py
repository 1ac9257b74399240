# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of services, against real servers on loopback: handshakes, refusals, answers that are wrong, too large or missing."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance import world as world_module
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import (
    access,
    api,
    personal_data,
    queries,
    rules,
    silences,
    tls,
)
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World
from ansible_collections.psf.observatory.plugins.plugin_utils import controls as library
from hypothesis import given
from hypothesis import strategies as st

# To ask for what is refused, one must be able to offer it.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")


@pytest.fixture
def serve(authority):
    """Start a server: TLS with the authority's certificate unless `plain`; `mutual` wants a client certificate, `old` speaks TLS 1.1."""
    running = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_arguments):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_arguments):
            pass

    def start(plain=False, mutual=False, old=False):
        server = Server(("127.0.0.1", 0), Handler)
        if not plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority / "host.crt", authority / "host.key")
            if mutual:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(authority / "ca.crt")
            if old:
                context.minimum_version = ssl.TLSVersion.TLSv1_1
                context.set_ciphers("ALL:@SECLEVEL=0")
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return {"service": "loki", "auth": "certificate" if mutual else "basic", "address": "127.0.0.1", "server_name": "obs-1",
                "port": server.server_address[1], "url": f"https://127.0.0.1:{server.server_address[1]}"}

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def client(authority):
    return World(credentials={"ca": str(authority / "ca.crt"), "cert": str(authority / "host.crt"), "key": str(authority / "host.key")},
                 timeout=2)


def shake(client, row):
    readings = tls.read(client, [row])
    return readings[0].get("data") or readings[0]["error"]


# -- TLS ---------------------------------------------------------------------------------------------------------------
def test_a_service_as_it_should_be(serve, client):
    found = shake(client, serve(mutual=True))
    assert found["protocol"] == "TLSv1.3" and found["chain_valid"] and 0.5 < found["days_left"] <= 1
    assert found["old_refused"] and found["plain_refused"] and found["anonymous_refused"]


def test_a_service_that_lets_everybody_in(serve, client):
    found = shake(client, serve())
    assert found["chain_valid"] and not found["anonymous_refused"]


def test_a_service_without_tls(serve, client):
    found = shake(client, serve(plain=True))
    assert found["protocol"] == "" and not found["plain_refused"] and not found["chain_valid"]


def test_an_old_protocol_is_noticed(serve, client):
    assert shake(client, serve(old=True))["old_refused"] is False


def test_another_name_or_authority_is_noticed_and_no_end_is_vouched_for(serve, client):
    found = shake(client, {**serve(), "server_name": "another.example"})
    assert not found["chain_valid"] and "another.example" in found["chain_error"] and "days_left" not in found
    found = shake(World(timeout=2), serve())
    assert not found["chain_valid"] and found["protocol"] == "TLSv1.3" and "days_left" not in found


def test_no_answer_is_an_error(client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "does not answer" in shake(client, {"service": "x", "auth": "basic", "address": "127.0.0.1", "port": free.getsockname()[1]})


def test_a_server_that_says_nothing_does_not_hold_the_probe(client):
    client.timeout = 0.4
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        found = shake(client, {"service": "x", "auth": "basic", "address": "127.0.0.1", "port": silent.getsockname()[1]})
    assert "timed out" in found


def test_a_certificate_that_may_not_be_read_is_an_error(serve, client):
    client.credentials["key"] = "/nonexistent.key"
    assert "No such file" in shake(client, serve())


# -- access ------------------------------------------------------------------------------------------------------------
def test_access_without_and_with_accounts(web):
    web.answers["/secret"] = (401, b"no")
    row = {"service": "prometheus", "url": web.url}
    assert access.read(World(), [row], {"prometheus": "/secret"}) == [
        {"name": "prometheus", "data": {"answers": [{"name": "nobody", "status": 401}]}}]
    assert "Authorization" not in web.asked[-1][2]
    found = access.read(World(credentials={"username": "machine", "password": "s3cret"}), [row], {"prometheus": "/secret"}, ["admin:admin"])
    assert found[0]["data"]["answers"] == [{"name": "admin", "status": 401}]
    assert web.asked[-1][2]["Authorization"] == "Basic YWRtaW46YWRtaW4="
    assert access.read(World(), [row], {"other": "/"}) == []


def test_access_to_what_does_not_answer_is_an_error():
    assert "error" in access.read(World(timeout=1), [{"service": "x", "url": "http://127.0.0.1:9"}], {"x": "/"})[0]


# -- APIs --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def region(web):
    """A region whose services are all the web server; `gives` sets what a path answers."""
    made = World({"endpoints": {name: [{"host": "obs-1", "url": web.url}] for name in ("prometheus", "loki", "alertmanager")}}, timeout=2)

    def gives(path, body, status=200):
        web.answers[path] = (status, body if isinstance(body, bytes) else json.dumps(body).encode())
        return made

    made.gives, made.web = gives, web
    return made


UP = "/api/v1/query?query=up"


def vector(*rows, **more):
    return {"status": "success", "data": {"resultType": "vector", "result": list(rows)}, **more}


def test_an_instant_query(region):
    region.gives(UP, vector({"metric": {"__name__": "up", "host": "a"}, "value": [1, "1"]}, {"metric": {"host": "b"}, "value": [1, "0"]}))
    assert queries.promql(region, "up") == [{"name": "obs-1", "data": {
        "series": [{"name": "host=a", "labels": {"host": "a"}, "value": 1.0}, {"name": "host=b", "labels": {"host": "b"}, "value": 0.0}],
        "labels": {"host": ["a", "b"]}, "count": 2}}]


@pytest.mark.parametrize(("body", "status", "words"), [
    (vector(), 401, "HTTP 401"), (b"<html>", 200, "not JSON"), ({"status": "error", "error": "boom"}, 200, "boom"),
    (vector(warnings=["a block could not be read"]), 200, "could not be read"), ({"status": "success", "data": {}}, 200, "another shape"),
    ({"status": "success", "data": {"resultType": "matrix", "result": []}}, 200, "matrix"), ([], 200, "another shape"),
    (vector({"metric": {}, "value": [1, "x"]}), 200, "another shape"),
    (vector(*[{"metric": {"i": str(i)}, "value": [1, "1"]} for i in range(5001)]), 200, "more than 5000"),
])
def test_an_answer_that_cannot_be_used_is_an_error(region, body, status, words):
    region.gives(UP, body, status)
    assert words in queries.promql(region, "up")[0]["error"]


def test_an_answer_that_is_too_large_is_not_read(region, monkeypatch):
    monkeypatch.setattr(world_module, "BODY_LIMIT", 1000)
    region.gives(UP, b"x" * 2000)
    assert "larger than 1000 bytes" in queries.promql(region, "up")[0]["error"]


def test_a_region_without_the_service_is_an_error():
    with pytest.raises(ReadError, match="the region has no loki"):
        queries.logql(World({"endpoints": {}}), "x")


def test_configuration_by_api_is_projected(region):
    region.gives("/flags", {"data": {"web.enable-admin-api": "false", "rows": [{"a": 1, "b": 2}, {"a": 3}]}})
    assert api.read(region, "prometheus", "/flags", {"admin": 'data."web.enable-admin-api"', "none": "x.y", "all": "data.rows.*.a"})[0][
        "data"] == {"admin": "false", "all": [1, 3]}
    assert api.read(region, "prometheus", "/flags", {"rows": "data.rows.*"}, keep=["a"])[0]["data"] == {"rows": [{"a": 1}, {"a": 3}]}
    region.gives("/config", b"compactor:\n  retention_enabled: true\n")
    assert api.read(region, "loki", "/config", {"on": "compactor.retention_enabled"}, format="yaml")[0]["data"] == {"on": True}
    region.gives("/inside", {"data": {"yaml": "global:\n  region: eu\n"}})
    assert api.read(region, "prometheus", "/inside", {"region": "global.region"}, inside="data.yaml")[0]["data"] == {"region": "eu"}
    assert "no text" in api.read(region, "prometheus", "/inside", {"x": "y"}, inside="data.none")[0]["error"]
    assert "not one of json, yaml" in api.read(region, "loki", "/config", {}, format="xml")[0]["error"]


def test_rules_as_they_are_evaluated(region):
    region.gives("/api/v1/rules", {"data": {"groups": [{"name": "loki", "interval": 15, "rules": [
        {"name": "LokiDown", "type": "alerting", "health": "ok", "labels": {"severity": "critical"}, "annotations": {
            "runbook_url": "https://x/y", "summary": "s"}, "lastEvaluation": "2026-11-24T14:03:23.54277288Z"},
        {"name": "a:b", "type": "recording", "health": "err", "lastError": "boom", "lastEvaluation": "0001-01-01T00:00:00Z"}]}]}})
    found = rules.read(region, "prometheus")[0]["data"]
    assert found["alerts"] == 1 and found["recordings"] == 1
    assert found["rules"][0]["runbook"] == "https://x/y" and found["rules"][0]["annotations"] == ["runbook_url", "summary"]
    assert found["rules"][1]["error"] == "boom" and found["rules"][1]["age"] > 1e9, "never evaluated is very old"


class Settling(World):
    """A service whose rules were loaded `since` seconds ago, and are evaluated `after` seconds of waiting."""

    def __init__(self, service, since, after, settle, interval=60):
        super().__init__({"endpoints": {service: [{"host": "obs-1", "url": "https://obs-1"}]}}, settle=settle)
        self.since, self.after, self.interval, self.waited = since, after, interval, 0.0
        self.begin = time.time()

    def clock(self):
        return self.waited

    def sleep(self, seconds):
        self.waited += seconds

    def _stamp(self, ago):
        return time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(self.begin - ago))

    def ask(self, url, query=None):
        if url.endswith("/metrics"):
            return ("loki_ruler_config_updates_total 1\nloki_ruler_config_last_reload_successful_seconds{user=\"fake\"} %.16e\n"
                    % (self.begin - self.since))
        if url.endswith("/runtimeinfo"):
            return json.dumps({"data": {"lastConfigTime": self._stamp(self.since)}})
        new = {"name": "New", "type": "alerting", "health": "unknown", "lastEvaluation": "0001-01-01T00:00:00Z"}
        if self.waited >= self.after:
            new = dict(new, health="ok", lastEvaluation=self._stamp(1))
        old = {"name": "Old", "type": "alerting", "health": "ok", "lastEvaluation": self._stamp(30)}
        return json.dumps({"data": {"groups": [{"name": "g", "interval": self.interval, "rules": [old, new]}]}})


@pytest.mark.parametrize("service", ["prometheus", "loki"])
def test_rules_that_were_just_loaded_are_waited_for(service):
    world = Settling(service, since=5, after=40, settle=90)
    readings = rules.read(world, service, evaluated=True)
    assert [row["health"] for row in readings[0]["data"]["rules"]] == ["ok", "ok"] and len(readings) == 1
    assert 40 <= world.waited <= 42


@pytest.mark.parametrize("service", ["prometheus", "loki"])
def test_where_the_wait_ends_first_nobody_knows_of_those_rules(service):
    world = Settling(service, since=5, after=40, settle=10)
    known, unknown = rules.read(world, service, evaluated=True)
    assert [row["name"] for row in known["data"]["rules"]] == ["Old"] and known["data"]["alerts"] == 1
    assert "1 of 2 rules, such as New (every 60 s)" in unknown["error"] and "waiting" not in known["data"]
    assert 10 <= world.waited < 12


@pytest.mark.parametrize("service", ["prometheus", "loki"])
def test_a_rule_that_should_have_been_evaluated_is_not_waited_for(service):
    world = Settling(service, since=130, after=1e9, settle=90)
    readings = rules.read(world, service, evaluated=True)
    assert [row["health"] for row in readings[0]["data"]["rules"]] == ["ok", "unknown"] and len(readings) == 1
    assert world.waited == 0


def test_a_rule_that_is_never_evaluated_is_waited_for_no_longer_than_two_intervals():
    """It becomes a failure while the wait goes on, not an unknown at its end."""
    world = Settling("loki", since=118.5, after=1e9, settle=90)
    world.sleep = lambda seconds: (setattr(world, "waited", world.waited + seconds), setattr(world, "since", world.since + seconds))
    assert [row["health"] for row in rules.read(world, "loki", evaluated=True)[0]["data"]["rules"]] == ["ok", "unknown"]
    assert 0 < world.waited <= 2


def test_without_the_need_nothing_is_waited_for():
    world = Settling("loki", since=5, after=40, settle=90)
    assert [row["health"] for row in rules.read(world, "loki")[0]["data"]["rules"]] == ["ok", "unknown"] and world.waited == 0


def test_a_service_that_does_not_say_when_it_loaded_its_rules_is_an_error():
    world = Settling("loki", since=5, after=40, settle=90)
    world.ask = lambda url, query=None: "" if url.endswith("/metrics") else Settling.ask(world, url)
    assert "another shape" in rules.read(world, "loki", evaluated=True)[0]["error"]


@pytest.mark.parametrize(("text", "wanted"), [
    ("2026-11-24T14:03:23Z", 1795529003), ("2026-11-24T15:03:23.5+01:00", 1795529003), ("2026-11-24T08:33:23-05:30", 1795529003),
    ("0001-01-01T00:00:00Z", 0)])
def test_times_as_go_writes_them(text, wanted):
    assert rules.moment(text) == wanted


def test_silences(region):
    row = {"id": "4d1a", "status": {"state": "active"}, "endsAt": "2100-01-01T00:00:00Z", "comment": "x",
           "createdBy": "jane.doe@example.org", "matchers": [{"name": "alertname", "value": ".+", "isRegex": True, "isEqual": True}]}
    region.gives("/api/v2/silences", [row])
    found = silences.read(region)[0]["data"]["silences"][0]
    assert found["matches_all"] and found["hours_left"] > 1000 and found["matchers"] == ["alertname=~.+"]
    assert "jane" not in json.dumps(found)
    row["matchers"].append({"name": "job", "value": "x", "isRegex": False, "isEqual": False})
    region.gives("/api/v2/silences", [row])
    assert not silences.read(region)[0]["data"]["silences"][0]["matches_all"]


# -- personal data -----------------------------------------------------------------------------------------------------
PATTERNS = {"email": r"\b[a-z.]+@[a-z.]+\.(?:com|org)\b", "card": r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b",
            "iban": r"\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b"}


def sample(*lines):
    class Logs(World):
        def ask_json(self, url, query=None):
            return {"data": {"result": [{"stream": {"host": "app-1"}, "values": [["1", line] for line in lines]}]}}

    world = Logs({"endpoints": {"loki": [{"host": "obs-1", "url": "x"}]}})
    return personal_data.read(world, "{}", 10, 60, PATTERNS, [r"@example\.org\Z"])[0]


def test_personal_data_is_counted_and_never_told():
    found = sample("mail jane@corp.com and john@corp.com", "card 4111 1111 1111 1111", "not a card 4111 1111 1111 1112",
                   "iban DE89370400440532013000, not DE88370400440532013000", "list@example.org")
    assert {row["name"]: row["count"] for row in found["data"]["hits"]} == {"email": 2, "card": 1, "iban": 1}
    assert found["data"]["lines"] == 5 and found["data"]["hits"][0]["streams"] == ["host=app-1"]
    assert "jane" not in json.dumps(found) and "4111" not in json.dumps(found)


def test_a_span_id_of_digits_or_a_part_of_a_number_is_no_card():
    pattern = library.load()["PRV-07"]["params"]["patterns"]["default"]["card"]
    for line, hits in (('{"span_id":"4708363927733517"}', 0), ('{"span_id": "4708363927733517"}', 0), ("span_id=4708363927733517", 0),
                       ("tmp/ansible-tmp-1795530469.8807647-2545-4253247322424/", 0), ("ratio 0.4708363927733517", 0),
                       ('{"card":"4708363927733517"}', 1), ("paid with 4708 3639 2773 3517", 1)):
        assert len(re.findall(pattern, line)) == hits, line


def test_no_line_at_all_is_an_error():
    assert "no line" in sample()["error"]


@given(st.integers(10**14, 10**15 - 1))
def test_luhn_finds_every_single_wrong_digit(number):
    good = next(f"{number}{digit}" for digit in range(10) if personal_data.luhn(f"{number}{digit}"))
    assert not any(personal_data.luhn(good[:-1] + str(digit)) for digit in range(10) if str(digit) != good[-1])
