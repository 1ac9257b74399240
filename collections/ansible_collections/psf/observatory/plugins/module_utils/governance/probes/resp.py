# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that speak the Redis protocol (Valkey, KeyDB, Redis): their settings in force and whom they let in.

Right: an account that may CONFIG GET, ACL GETUSER and INFO (`@read +config|get +acl|getuser +info +ping`), of `credentials.accounts`,
by the service's id; for `anonymous`, none. Only commands that read are sent; others are refused here.
`services`: as $context.services; `commands`: name to a list of words. Over TLS where the service's scheme is https.
One reading for each service: {name: answer}. An answer that is a list of pairs (CONFIG GET, ACL GETUSER) becomes a mapping, INFO a
mapping of its lines; of a secret is only told that it is "(set)". A refusal of the server (-NOAUTH, -WRONGPASS, -NOPERM) is an
error of the reading, but with `anonymous` it is the answer: {"error": "NOAUTH"}.
"""

from __future__ import annotations

import socket
import ssl

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"services": True, "commands": True, "anonymous": False}
READS = (
    ("PING",), ("INFO",), ("ROLE",), ("DBSIZE",), ("CONFIG", "GET"), ("ACL", "GETUSER"), ("ACL", "LIST"), ("ACL", "WHOAMI"))
# Settings that are secrets: told is only whether they are set.
SECRETS = ("requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "tls-client-key-file-pass")
SET = "(set)"
LIMIT = 1 << 20
DEPTH = 8


class Refusal(Exception):
    """The server's own error; its first word is the code."""


def read(world, services, commands, anonymous=False):
    for name, words in commands.items():
        if not any(tuple(word.upper() for word in words[:len(known)]) == known for known in READS):
            raise ReadError("commands.%s: %s is not one that only reads" % (name, " ".join(words)))
    return [reading(row["service"], _service, world, row, commands, anonymous) for row in services]


def _service(world, row, commands, anonymous):
    account = (world.credentials.get("accounts") or {}).get(row["service"]) or {}
    with connect(world, row) as connection:
        stream = connection.makefile("rwb")
        if account.get("password") and not anonymous:
            words = ["AUTH", account["username"]] if account.get("username") else ["AUTH"]
            _asked(stream, [*words, account["password"]], "AUTH")
        found = {}
        for name, words in commands.items():
            try:
                found[name] = shaped(words, call(stream, words))
            except Refusal as error:
                if not anonymous:
                    raise ReadError("%s: %s" % (" ".join(words), error)) from error
                found[name] = {"error": str(error).split(" ", 1)[0]}
        return found


def _asked(stream, words, shown):
    try:
        return call(stream, words)
    except Refusal as error:
        raise ReadError("%s: %s" % (shown, str(error).split(" ", 1)[0])) from error


def connect(world, row):
    """A socket to the service, over TLS where its scheme is https; ReadError when there is no answer."""
    try:
        raw = socket.create_connection((row["address"], row["port"]), world.timeout / 2.0)
    except OSError as error:
        raise ReadError("%s:%s does not answer: %s" % (row["address"], row["port"], error)) from error
    if row.get("scheme") != "https":
        return raw
    try:
        context = ssl.create_default_context(cafile=world.credentials.get("ca"))
        if world.credentials.get("cert"):
            context.load_cert_chain(world.credentials["cert"], world.credentials.get("key"))
        return context.wrap_socket(raw, server_hostname=row.get("server_name") or row["address"])
    except (OSError, ValueError) as error:
        raw.close()
        raise ReadError("%s:%s: %s" % (row["address"], row["port"], error)) from error


# -- the protocol (RESP2) ----------------------------------------------------------------------------------------------
def call(stream, words):
    data = b"*%d\r\n" % len(words)
    for word in words:
        raw = str(word).encode("utf-8")
        data += b"$%d\r\n%s\r\n" % (len(raw), raw)
    stream.write(data)
    stream.flush()
    return _answer(stream, [LIMIT])


def _answer(stream, left, depth=0):
    """One answer; `left` is how many bytes it may still have."""
    line = stream.readline(65536)
    left[0] -= len(line)
    if not line.endswith(b"\r\n") or left[0] < 0 or depth > DEPTH:
        raise ReadError("the answer is cut, too large or no RESP: %r" % line[:40])
    kind, rest = line[:1], line[1:-2]
    text = rest.decode("utf-8", "replace")
    if kind == b"-":
        raise Refusal(text)
    if kind == b"+":
        return text
    if kind == b":":
        return int(text)
    if kind == b"$":
        return _bulk(stream, int(text), left)
    if kind == b"*":
        return None if text == "-1" else [_answer(stream, left, depth + 1) for _number in range(min(int(text), LIMIT))]
    raise ReadError("the answer is no RESP: %r" % line[:40])


def _bulk(stream, size, left):
    if size < 0:
        return None
    left[0] -= size
    if left[0] < 0:
        raise ReadError("the answer is larger than %d bytes" % LIMIT)
    data = stream.read(size + 2)
    if len(data) != size + 2:
        raise ReadError("the answer is cut")
    return data[:-2].decode("utf-8", "replace")


def shaped(words, answer):
    """A list of pairs as a mapping, INFO's lines as a mapping of texts."""
    command = words[0].upper()
    if command == "INFO" and isinstance(answer, str):
        return dict(line.split(":", 1) for line in answer.splitlines() if ":" in line and not line.startswith("#"))
    paired = command == "CONFIG" or (command == "ACL" and words[1].upper() == "GETUSER")
    if paired and isinstance(answer, list) and len(answer) % 2 == 0:
        return {str(answer[at]): _told(str(answer[at]), answer[at + 1]) for at in range(0, len(answer), 2)}
    return answer


def _told(name, value):
    if name == "passwords" and isinstance(value, list):
        return [SET] * len(value)
    return (SET if value else "") if name in SECRETS else value
