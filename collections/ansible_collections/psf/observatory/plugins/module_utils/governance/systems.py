# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a system that the collection does not run itself is reached: one row of `governance_systems` for each, given to the module.

A row: `system` (the id that controls name), and of these what the system needs
  url                          of an HTTP API (RabbitMQ, Keycloak, Harbor, OpenSearch, Vault, Kubernetes, S3, ...)
  address, port, socket        of a server with a protocol of its own; `socket` is the directory or path of a Unix socket
  database                     the database to log in to
  username, password           an account; `password_file` is a file on the host that holds the password instead
  token, token_file            a token; `token_header` is the header it goes into as it is, where that is not "Authorization: Bearer"
  token_url                    where username (as client id) and password get a token by OAuth's client credentials
  ca, cert, key                files on the host; a server that has no TLS must say so by `tls: false`
  kubeconfig, region           files and names that the probe of the system explains
The account needs to read only: each probe says what.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from urllib.parse import urlencode, urlsplit

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import BODY_LIMIT, ReadError

PAGES = 200


def of(world, name, *needed):
    """The row of a system; ReadError where there is none, or where it lacks one of `needed` ("a|b" is either)."""
    row = (world.credentials.get("systems") or {}).get(name)
    if not row:
        raise ReadError("governance_systems says nothing of %s: how it is reached, and with which account" % name)
    for words in needed:
        if not any(row.get(word) for word in words.split("|")):
            raise ReadError("governance_systems: %s: %s is missing" % (name, words.replace("|", " or ")))
    return row


def secret(world, row, name):
    """A password or token: as given, or what its file on the host holds."""
    if row.get(name):
        return row[name]
    path = row.get(name + "_file")
    if not path:
        return ""
    try:
        return world.read(path, 65536).strip()
    except FileNotFoundError as error:
        raise ReadError("%s: no such file" % path) from error


def tls(row):
    """A context that verifies chain and name, with the client certificate of the row."""
    try:
        context = ssl.create_default_context(cafile=row.get("ca") or None)
        if row.get("cert"):
            context.load_cert_chain(row["cert"], row.get("key") or None)
    except OSError as error:
        raise ReadError("%s: %s" % (row.get("cert") or row.get("ca"), error)) from error
    return context


def connect(world, row, port):
    """A connected TCP or Unix socket, not yet encrypted."""
    try:
        if row.get("socket"):
            raw = socket.socket(socket.AF_UNIX)
            try:
                raw.settimeout(world.timeout)
                raw.connect(row["socket"])
            except BaseException:
                raw.close()
                raise
            return raw
        return socket.create_connection((row.get("address") or "127.0.0.1", int(row.get("port") or port)), world.timeout)
    except OSError as error:
        where = row.get("socket") or "%s:%s" % (row.get("address") or "127.0.0.1", row.get("port") or port)
        raise ReadError("%s: %s" % (where, error.strerror or error)) from error


def encrypt(raw, row):
    try:
        return tls(row).wrap_socket(raw, server_hostname=row.get("server_name") or row.get("address") or "localhost")
    except OSError as error:
        raw.close()
        raise ReadError("%s: TLS: %s" % (row.get("address"), error)) from error


# -- HTTP --------------------------------------------------------------------------------------------------------------
def send(world, row, method, target, headers=None, body=None, url=None):
    """(status, headers, body as bytes) of one request; `target` is path and query below the row's url."""
    parts = urlsplit(url or row["url"])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.hostname, port, timeout=world.timeout, context=tls(row))
        elif parts.scheme == "http" and row.get("tls") is False:
            connection = http.client.HTTPConnection(parts.hostname, port, timeout=world.timeout)
        else:
            raise ReadError("%s: not https; a system without TLS must have tls: false in governance_systems" % (url or row["url"]))
        try:
            connection.request(method, parts.path.rstrip("/") + target if url is None else parts.path or "/", body, headers or {})
            answer = connection.getresponse()
            data = answer.read(BODY_LIMIT + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ReadError("%s%s: %s" % (row.get("url", ""), target, error or type(error).__name__)) from error
    if len(data) > BODY_LIMIT:
        raise ReadError("%s%s: the answer is larger than %d bytes" % (row["url"], target, BODY_LIMIT))
    return answer.status, answer.headers, data


def authorization(world, row):
    """The headers that log in."""
    if row.get("token_url"):
        return {"Authorization": "Bearer " + _client_token(world, row)}
    token = secret(world, row, "token")
    if token:
        return {row["token_header"]: token} if row.get("token_header") else {"Authorization": "Bearer " + token}
    if row.get("username"):
        pair = "%s:%s" % (row["username"], secret(world, row, "password"))
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return {}


def _client_token(world, row):
    known = world.__dict__.setdefault("tokens", {})
    if row["token_url"] not in known:
        form = urlencode({"grant_type": "client_credentials", "client_id": row.get("username") or "",
                          "client_secret": secret(world, row, "password")})
        status, _headers, body = send(world, row, "POST", "", {"Content-Type": "application/x-www-form-urlencoded"}, form,
                                      url=row["token_url"])
        if status != 200:
            raise ReadError("%s: HTTP %d: no token for %s" % (row["token_url"], status, row.get("username")))
        known[row["token_url"]] = parse(row["token_url"], body)["access_token"]
    return known[row["token_url"]]


def ask(world, row, path, query=None, body=None, accept="application/json"):
    """The JSON of an answer with status 200; `body` only for a look-up that the system takes as POST."""
    target = path + ("?" + urlencode(query) if query else "")
    headers = dict(authorization(world, row), Accept=accept)
    if body is not None:
        headers["Content-Type"] = "application/json"
    status, _headers, data = send(world, row, "POST" if body is not None else "GET", target, headers,
                                  None if body is None else json.dumps(body))
    if status != 200:
        raise ReadError("%s%s: HTTP %d %s" % (row["url"], target, status, " ".join(data[:400].decode("utf-8", "replace").split())[:200]))
    return parse(row["url"] + target, data)


def parse(where, data):
    try:
        return json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise ReadError("%s: not JSON: %s" % (where, " ".join(data[:200].decode("utf-8", "replace").split())[:120])) from error
