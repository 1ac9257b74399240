"""The server: what it hands out, what it asks for, and what it refuses."""

from __future__ import annotations

import http.client
import json

import pytest

from dashboards import naming
from dashboards.model import ContentError
from dashboards.preview.server import Server

JSON = {"Content-Type": "application/json"}


def call(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.request(method, path, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body), headers or JSON)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def panels(server, **question):
    answer, text = call(server, "POST", "/api/panels", {"uid": naming.LANDING, **question})
    assert answer.status == 200, text
    return [json.loads(line) for line in text.splitlines()]


def test_pages(served):
    for path, word in (("/", "Search"), (f"/dashboards/{naming.LANDING}.html", naming.LANDING), ("/runbooks/node.html", "Runbook")):
        answer, text = call(served, "GET", path)
        assert (answer.status, word in text) == (200, True), path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer, _text = call(served, "GET", "/d/psf-node-overview?var-region=eu")
    assert (answer.status, answer.headers["Location"]) == (302, "/dashboards/psf-node-overview.html?var-region=eu")


@pytest.mark.parametrize("path", ["/dashboards/none.html", "/../../etc/passwd", "/runbooks/..%2f.html", "/api/v1/query?query=up", "/d/"])
def test_nothing_else_is_there(served, service, path):
    assert call(served, "GET", path)[0].status == 404
    assert not service.asked


def test_every_panel_is_answered_with_the_queries_of_the_bundle(served, service, bundle):
    board = bundle.boards[naming.LANDING]
    lines = panels(served, panels=list(board.panels), variables={"region": ["eu"]}, **{"from": "now-1h", "to": "now"})
    assert lines[0]["window"]["step"] >= 15
    assert {line["id"] for line in lines if "id" in line} == {key for key, panel in board.panels.items() if panel.targets}
    assert not [line for line in lines if line.get("error")]
    assert next(line for line in lines if "variable" in line)["values"] == ["<img src=x onerror=alert(1)>", "a", "b"]
    assert next(line for line in lines if "alerts" in line)["alerts"]["Loud"]["firing"] == 1
    assert any('region=~"eu"' in query.get("query", "") for _path, query in service.asked)


def test_credentials_go_to_the_services_and_nowhere_else(served, service):
    panels(served, panels=[])
    assert all("Authorization" in headers for headers in service.headers)
    for path in ("/", f"/dashboards/{naming.LANDING}.html"):
        answer, text = call(served, "GET", path)
        assert "s3cret" not in text + str(answer.headers)


def test_an_expression_of_the_reader_is_never_asked(served, service):
    panels(served, panels=[], expr="secret_metric", queries=[{"expr": "secret_metric"}])
    assert not [query for _path, query in service.asked if "secret_metric" in str(query)]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"uid": "none"}, "'none' is no dashboard"),
        ({"panels": [1]}, "ids of panels"),
        ({"panels": "all"}, "ids of panels"),
        ({"variables": {"x": ["y"]}}, "has no x"),
        ({"from": "now", "to": "now-1h"}, "empty"),
        ({"from": "x"}, "neither"),
        ({"place": "mars"}, "'mars' is unknown"),
        ({"points": "many"}, "must be a number"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(served, service, question, words):
    answer, text = call(served, "POST", "/api/panels", {"uid": naming.LANDING, **question})
    assert (answer.status, words in json.loads(text)["error"]) == (400, True), text
    assert not service.asked


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        ("{", JSON, "not JSON"),
        ("[]", JSON, "must be an object"),
        ("{}", {"Content-Type": "text/plain"}, "application/json"),
        ("{}", {"Content-Type": "application/x-www-form-urlencoded"}, "application/json"),
    ],
)
def test_a_question_that_is_no_json_object(served, body, headers, words):
    answer, text = call(served, "POST", "/api/panels", body, headers)
    assert (answer.status, words in text) == (400, True)


def test_a_question_that_is_too_large(served):
    answer, text = call(served, "POST", "/api/panels", "{}", {**JSON, "Content-Length": "99999999"})
    assert (answer.status, "at most" in text) == (400, True)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", ""])
def test_another_name_is_refused(served, service, host):
    assert call(served, "GET", "/", headers={"Host": host})[0].status == 421
    assert call(served, "POST", "/api/panels", {"uid": naming.LANDING}, {**JSON, "Host": host})[0].status == 421
    assert not service.asked


@pytest.mark.parametrize("host", ["localhost:99", "127.0.0.1", "[::1]:80"])
def test_addresses_and_localhost_are_this_server(served, host):
    assert call(served, "GET", "/", headers={"Host": host})[0].status == 200


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, "<html>oops</html>"), "500: <html>oops"),
        ((422, '{"status": "error", "error": "too many samples"}'), "422: too many samples"),
        ((401, "Unauthorized\n"), "401: Unauthorized"),
        ((200, "<html>a proxy's login</html>"), "200: <html>"),
        ((200, '{"data": [[1]]}'), "cannot be read"),
        ((200, '{"data": {"result": [{"metric": {}, "values": [["x", 1]]}]}}'), "cannot be read"),
    ],
)
def test_the_words_of_a_service_reach_the_panel(served, service, bundle, answer, words):
    service.answer = answer
    board = bundle.boards["psf-node-overview"]
    key = next(panel.id for panel in board.panels.values() if panel.kind == "timeseries")
    lines = panels(served, uid=board.uid, panels=[key], frame=False)
    assert words in lines[-1]["error"]
    assert lines[-1]["empty"]


def test_a_service_that_is_away(served, service, bundle):
    service.server.shutdown()
    service.server.server_close()
    board = bundle.boards[naming.LANDING]
    lines = panels(served, panels=list(board.panels))
    assert all("refused" in line["error"] for line in lines if "id" in line)
    service.server.serve_forever = lambda **_k: None


def test_a_source_that_was_not_given(served, bundle):
    del served.estate.places[""]["loki"]
    key = next(panel.id for panel in bundle.boards[naming.LANDING].panels.values() if panel.kind == "logs")
    assert panels(served, panels=[key], frame=False)[-1]["error"] == "no --loki was given"


def test_a_trace(served, service):
    answer, text = call(served, "POST", "/api/trace", {"id": "ab12"})
    assert (answer.status, len(json.loads(text)["spans"])) == (200, 3)
    for wrong in ("../services", "", None, "ab12?x=y", "a" * 33):
        assert call(served, "POST", "/api/trace", {"id": wrong})[0].status == 400
    assert [path for path, _query in service.asked] == ["/api/traces/ab12"]


def test_a_port_that_is_taken(served):
    with pytest.raises(ContentError, match="choose another port"):
        Server(("127.0.0.1", served.server_address[1]), served.pages, served.estate)
