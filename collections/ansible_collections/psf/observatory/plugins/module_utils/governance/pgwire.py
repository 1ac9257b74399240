# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of PostgreSQL's protocol, version 3, as far as a probe needs it: log in, ask in simple queries, get rows.

Knows TLS, peer and trust, clear-text and MD5 passwords over TLS or a Unix socket only, and SCRAM-SHA-256
(https://www.postgresql.org/docs/current/protocol.html). No driver must be installed on the host.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import struct

from ansible_collections.psf.observatory.plugins.module_utils.governance import systems
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError

PORT = 5432
MESSAGE_LIMIT = 4 << 20
# Bytes of one answer, with all its messages.
ANSWER_LIMIT = 16 << 20
ROWS = 5000
CASTS = {16: lambda text: text == "t", 20: int, 21: int, 23: int, 26: int, 700: float, 701: float, 1700: float, 114: json.loads,
         3802: json.loads}


class Refused(ReadError):
    """The server answered with an error; the text is its own."""


class Connection:
    """Use as a context. `parameters` are settings of the session, as PGOPTIONS would have them."""

    def __init__(self, world, row, database, parameters=None, port=PORT):
        self.row = row
        self.left = ANSWER_LIMIT
        self.socket = systems.connect(world, _with_path(row, port), port)
        try:
            self.encrypted = bool(row.get("socket"))
            if not row.get("socket") and row.get("tls") is not False:
                self._start_tls()
            self._log_in(world, database, parameters or {})
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_details):
        with contextlib.suppress(OSError):
            self._send(b"X", b"")
        self.socket.close()

    # -- messages ------------------------------------------------------------------------------------------------------
    def _send(self, kind, body):
        self.socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _exactly(self, count):
        self.left -= count
        if self.left < 0:
            raise ReadError("PostgreSQL's answer is larger than %d bytes" % ANSWER_LIMIT)
        blocks = bytearray()
        while len(blocks) < count:
            block = self.socket.recv(min(count - len(blocks), 65536))
            if not block:
                raise ReadError("PostgreSQL closed the connection")
            blocks += block
        return bytes(blocks)

    def _receive(self):
        """(kind, body) of the next message that is not a notice or a setting."""
        while True:
            kind, body = self._message()
            if kind == b"E":
                raise Refused("PostgreSQL: %s" % _error(body))
            if kind not in (b"N", b"S", b"A", b"K"):
                return kind, body

    def _message(self):
        head = self._exactly(5)
        size = struct.unpack("!I", head[1:])[0] - 4
        if size < 0 or size > MESSAGE_LIMIT:
            raise ReadError("PostgreSQL sent a message of %d bytes" % size)
        return head[:1], self._exactly(size)

    # -- beginning -----------------------------------------------------------------------------------------------------
    def _start_tls(self):
        self.socket.sendall(struct.pack("!II", 8, 80877103))
        if self._exactly(1) != b"S":
            raise ReadError("PostgreSQL at %s offers no TLS" % self.row.get("address"))
        self.socket = systems.encrypt(self.socket, self.row)
        self.encrypted = True

    def _log_in(self, world, database, parameters):
        user = self.row.get("username") or "postgres"
        words = {"user": user, "database": database, "application_name": "psf-observatory-assessment", "client_encoding": "UTF8"}
        words.update(parameters)
        body = struct.pack("!I", 196608) + b"".join(
            key.encode() + b"\0" + str(value).encode() + b"\0" for key, value in words.items()) + b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        while True:
            kind, body = self._receive()
            if kind == b"Z":
                return
            if kind != b"R":
                raise ReadError("PostgreSQL sent %r instead of a log-in" % kind)
            self._authenticate(struct.unpack("!I", body[:4])[0], body[4:], user, systems.secret(world, self.row, "password"))

    def _authenticate(self, method, body, user, password):
        if method == 0:
            return
        if not password:
            raise ReadError("PostgreSQL wants a password for %s; governance_systems has none" % user)
        if method in (3, 5):
            if not self.encrypted:
                raise ReadError("PostgreSQL wants the password in a form that is not sent without TLS")
            if method == 5:
                inner = hashlib.md5((password + user).encode()).hexdigest()  # noqa: S324 (the protocol's)
                password = "md5" + hashlib.md5(inner.encode() + body[:4]).hexdigest()  # noqa: S324
            self._send(b"p", password.encode() + b"\0")
        elif method == 10:
            if b"SCRAM-SHA-256" not in body.split(b"\0"):
                raise ReadError("PostgreSQL offers no SCRAM-SHA-256")
            self._scram(password)
        else:
            raise ReadError("PostgreSQL wants log-in method %d, which is not known here" % method)

    def _scram(self, password):
        """RFC 5802 without channel binding. A password beyond ASCII is taken as it is, as PostgreSQL does where SASLprep fails."""
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = "n=,r=" + nonce
        data = ("n,," + first).encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(data)) + data)
        challenge = self._sasl(11)
        words = dict(part.split("=", 1) for part in challenge.split(","))
        if not words["r"].startswith(nonce) or int(words["i"]) > 1000000:
            raise ReadError("PostgreSQL's SCRAM challenge is not an answer to ours")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(words["s"]), int(words["i"]))
        client = hmac.new(salted, b"Client Key", "sha256").digest()
        final = "c=biws,r=" + words["r"]
        signed = ",".join((first, challenge, final)).encode()
        proof = xor(client, hmac.new(hashlib.sha256(client).digest(), signed, "sha256").digest())
        self._send(b"p", ("%s,p=%s" % (final, base64.b64encode(proof).decode())).encode())
        server = hmac.new(hmac.new(salted, b"Server Key", "sha256").digest(), signed, "sha256").digest()
        if self._sasl(12) != "v=" + base64.b64encode(server).decode():
            raise ReadError("PostgreSQL does not know the password itself: the server is another than it seems")

    def _sasl(self, wanted):
        kind, body = self._receive()
        if kind != b"R" or struct.unpack("!I", body[:4])[0] != wanted:
            raise ReadError("PostgreSQL broke off the log-in")
        return body[4:].decode()

    # -- asking --------------------------------------------------------------------------------------------------------
    def query(self, sql):
        """Rows as mappings of column to value: booleans, numbers and JSON as such, all else as text, NULL as None."""
        self.left = ANSWER_LIMIT
        self._send(b"Q", sql.encode() + b"\0")
        columns, rows = [], []
        while True:
            kind, body = self._receive_row()
            if kind == b"Z":
                return rows
            if kind == b"T":
                columns = _columns(body)
            elif kind == b"D":
                if len(rows) >= ROWS:
                    raise ReadError("more than %d rows" % ROWS)
                rows.append(_values(body, columns))

    def _receive_row(self):
        """An error of the server ends with ReadyForQuery: it is read, so that the next query can be asked."""
        try:
            return self._receive()
        except Refused:
            while self._message()[0] != b"Z":
                pass
            raise


def _with_path(row, port):
    """A socket's directory, as libpq names it, becomes the socket's path."""
    if row.get("socket") and ".s.PGSQL." not in row["socket"]:
        return dict(row, socket="%s/.s.PGSQL.%s" % (row["socket"].rstrip("/"), row.get("port") or port))
    return row


def _error(body):
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return "%s (%s)" % (fields.get(b"M", "an error without words"), fields.get(b"C", "?"))


def _columns(body):
    count, place, found = struct.unpack("!H", body[:2])[0], 2, []
    for _index in range(count):
        end = body.index(b"\0", place)
        kind = struct.unpack("!I", body[end + 7:end + 11])[0]
        found.append((body[place:end].decode(), CASTS.get(kind, str)))
        place = end + 19
    return found


def _values(body, columns):
    place, found = 2, {}
    for name, cast in columns:
        size = struct.unpack("!i", body[place:place + 4])[0]
        place += 4
        found[name] = None if size < 0 else cast(body[place:place + size].decode("utf-8", "replace"))
        place += max(size, 0)
    return found


def xor(left, right):
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
