# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries of PostgreSQL and PgBouncer by the wire protocol (version 3), in a session that is read only and bounded in time.

Right: a role that may log in, with pg_monitor and what the query reads (`pg_hba_file_rules` and `pg_authid` need a superuser or a view
that gives them); of `credentials.accounts`, by the service's id. Log-in by SCRAM-SHA-256; a server that asks for a password in clear
text or by MD5 is refused, unless the connection is TLS for clear text.
`services`: as $context.services; `queries`: name to SQL; `database`. TLS is wanted where the service's scheme is https.
One reading for each service: {name: [{column: text or null}]}, at most 1000 rows each.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"services": True, "queries": True, "database": False}
ROWS = 1000
MESSAGE = 4 << 20
ITERATIONS = 1000000
SSL_REQUEST, PROTOCOL = 80877103, 196608


def read(world, services, queries, database="postgres"):
    return [reading(row["service"], _service, world, row, queries, database) for row in services]


def _service(world, row, queries, database):
    account = (world.credentials.get("accounts") or {}).get(row["service"]) or {}
    if not account.get("username"):
        raise ReadError("there is no account for %s" % row["service"])
    with Session(world, row, account, database) as session:
        return {name: session.rows(query) for name, query in queries.items()}


class Session:
    """One connection; closes itself. Every error is a ReadError in the server's words."""

    def __init__(self, world, row, account, database):
        self.account = account
        self.where = "%s:%s" % (row["address"], row["port"])
        try:
            self.socket = socket.create_connection((row["address"], row["port"]), world.timeout / 2.0)
        except OSError as error:
            raise ReadError("%s does not answer: %s" % (self.where, error)) from error
        try:
            self.tls = row.get("scheme") == "https"
            if self.tls:
                self._upgrade(world, row)
            self._start(account["username"], database, world.timeout)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        try:
            self._send(b"X", b"")
        except (OSError, ReadError):
            pass
        finally:
            self.socket.close()

    def _upgrade(self, world, row):
        self.socket.sendall(struct.pack("!II", 8, SSL_REQUEST))
        if self._exactly(1) != b"S":
            raise ReadError("%s does not speak TLS" % self.where)
        context = ssl.create_default_context(cafile=world.credentials.get("ca"))
        if world.credentials.get("cert"):
            context.load_cert_chain(world.credentials["cert"], world.credentials.get("key"))
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=row.get("server_name") or row["address"])
        except OSError as error:
            raise ReadError("%s: %s" % (self.where, error)) from error

    def _start(self, user, database, timeout):
        # The server gives up before this side does, so that it is the server that says why.
        options = "-c default_transaction_read_only=on -c statement_timeout=%d" % int(timeout * 400)
        pairs = [("user", user), ("database", database), ("application_name", "psf.observatory.assessment")]
        if database != "pgbouncer":  # its console knows no options
            pairs.append(("options", options))
        body = b"".join(("%s\0%s\0" % pair).encode("utf-8") for pair in pairs) + b"\0"
        self._write(struct.pack("!II", len(body) + 8, PROTOCOL) + body)
        while True:
            kind, body = self._message()
            if kind == b"R":
                self._authenticate(struct.unpack("!I", body[:4])[0], body[4:])
            elif kind == b"Z":
                return

    # -- log-in --------------------------------------------------------------------------------------------------------
    def _authenticate(self, method, rest):
        password = self.account.get("password") or ""
        if method == 0:
            return
        if method == 3 and self.tls:
            self._send(b"p", password.encode("utf-8") + b"\0")
        elif method == 10 and b"SCRAM-SHA-256" in rest.split(b"\0"):
            self._scram(password)
        else:
            raise ReadError("%s wants a log-in (%d) that gives the password away; only SCRAM-SHA-256 is spoken" % (self.where, method))

    def _scram(self, password):
        """RFC 7677, without channel binding. The server must prove that it knows the password, too."""
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = "n=,r=" + nonce
        message = ("n,," + first).encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(message)) + message)
        answer = self._sasl(11)
        fields = dict(part.split("=", 1) for part in answer.split(","))
        if not fields.get("r", "").startswith(nonce) or not 0 < int(fields.get("i", "0")) <= ITERATIONS:
            raise ReadError("%s: the log-in was answered wrongly" % self.where)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), base64.b64decode(fields["s"]), int(fields["i"]))
        last = "c=biws,r=" + fields["r"]
        signed = ",".join((first, answer, last)).encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")))  # noqa: B905 (Python 3.9 knows no strict)
        self._send(b"p", (last + ",p=" + base64.b64encode(proof).decode()).encode())
        wanted = base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")).decode()
        if not hmac.compare_digest(self._sasl(12), "v=" + wanted):
            raise ReadError("%s does not know the password itself; it is not who it says it is" % self.where)

    def _sasl(self, wanted):
        kind, body = self._message()
        if kind != b"R" or struct.unpack("!I", body[:4])[0] != wanted:
            raise ReadError("%s: the log-in was answered wrongly" % self.where)
        return body[4:].decode("utf-8")

    # -- queries -------------------------------------------------------------------------------------------------------
    def rows(self, query):
        """[{column: text or None}] of one statement."""
        self._send(b"Q", query.encode("utf-8") + b"\0")
        columns, found, problem = [], [], None
        while True:
            kind, body = self._message(fatal=False)
            if kind == b"T":
                columns = _columns(body)
            elif kind == b"D":
                if len(found) >= ROWS:
                    raise ReadError("%s: more than %d rows" % (query, ROWS))
                found.append(dict(zip(columns, _values(body))))  # noqa: B905 (as above)
            elif kind == b"E":
                problem = _words(body)
            elif kind == b"Z":
                break
        if problem:
            raise ReadError("%s: %s" % (query, problem))
        return found

    # -- messages ------------------------------------------------------------------------------------------------------
    def _message(self, fatal=True):
        head = self._exactly(5)
        size = struct.unpack("!I", head[1:])[0] - 4
        if not 0 <= size <= MESSAGE:
            raise ReadError("%s: a message of %d bytes" % (self.where, size))
        body = self._exactly(size)
        if head[:1] == b"E" and fatal:
            raise ReadError("%s: %s" % (self.where, _words(body)))
        return head[:1], body

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            try:
                block = self.socket.recv(size - len(data))
            except OSError as error:
                raise ReadError("%s: %s" % (self.where, error)) from error
            if not block:
                raise ReadError("%s hung up" % self.where)
            data += block
        return data

    def _send(self, kind, body):
        self._write(kind + struct.pack("!I", len(body) + 4) + body)

    def _write(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise ReadError("%s: %s" % (self.where, error)) from error


def _columns(body):
    names, at = [], 2
    for _number in range(struct.unpack("!H", body[:2])[0]):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode("utf-8"))
        at = end + 19
    return names


def _values(body):
    values, at = [], 2
    for _number in range(struct.unpack("!H", body[:2])[0]):
        size = struct.unpack("!i", body[at:at + 4])[0]
        at += 4
        values.append(None if size < 0 else body[at:at + size].decode("utf-8", "replace"))
        at += max(size, 0)
    return values


def _words(body):
    """Severity, code and message of an error."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return " ".join(fields.get(key, "") for key in (b"S", b"C", b"M")).strip()
