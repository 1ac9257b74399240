# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A KeyDB, Valkey or Redis by its own protocol (RESP2): settings, state, accounts, and whom it lets in.

Right: an account with +config|get +info +acl|getuser +ping; nothing that writes.
config     names of settings; of those that are secrets only whether they are set
info       sections of INFO
users      accounts of the ACL; flags, commands and how many passwords, never these
anonymous  whether somebody without an account is answered: {"answered": bool, "said": first word}
plain      a port that shall not answer without TLS: {"open": bool}
One reading, named by the system: {"config": {name: value}, "info": {name: value}, "users": {name: {...}}, "anonymous", "plain"}.
Numbers in settings and state are numbers; times of INFO (`rdb_last_save_time`) come as `<name>_age` in seconds, too.
"""

from __future__ import annotations

import re
import socket
import time

from ansible_collections.psf.observatory.plugins.module_utils.governance import systems
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"system": False, "config": False, "info": False, "users": False, "anonymous": False, "plain": False}
PORT = 6379
SECRET = ("requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass")
BULK, DEPTH, ITEMS = 4 << 20, 8, 20000
# Bytes of one answer, with all its parts.
ANSWER = 16 << 20


class Refused(Exception):
    """The server answered with an error; the text is its own."""


class Client:
    def __init__(self, raw):
        self.socket = raw
        self.stream = raw.makefile("rb")

    def close(self):
        self.stream.close()
        self.socket.close()

    def ask(self, *words):
        """The answer to one command: text, number, None or a list of these. Raises Refused for an error of the server."""
        data = [b"*%d\r\n" % len(words)]
        for word in words:
            text = str(word).encode()
            data.append(b"$%d\r\n%s\r\n" % (len(text), text))
        self.left = ANSWER
        self.socket.sendall(b"".join(data))
        return self._answer(DEPTH)

    def _count(self, size):
        self.left -= size
        if self.left < 0:
            raise ReadError("an answer of more than %d bytes" % ANSWER)

    def _line(self):
        line = self.stream.readline(65537)
        if not line.endswith(b"\r\n"):
            raise ReadError("not an answer in RESP: %r" % line[:40])
        self._count(len(line))
        return line[:1], line[1:-2].decode("utf-8", "replace")

    def _answer(self, depth):
        kind, text = self._line()
        if kind == b"-":
            raise Refused(text)
        if kind == b"+":
            return text
        if kind not in (b":", b"$", b"*") or not re.match(r"^-?\d+\Z", text):
            raise ReadError("not an answer in RESP: %r" % (kind.decode("latin-1") + text[:40]))
        number = int(text)
        if kind == b":":
            return number
        if number < 0:
            return None
        if kind == b"$":
            if number > BULK:
                raise ReadError("an answer of %d bytes" % number)
            self._count(number)
            data = self.stream.read(number + 2)
            if len(data) != number + 2:
                raise ReadError("the connection ended within an answer")
            return data[:-2].decode("utf-8", "replace")
        if number > ITEMS or depth == 0:
            raise ReadError("an answer of %d parts" % number)
        return [self._answer(depth - 1) for _index in range(number)]


def read(world, system="keydb", config=(), info=(), users=(), anonymous=False, plain=0):
    row = systems.of(world, system)
    return [reading(row.get("name") or system, _all, world, row, config, info, users, anonymous, plain)]


def connect(world, row):
    raw = systems.connect(world, row, PORT)
    return Client(raw if row.get("socket") or row.get("tls") is False else systems.encrypt(raw, row))


def _all(world, row, config, info, users, anonymous, plain):
    client = connect(world, row)
    found = {}
    try:
        password = systems.secret(world, row, "password")
        if password:
            client.ask(*(["AUTH"] + ([row["username"]] if row.get("username") else []) + [password]))
        if config:
            found["config"] = {name: _setting(client, name) for name in config}
        if info:
            found["info"] = {}
            for section in info:
                found["info"].update(state(client.ask("INFO", section)))
        if users:
            found["users"] = {name: _user(client.ask("ACL", "GETUSER", name), name) for name in users}
    except Refused as error:
        raise ReadError("%s" % error) from error
    finally:
        client.close()
    if anonymous:
        found["anonymous"] = _anonymous(world, row)
    if plain:
        found["plain"] = {"port": plain, "open": _plain(world, row, plain)}
    return found


def _setting(client, name):
    pairs = client.ask("CONFIG", "GET", name)
    if not isinstance(pairs, list) or len(pairs) < 2:
        raise ReadError("the server has no setting %s" % name)
    value = pairs[1] or ""
    if name in SECRET:
        return "set" if value else ""
    return _number(value)


def state(text, now=None):
    """INFO as a mapping."""
    if not isinstance(text, str):
        raise ReadError("INFO gave no text")
    found = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            found[name] = _number(value)
            if name.endswith("_time") and isinstance(found[name], int) and found[name] > 1000000000:
                found[name + "_age"] = max(round((time.time() if now is None else now) - found[name]), 0)
    return found


def _number(value):
    return int(value) if re.match(r"^-?\d{1,18}\Z", value) else value


def _user(pairs, name):
    if not isinstance(pairs, list):
        raise ReadError("there is no account %s" % name)
    words = {pairs[at]: pairs[at + 1] for at in range(0, len(pairs) - 1, 2)}
    return {"flags": words["flags"], "passwords": len(words.get("passwords") or []), "commands": words.get("commands") or ""}


def _anonymous(world, row):
    try:
        client = connect(world, row)
    except ReadError as error:
        raise ReadError("as nobody: %s" % error) from error
    try:
        return {"answered": True, "said": str(client.ask("PING"))[:20]}
    except Refused as error:
        word = str(error).split(" ", maxsplit=1)[0]
        if word not in ("NOAUTH", "WRONGPASS", "NOPERM", "DENIED"):
            raise ReadError("as nobody: %s" % error) from error
        return {"answered": False, "said": word}
    finally:
        client.close()


def _plain(world, row, port):
    """Whether a port speaks RESP without TLS. Nobody listening, or a connection that is cut, is a no; silence is not known."""
    try:
        raw = socket.create_connection((row.get("address") or "127.0.0.1", int(port)), world.timeout / 2.0)
    except ConnectionRefusedError:
        return False
    except OSError as error:
        raise ReadError("port %s: %s" % (port, error)) from error
    client = Client(raw)
    try:
        client.ask("PING")
        return True
    except Refused:
        return True
    except (ConnectionError, ReadError):
        return False
    except OSError as error:
        raise ReadError("port %s: %s" % (port, error)) from error
    finally:
        client.close()
