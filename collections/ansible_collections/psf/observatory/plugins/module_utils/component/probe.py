# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a service whether it is ready, the way its clients reach it: TLS with a verified name, a certificate, a password."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from urllib.parse import urlsplit


def request(url, method="GET", timeout=5, ca=None, cert=None, key=None, server_name=None, username=None, password=None,
            body=None, limit=2000, headers=None):
    """One HTTP request; returns (status, first `limit` bytes of the body as text). Raises OSError when there is no answer.

    `server_name` is the name that the certificate must carry when the address in the URL is another (a loopback address).
    """
    parts = urlsplit(url)
    headers = dict(headers or {})
    if username:
        token = base64.b64encode(("%s:%s" % (username, password or "")).encode()).decode()
        headers["Authorization"] = "Basic " + token
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout)
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            if cert:
                context.load_cert_chain(cert, key)
            raw = socket.create_connection((parts.hostname, port), timeout)
            try:
                connection.sock = context.wrap_socket(raw, server_hostname=server_name or parts.hostname)
            except BaseException:
                raw.close()
                raise
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(limit).decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise OSError("not an HTTP answer: %r" % error) from error
    finally:
        connection.close()


def ready(readiness):
    """One try; returns "" when ready, else the reason in a few words."""
    if readiness.get("tcp"):
        host, _sep, port = readiness["tcp"].rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), 2).close()
            return ""
        except OSError as error:
            return "%s: %s" % (readiness["tcp"], error)
    try:
        status, body = request(readiness["url"], timeout=5, **credentials(readiness))
    except OSError as error:
        return "%s: %s" % (readiness["url"], error)
    if status == readiness.get("status", 200):
        return ""
    return "%s: HTTP %d %s" % (readiness["url"], status, " ".join(body.split())[:160])


def credentials(options):
    return {k: options.get(k) for k in ("ca", "cert", "key", "server_name", "username", "password") if options.get(k)}
