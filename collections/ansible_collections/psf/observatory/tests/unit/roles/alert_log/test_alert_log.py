# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of notifications, as a process of its own: what Alertmanager sends becomes lines, and nothing else does."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[4] / "roles" / "alert_log" / "files" / "alert_log.py"


class Running:
    """The program on a free port; a second program there would not come up."""

    def __init__(self, *options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM), "--listen=127.0.0.1", f"--port={self.port}", *options],
            stdout=subprocess.PIPE, text=True)
        # No test waits for ever, whatever the program does.
        self.watchdog = threading.Timer(120, self.process.kill)
        self.watchdog.start()

    def wait(self):
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the program ended")

    def ask(self, method, path, body=None, headers=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def metrics(self):
        rows = self.ask("GET", "/metrics")[1].splitlines()
        return {row.split()[0]: int(row.split()[1]) for row in rows if not row.startswith("#")}

    def end(self):
        """Stop it; returns the lines that it wrote."""
        self.process.terminate()
        return [json.loads(line) for line in self.process.communicate()[0].splitlines()]

    def clear_away(self):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def alert_log():
    running = Running()
    yield running.wait()
    running.clear_away()


def notification(*names, status="firing"):
    return json.dumps({"version": "4", "receiver": "alert_log", "status": status, "alerts": [
        {"status": status, "labels": {"alertname": name, "region": "eu"}, "annotations": {"summary": "zu heiß\nsehr"},
         "startsAt": "2030-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f" + name} for name in names]})


def test_each_alert_of_a_notification_is_one_line(alert_log):
    assert alert_log.ask("POST", "/notifications", notification("One", "Two")) == (200, "logged\n")
    one, two = alert_log.end()
    assert one == {"event": "notification", "receiver": "alert_log", "status": "firing", "fingerprint": "fOne",
                   "labels": {"alertname": "One", "region": "eu"}, "annotations": {"summary": "zu heiß\nsehr"},
                   "starts_at": "2030-01-01T00:00:00Z", "ends_at": "0001-01-01T00:00:00Z"}
    assert two["labels"]["alertname"] == "Two"


def test_notifications_alerts_and_refusals_are_counted(alert_log):
    alert_log.ask("POST", "/notifications", notification("One", "Two"))
    alert_log.ask("POST", "/notifications", notification("One", status="resolved"))
    alert_log.ask("POST", "/notifications", "{")
    assert alert_log.metrics() == {"alert_log_notifications_total": 2, "alert_log_alerts_total": 3, "alert_log_refused_total": 1}
    text = alert_log.ask("GET", "/metrics")[1]
    assert text.count("# TYPE") == text.count("# HELP") == 3


@pytest.mark.parametrize("body", ["", "{", "[]", "5", "null", "{}", '{"alerts": null}', '{"alerts": [5]}', '{"alerts": [{}]}',
                                  '{"alerts": {"a": 1}}', '{"alerts": [{"status": "firing"}]}', "\xff"])
def test_what_is_not_a_notification_is_refused_and_not_logged(alert_log, body):
    status, text = alert_log.ask("POST", "/notifications", body.encode("latin-1"))
    assert status == 400 and text
    assert alert_log.metrics()["alert_log_refused_total"] == 1
    assert alert_log.end() == []


def test_half_of_a_notification_is_not_logged(alert_log):
    data = json.loads(notification("One", "Two"))
    del data["alerts"][1]["labels"]
    assert alert_log.ask("POST", "/notifications", json.dumps(data))[0] == 400
    assert alert_log.end() == []


def test_a_body_that_is_too_long_is_refused_before_it_is_read(alert_log):
    assert alert_log.ask("POST", "/notifications", headers={"Content-Length": str((4 << 20) + 1)})[0] == 400


@pytest.mark.parametrize("method, path, status", [("GET", "/healthz", 200), ("GET", "/", 404), ("POST", "/", 400),
                                                  ("GET", "/notifications", 404), ("DELETE", "/notifications", 501)])
def test_other_paths_answer_what_there_is(alert_log, method, path, status):
    assert alert_log.ask(method, path)[0] == status


def test_a_client_that_says_nothing_holds_up_nobody(alert_log):
    with socket.create_connection(("127.0.0.1", alert_log.port)):
        assert alert_log.ask("GET", "/healthz") == (200, "ok\n")


# -- TLS ---------------------------------------------------------------------------------------------------------------
@pytest.fixture
def secured(authority):
    running = Running(f"--certificate={authority}/host.crt", f"--key={authority}/host.key", f"--ca={authority}/ca.crt")
    yield running.wait()
    running.clear_away()


def healthy(running, authority, certificate):
    context = ssl.create_default_context(cafile=authority / "ca.crt")
    if certificate:
        context.load_cert_chain(authority / "host.crt", authority / "host.key")
    with context.wrap_socket(socket.create_connection(("127.0.0.1", running.port), 30), server_hostname="obs-1") as secure:
        secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: obs-1\r\nConnection: close\r\n\r\n")
        return secure.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_client_shows_a_certificate_of_the_same_authority(secured, authority):
    assert healthy(secured, authority, certificate=True)
    # The connection ends without an answer, or with an error, as the one side or the other is faster.
    answered = False
    with contextlib.suppress(OSError):
        answered = healthy(secured, authority, certificate=False)
    assert not answered
    reasons = (json.loads(line)["error"] for line in secured.process.stdout)
    assert any("PEER_DID_NOT_RETURN_A_CERTIFICATE" in reason for reason in reasons)


def test_a_handshake_that_never_ends_holds_up_nobody(secured, authority):
    with socket.create_connection(("127.0.0.1", secured.port)):
        assert healthy(secured, authority, certificate=True)
