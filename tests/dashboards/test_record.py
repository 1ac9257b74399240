"""Recording: from a Prometheus (here a small server that answers like one) to metrics.sample, and its errors."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest
from example_content import SYSTEM, shop

from dashboards import record, sample
from dashboards.model import ContentError

SERIES = [
    {"__name__": "shop_requests_total", "job": "shop", "instance": "10.0.0.1:80", "host": "shop-1", "region": "eu", "system": "shop",
     "code": code}
    for code in ("200", "404", "418", "429", "500", "503")] + [
    {"__name__": "shop_build_info", "job": "shop", "instance": "10.0.0.1:80", "host": "shop-1", "region": "eu", "version": "1.2.3"},
    {"__name__": "shop_note", "job": "shop", "instance": "10.0.0.1:80", "text": 'a"b\\c\nd'}]
METADATA = {"shop_requests_total": [{"type": "counter"}], "shop_note": [{"type": "unknown"}], "other": [{"type": "gauge"}]}


class Server(ThreadingHTTPServer):
    """Answers query and metadata; `answer` is (status, data) for the next ones."""

    seen: list
    answer = None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlparse(self.path)
        self.server.seen.append((url.path, parse_qs(url.query), self.headers.get("Authorization")))
        status, body = self.server.answer or (200, {"status": "success", "data": METADATA if url.path.endswith("metadata") else {
            "result": [{"metric": labels, "value": [0, str(number)]} for number, labels in enumerate(SERIES)]}})
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as running:
        running.seen = []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.url = f"http://127.0.0.1:{running.server_port}"
        yield running
        running.shutdown()


def test_recorded_text_reads_back(server):
    text = record.record(shop(), record.Server(server.url))
    found = sample.parse(text, "metrics.sample")
    assert found.labels["shop_requests_total"] >= {"job", "instance", "code"} and found.type_of("shop_requests_total") == "counter"
    assert found.labels["shop_note"] == {"job", "instance", "text"} and "other" not in found.types
    assert text.count("shop_requests_total{") == sample.KEPT, "a few of each name are kept"
    assert "Versions: shop 1.2.3" in text and "make record SYSTEM=shop" in text
    assert "10.0.0.1" not in text and "shop-1" not in text, "which machine it was is not kept"
    assert text == record.record(shop(), record.Server(server.url)), "the same twice"


def test_it_asks_for_the_systems_jobs_and_logs_in(server):
    record.record(shop(), record.Server(server.url, "me", "secret"))
    path, query, login = server.seen[0]
    assert (path, query["query"]) == ("/api/v1/query", ['{job=~"shop"}'])
    assert base64.b64decode(login.split()[1]) == b"me:secret"


def test_it_writes_into_the_systems_folder(server, tmp_path):
    path = record.write(shop(folder=tmp_path), record.Server(server.url))
    assert path == tmp_path / "metrics.sample" and sample.parse(path.read_text(), "x").labels


@pytest.mark.parametrize(("answer", "says"), [
    ((401, b"log in"), "401: Unauthorized log in"),
    ((400, b'{"error": "bad query"}'), "bad query"),
    ((200, b"<html>"), "Expecting value"),
    ((200, {"data": {"result": []}}), "has no series of .*; is the system running"),
])
def test_errors_say_what_the_server_said(server, answer, says):
    server.answer = answer
    with pytest.raises(ContentError, match=says) as caught:
        record.record(shop(), record.Server(server.url))
    assert server.url in str(caught.value)


def test_no_server():
    with pytest.raises(ContentError, match="refused"):
        record.record(shop(), record.Server("http://127.0.0.1:1"))


def test_a_system_without_jobs():
    with pytest.raises(ContentError, match="systems/shop: has no jobs to record"):
        record.record(shop(system=replace(SYSTEM, jobs=())), record.Server("http://127.0.0.1:1"))


UNSEEN = "# TYPE shop_queue gauge\n" + sample.NOT_RECORDED + 'from its source\nshop_unseen{job="shop"} 1\n'


def test_what_was_not_recorded_gives_way_to_what_is(server, tmp_path):
    marked = shop(folder=tmp_path, sample=sample.parse(UNSEEN, "x"))
    assert "shop_unseen" in marked.sample.labels
    found = sample.parse(record.write(marked, record.Server(server.url)).read_text(), "x")
    assert not found.unrecorded and not found.rest and "shop_unseen" not in found.labels


def test_what_was_not_recorded_stays_while_the_system_is_not_there(server, monkeypatch):
    marked = shop(sample=sample.parse(UNSEEN, "x"), system=replace(SYSTEM, passing=('{__name__=~"shop_.+"}',)))
    whole = record.Server.get
    monkeypatch.setattr(record.Server, "get", lambda self, path, **query: (
        {"result": []} if query.get("query", "").startswith("{job") else whole(self, path, **query)))
    text = record.record(marked, record.Server(server.url))
    found = sample.parse(text, "x")
    assert found.unrecorded == {"shop_unseen"} and found.rest == marked.sample.rest and "shop_requests_total" in found.labels


def test_a_series_is_recorded_or_not():
    with pytest.raises(ContentError, match="line 3: shop_queue was recorded"):
        sample.parse('shop_queue{job="shop"} 1\n' + sample.NOT_RECORDED + 'x\nshop_queue{job="shop"} 1\n', "metrics.sample")
