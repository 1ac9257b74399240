# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic generator: bounded in rate, in number and in how much is on its way; all routes; failures are counted."""

from __future__ import annotations

import importlib.util
import json
import random
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "roles/psf_web_traffic/files/psf_web_traffic.py"
spec = importlib.util.spec_from_file_location("psf_web_traffic", PROGRAM)
traffic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(traffic)


class Clock:
    """Time that passes only where the program sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


class Sink(traffic.Client):
    """Answers at once, and keeps when it was asked."""

    def __init__(self, clock, gate=None):
        super().__init__(None)
        self.clock, self.gate, self.asked = clock, gate, []

    def ask(self, target, method, path, body):
        self.asked.append((self.clock.now, target, method, path, body))
        if self.gate:
            self.gate.wait(30)
        return 200


class AtOnce:
    """A pool that is never busy."""

    def __init__(self, _workers):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return False

    def submit(self, call, *arguments):
        call(*arguments)


def options(*words):
    return traffic.options(["--target=http://a", *words])


def test_the_rate_and_the_total_hold():
    clock, said = Clock(), []
    sink = Sink(clock)
    assert traffic.run(options("--rate=5", "--total=600"), sink, random.Random(1), clock, clock.sleep, said.append, AtOnce) == 600
    assert len(sink.asked) == 600
    assert clock.now == pytest.approx(599 / 5, abs=0.5)
    assert sum(sum(json.loads(line)["answers"].values()) for line in said) == 600


def test_a_pause_is_not_made_up_for():
    clock = Clock()

    def sleep(seconds):
        clock.now += 30 if clock.now == 0 else seconds

    sink = Sink(clock)
    traffic.run(options("--rate=2", "--total=20"), sink, random.Random(1), clock, sleep, lambda _text: None, AtOnce)
    assert clock.now >= 30 + 18 / 2


def test_what_is_due_while_all_are_busy_is_left_out():
    clock, gate = Clock(), threading.Event()
    sink = Sink(clock, gate)

    def sleep(seconds):
        clock.now += seconds
        if clock.now > 5:
            gate.set()

    threading.Timer(20, gate.set).start()
    traffic.run(options("--rate=10", "--total=20"), sink, random.Random(1), clock, sleep, lambda _text: None)
    before = [row for row in sink.asked if row[0] <= 5]
    assert len(before) == traffic.WORKERS


def test_all_routes_are_asked_some_of_them_wrongly():
    chance = random.Random(7)
    asked = Counter()
    for _ in range(3000):
        method, path, body = traffic.choose(chance)
        asked[method, path.split("?")[0].rstrip("0123456789")] += 1
        assert body is None or isinstance(json.loads(body), dict)
    assert set(asked) == {("GET", "/products"), ("GET", "/products/p-"), ("GET", "/nowhere/"), ("POST", "/orders"),
                          ("POST", "/signups"), ("POST", "/vitals")}
    assert min(asked.values()) > 10


def test_most_products_are_popular_ones():
    chance = random.Random(7)
    popular = sum(int(traffic.product(chance)[2:]) <= traffic.POPULAR for _ in range(2000))
    assert 0.9 < popular / 2000 < 1


@pytest.mark.parametrize("words, problem", [
    (["--rate=0", "--total=1"], "above 0 and at most 50"), (["--rate=51", "--total=1"], "at most 50"),
    (["--rate=nan", "--total=1"], "at most 50"), (["--rate=1", "--total=0"], "from 1 to"), (["--rate=1", "--total=10000001"], "from 1 to")])
def test_more_than_the_bounds_is_refused(words, problem, capsys):
    with pytest.raises(SystemExit):
        options(*words)
    assert problem in capsys.readouterr().err


def test_without_a_service_in_the_region_it_says_so(capsys):
    with pytest.raises(SystemExit):
        traffic.options(["--rate=1", "--total=1"])
    assert "psf_web" in capsys.readouterr().err


def test_over_real_sockets_answers_and_failures_are_counted():
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(404 if "/nowhere/" in self.path else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    client = traffic.Client(options("--rate=50", "--total=1"))
    for path in ("/products", "/nowhere/1"):
        client.send(url, "GET", path, None)
    client.send(url, "POST", "/orders", "{}")
    server.shutdown()
    server.server_close()
    client.local.connections = {}
    client.send(url, "GET", "/products", None)
    assert json.loads(client.summary())["answers"] == {"200": 2, "404": 1, "ConnectionRefusedError": 1}
    assert json.loads(client.summary())["answers"] == {}
