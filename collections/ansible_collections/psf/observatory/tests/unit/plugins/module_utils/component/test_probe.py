# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a service as its clients do: over TLS with a verified name, with a certificate, with a password."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.component import probe


@contextlib.contextmanager
def listening(answer, family=socket.AF_INET, address="127.0.0.1"):
    """A port where each connection is given to `answer`."""
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    with contextlib.suppress(OSError):
                        answer(connection)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def test_status_and_body_are_returned(web):
    web.answers["/status?deep=1"] = (503, b"starting " * 1000)
    assert probe.request(web.url + "/status?deep=1", limit=16) == (503, "starting startin")


def test_log_in_and_body_are_sent(web):
    web.answers["/api"] = (200, b"{}")
    probe.request(web.url + "/api", "POST", username="machine", password="p:w", body="[1]")
    method, path, headers, body = web.asked[0]
    assert (method, path, body) == ("POST", "/api", b"[1]")
    assert base64.b64decode(headers["Authorization"].split()[1]) == b"machine:p:w"
    assert headers["Content-Type"] == "application/json"


def test_without_a_user_no_log_in_is_sent(web):
    probe.request(web.url + "/")
    assert "Authorization" not in web.asked[0][2]


def test_what_is_not_http_is_an_os_error():
    with listening(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n")) as port, \
            pytest.raises(OSError, match="not an HTTP answer"):
        probe.request("http://127.0.0.1:%d/" % port)


@pytest.mark.parametrize("status, wanted, reason", [(200, 200, ""), (204, 204, ""), (200, 204, "HTTP 200 not yet"),
                                                    (503, 200, "HTTP 503 not yet")])
def test_ready_is_the_status_that_was_declared(web, status, wanted, reason):
    web.answers["/ready"] = (status, b"" if status == 204 else b"not\n  yet")
    said = probe.ready({"url": web.url + "/ready", "status": wanted})
    assert said == ("%s/ready: %s" % (web.url, reason) if reason else "")


def test_ready_by_a_port(web):
    assert probe.ready({"tcp": "127.0.0.1:%d" % web.server_address[1]}) == ""


def test_ready_by_a_port_of_ipv6():
    with listening(lambda connection: None, socket.AF_INET6, "::1") as port:
        assert probe.ready({"tcp": "[::1]:%d" % port}) == ""


def test_not_ready_says_who_did_not_answer():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = "127.0.0.1:%d" % taken.getsockname()[1]
        assert probe.ready({"tcp": where}).startswith(where + ": ")
        assert probe.ready({"url": "http://%s/ready" % where}).startswith("http://%s/ready: " % where)


def tls_server(pki, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "host.crt", pki / "host.key")
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED

    def answer(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return listening(answer)


def test_tls_holds_the_server_to_its_name_on_a_loopback_address(authority):
    with tls_server(authority) as port:
        url = "https://127.0.0.1:%d/" % port
        assert probe.request(url, ca=str(authority / "ca.crt"), server_name="obs-1") == (200, "ok")
        with pytest.raises(OSError, match="(?i)hostname mismatch"):
            probe.request(url, ca=str(authority / "ca.crt"), server_name="obs-2")
        with pytest.raises(OSError, match="(?i)certificate verify failed"):
            probe.request(url, server_name="obs-1")


def test_tls_shows_the_hosts_certificate(authority):
    files = {"ca": str(authority / "ca.crt"), "cert": str(authority / "host.crt"), "key": str(authority / "host.key")}
    with tls_server(authority, authority / "ca.crt") as port:
        readiness = {"url": "https://127.0.0.1:%d/" % port, "server_name": "obs-1", **files}
        assert probe.ready(readiness) == ""
        del readiness["cert"]
        assert probe.ready(readiness) != ""
