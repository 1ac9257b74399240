# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of databases, caches and Kubernetes, against small servers that speak their protocols strictly: a wrong log-in, a refusal, an
answer that is cut or too large is an error, and nothing but reads is sent.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import socketserver
import struct
import threading

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import kubernetes, resp, sql
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World

PASSWORD = "correct horse"


@pytest.fixture
def serve():
    """Start a server on loopback with a function (stream) -> None for each connection; gives the row of the service."""
    running = []

    def start(service, talk):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError, struct.error, IndexError):
                    talk(self.rfile, self.wfile)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return {"service": service, "address": "127.0.0.1", "port": server.server_address[1], "scheme": "http"}

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def world(service, username="auditor", password=PASSWORD):
    return World(credentials={"accounts": {service: {"username": username, "password": password}}}, timeout=2)


# -- RESP --------------------------------------------------------------------------------------------------------------
class Cache:
    """A server of the Redis protocol: answers by command, AUTH with the password."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def __call__(self, reading, writing):
        known = False
        while True:
            head = reading.readline()
            if not head:
                return
            words = []
            for _number in range(int(head[1:])):
                size = int(reading.readline()[1:])
                words.append(reading.read(size + 2)[:-2].decode())
            self.asked.append(words)
            if words[0] == "AUTH":
                known = words[-1] == PASSWORD
                writing.write(b"+OK\r\n" if known else b"-WRONGPASS invalid username-password pair\r\n")
            elif not known:
                writing.write(b"-NOAUTH Authentication required.\r\n")
            else:
                writing.write(self.answers.get("_".join(words), b"-NOPERM no permissions\r\n"))


def pairs(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def test_settings_of_a_cache_and_no_secret_among_them(serve):
    cache = Cache(CONFIG_GET_requirepass=pairs(b"requirepass", b"correct horse"), ACL_GETUSER_default=(
        b"*4\r\n$5\r\nflags\r\n*1\r\n$2\r\non\r\n$9\r\npasswords\r\n*1\r\n$64\r\n" + b"ab" * 32 + b"\r\n"),
        INFO=b"$35\r\n# Persistence\r\nrdb_changes:3\r\nx:a:b\r\n", DBSIZE=b":7\r\n")
    commands = {"pass": ["CONFIG", "GET", "requirepass"], "user": ["ACL", "GETUSER", "default"], "info": ["INFO"], "size": ["DBSIZE"]}
    found = resp.read(world("keydb"), [serve("keydb", cache)], commands)
    assert found == [{"name": "keydb", "data": {
        "pass": {"requirepass": "(set)"}, "user": {"flags": ["on"], "passwords": ["(set)"]}, "info": {"rdb_changes": "3", "x": "a:b"},
        "size": 7}}]
    assert cache.asked[0] == ["AUTH", "auditor", PASSWORD]


def test_whom_a_cache_lets_in(serve):
    row = serve("keydb", Cache())
    assert resp.read(world("keydb"), [row], {"ping": ["PING"]}, anonymous=True) == [
        {"name": "keydb", "data": {"ping": {"error": "NOAUTH"}}}]
    assert "NOAUTH" in resp.read(World(timeout=2), [row], {"ping": ["PING"]})[0]["error"]
    assert "WRONGPASS" in resp.read(world("keydb", password="x"), [row], {"ping": ["PING"]})[0]["error"]
    assert "NOPERM" in resp.read(world("keydb"), [row], {"info": ["INFO"]})[0]["error"]


@pytest.mark.parametrize("words", [["FLUSHALL"], ["CONFIG", "SET", "a", "b"], ["ACL", "SETUSER", "x"], ["EVAL", "x", "0"], ["CONFIG"]])
def test_only_commands_that_read_are_sent(words):
    with pytest.raises(ReadError, match="not one that only reads"):
        resp.read(World(), [], {"x": words})


@pytest.mark.parametrize(("answer", "words"), [
    (b"$9999999999\r\n", "larger than"), (b"$10\r\nshort\r\n", "timed out|cut"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no RESP"),
    (b"*1\r\n" * 40, "too large or no RESP|cut"), (b"+never ends", "timed out|cut"), (b":many\r\n", "another shape"),
])
def test_an_answer_that_is_no_answer_is_an_error(serve, answer, words):
    found = resp.read(world("keydb"), [serve("keydb", Cache(PING=answer))], {"x": ["PING"]})[0]["error"]
    assert any(word in found for word in words.split("|")), found


# -- SQL ---------------------------------------------------------------------------------------------------------------
class Database:
    """A server of PostgreSQL's protocol with SCRAM-SHA-256 (or another method); answers each statement with rows or an error."""

    def __init__(self, answers=None, method=10, honest=True):
        self.answers, self.method, self.honest, self.startup, self.asked = answers or {}, method, honest, {}, []

    @staticmethod
    def message(kind, body):
        return kind + struct.pack("!I", len(body) + 4) + body

    def read(self, reading):
        kind, size = struct.unpack("!cI", reading.read(5))
        return kind, reading.read(size - 4)

    def __call__(self, reading, writing):
        size = struct.unpack("!I", reading.read(4))[0]
        words = reading.read(size - 4)[4:].decode().split("\0")
        self.startup = dict(zip(words[0::2], words[1::2], strict=False))
        if self.method != 10:
            writing.write(self.message(b"R", struct.pack("!I", self.method) + b"salt"))
            self.read(reading)
            return
        if not self.scram(reading, writing):
            writing.write(self.message(b"E", b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"))
            return
        writing.write(self.message(b"R", struct.pack("!I", 0)) + self.message(b"S", b"a\0b\0") + self.message(b"Z", b"I"))
        while True:
            kind, body = self.read(reading)
            if kind == b"X":
                return
            query = body[:-1].decode()
            self.asked.append(query)
            rows = self.answers.get(query)
            if rows is None:
                writing.write(self.message(b"E", b"SERROR\0C42601\0Msyntax error\0\0") + self.message(b"Z", b"I"))
                continue
            names = list(rows[0]) if rows else ["x"]
            writing.write(self.message(b"T", struct.pack("!H", len(names)) + b"".join(
                name.encode() + b"\0" + struct.pack("!IHIHIH", 0, 0, 25, 65535, 0, 0) for name in names)))
            for row in rows:
                fields = [None if value is None else value.encode() for value in row.values()]
                writing.write(self.message(b"D", struct.pack("!H", len(row)) + b"".join(
                    struct.pack("!i", -1) if field is None else struct.pack("!i", len(field)) + field for field in fields)))
            writing.write(self.message(b"C", b"SELECT\0") + self.message(b"Z", b"I"))

    def scram(self, reading, writing):
        writing.write(self.message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0"))
        first = self.read(reading)[1].split(b"\0", 1)[1][4:].decode().removeprefix("n,,")
        salt = os.urandom(8)
        second = f"{first[first.index('r='):]}more,s={base64.b64encode(salt).decode()},i=4096"
        writing.write(self.message(b"R", struct.pack("!I", 11) + second.encode()))
        last = self.read(reading)[1].decode()
        bare, proof = last.rsplit(",p=", 1)
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 4096)
        key = hmac.digest(salted, b"Client Key", "sha256")
        signed = ",".join((first, second, bare)).encode()
        stored = hashlib.sha256(key).digest()
        given = bytes(a ^ b for a, b in zip(base64.b64decode(proof), hmac.digest(stored, signed, "sha256"), strict=True))
        if hashlib.sha256(given).digest() != stored:
            return False
        server = hmac.digest(hmac.digest(salted, b"Server Key" if self.honest else b"x", "sha256"), signed, "sha256")
        writing.write(self.message(b"R", struct.pack("!I", 12) + b"v=" + base64.b64encode(server)))
        return True


def test_rows_of_a_database_in_a_session_that_only_reads(serve):
    database = Database({"SHOW ssl": [{"ssl": "on"}], "SELECT a, b": [{"a": "1", "b": None}, {"a": "é", "b": ""}], "SELECT none": []})
    queries = {"ssl": "SHOW ssl", "rows": "SELECT a, b", "none": "SELECT none"}
    assert sql.read(world("postgresql"), [serve("postgresql", database)], queries) == [{"name": "postgresql", "data": {
        "ssl": [{"ssl": "on"}], "rows": [{"a": "1", "b": None}, {"a": "é", "b": ""}], "none": []}}]
    assert "default_transaction_read_only=on" in database.startup["options"] and "statement_timeout=800" in database.startup["options"]


def test_pgbouncers_console_is_asked_without_options_that_it_does_not_know(serve):
    database = Database({"SHOW CONFIG": [{"key": "client_tls_sslmode", "value": "require"}]})
    sql.read(world("pgbouncer"), [serve("pgbouncer", database)], {"config": "SHOW CONFIG"}, "pgbouncer")
    assert "options" not in database.startup and database.startup["database"] == "pgbouncer"


@pytest.mark.parametrize(("database", "options", "words"), [
    (Database(), {"password": "wrong"}, "FATAL 28P01 password authentication failed"),
    (Database(honest=False), {}, "not who it says it is"),
    (Database(method=3), {}, "gives the password away"), (Database(method=5), {}, "gives the password away"),
    (Database(), {}, "ERROR 42601 syntax error"), (Database(), {"username": ""}, "no account"),
    (Database({"SELECT 1": [{"a": "1"}] * 1001}), {}, "more than 1000 rows"),
])
def test_what_a_database_does_not_give_is_an_error(serve, database, options, words):
    assert words in sql.read(world("postgresql", **options), [serve("postgresql", database)], {"x": "SELECT 1"})[0]["error"]


def test_a_database_that_hangs_up_talks_nonsense_or_has_no_tls_is_an_error(serve):
    assert "hung up" in sql.read(world("postgresql"), [serve("postgresql", lambda reading, writing: None)], {"x": "y"})[0]["error"]
    noise = serve("postgresql", lambda reading, writing: writing.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert "a message of" in sql.read(world("postgresql"), [noise], {"x": "y"})[0]["error"]
    no_tls = serve("postgresql", lambda reading, writing: (reading.read(8), writing.write(b"N")))
    assert "does not speak TLS" in sql.read(world("postgresql"), [dict(no_tls, scheme="https")], {"x": "y"})[0]["error"]


# -- Kubernetes --------------------------------------------------------------------------------------------------------
def pods(count):
    return [{"metadata": {"name": f"pod-{number}", "namespace": "shop", "managedFields": ["x" * 500]},
             "spec": {"containers": [{"image": "registry/app@sha256:1", "env": ["x" * 500]}]}} for number in range(count)]


def test_objects_come_in_pages_and_are_projected():
    asked, rows = [], pods(1203)

    def lister(path, query):
        asked.append((path, dict(query)))
        start = int(dict(query).get("continue") or 0)
        following = start + int(dict(query)["limit"])
        return {"items": rows[start:following], "metadata": {"continue": str(following) if following < len(rows) else ""}}

    found = kubernetes.read(World(), "/api/v1/pods", {"images": "spec.containers.*.image", "none": "spec.none"}, "app=x", lister=lister)
    data = found[0]["data"]
    assert data["count"] == 1203 and data["objects"][-1] == {"name": "pod-1202", "namespace": "shop", "images": ["registry/app@sha256:1"]}
    assert [query.get("continue") for _path, query in asked] == [None, "500", "1000"]
    assert all(query["limit"] == 500 and query["labelSelector"] == "app=x" for _path, query in asked)


@pytest.fixture
def cluster(web, tmp_path, monkeypatch):
    """A kubeconfig that leads to the web server, for the real package."""
    pytest.importorskip("kubernetes")
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "lab", "clusters": [{"name": "lab", "cluster": {"server": web.url}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "auditor"}}],
        "users": [{"name": "auditor", "user": {"token": "s3cret-token"}}]}), encoding="utf-8")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    return web


def test_the_real_client_asks_with_its_token(cluster):
    cluster.answers["/api/v1/pods?limit=500"] = (200, json.dumps({"items": pods(1), "metadata": {}}).encode())
    found = kubernetes.read(World(timeout=5), "/api/v1/pods", {"image": "spec.containers.0.image"}, context="lab")
    assert found[0]["data"]["objects"] == [{"name": "pod-0", "namespace": "shop", "image": "registry/app@sha256:1"}]
    assert cluster.asked[-1][2]["authorization"] == "Bearer s3cret-token"


@pytest.mark.parametrize(("answer", "words"), [((403, b"{}"), "HTTP 403"), ((200, b"<html>"), "not JSON"), ((200, b"{}"), "another shape")])
def test_what_a_cluster_does_not_give_is_an_error(cluster, answer, words):
    cluster.answers["/api/v1/secrets?limit=500"] = answer
    assert words in kubernetes.read(World(timeout=5), "/api/v1/secrets", {}, context="lab")[0]["error"]


def test_a_cluster_that_nobody_knows_is_an_error(cluster):
    with pytest.raises(ReadError, match="no way to a Kubernetes API"):
        kubernetes.read(World(), "/api/v1/pods", {}, context="another")
