# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of systems that the collection does not run itself, against small servers on loopback that speak their protocols."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import io
import json
import os
import socketserver
import struct
import tarfile
import threading
import tracemalloc
from types import SimpleNamespace

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance import pgwire, systems
from ansible_collections.psf.observatory.plugins.module_utils.governance import world as world_module
from ansible_collections.psf.observatory.plugins.module_utils.governance.judges import backups, register
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import (
    auditd,
    drift,
    kafka,
    kubernetes,
    queries,
    resp,
    s3,
    several,
    snapshots,
    sql,
    system_api,
    volumes,
)
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World

PASSWORD = "a pass, with = and ,"


def world(*rows, **options):
    return World(credentials={"systems": {row["system"]: row for row in rows}}, timeout=2, **options)


@pytest.fixture
def listen():
    """Start a server on loopback that has `talk(read, write)` with each who connects; gives its port."""
    running = []

    def start(talk):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError, struct.error, EOFError):
                    talk(self.rfile, self.wfile.write)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

            def handle_error(self, *_arguments):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return server.server_address[1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def scram(algorithm, first, ask, knows=PASSWORD):
    """The server's side of SCRAM (RFC 5802): `ask` sends a challenge and gives the answer; what the server says last, or None."""
    bare = first.split(",,", 1)[1]
    nonce, salt = bare.split("r=")[1] + "server", b"salt-of-16-bytes"
    challenge = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
    final = ask(challenge)
    without, proof = final.rsplit(",p=", 1)
    salted = hashlib.pbkdf2_hmac(algorithm, knows.encode(), salt, 4096)
    signed = ",".join((bare, challenge, without)).encode()
    stored = hashlib.new(algorithm, hmac.new(salted, b"Client Key", algorithm).digest()).digest()
    mask = hmac.new(stored, signed, algorithm).digest()
    key = bytes(left ^ right for left, right in zip(base64.b64decode(proof), mask, strict=True))
    if hashlib.new(algorithm, key).digest() != stored:
        return None
    return "v=" + base64.b64encode(hmac.new(hmac.new(salted, b"Server Key", algorithm).digest(), signed, algorithm).digest()).decode()


# -- PostgreSQL --------------------------------------------------------------------------------------------------------
def postgres(answers, knows=PASSWORD, method=10):
    def message(kind, body):
        return kind + struct.pack("!I", len(body) + 4) + body

    def talk(stream, write):
        def receive():
            head = stream.read(5)
            return head[:1], stream.read(struct.unpack("!I", head[1:])[0] - 4)

        size = struct.unpack("!I", stream.read(4))[0]
        assert stream.read(size - 4)[:4] == struct.pack("!I", 196608)
        if method == 10:
            write(message(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0"))
            _kind, body = receive()
            first = body.split(b"\0", 1)[1][4:].decode()

            def ask(challenge):
                write(message(b"R", struct.pack("!I", 11) + challenge.encode()))
                return receive()[1].decode()

            last = scram("sha256", first, ask, knows)
            if last is None:
                return write(message(b"E", b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"))
            write(message(b"R", struct.pack("!I", 12) + last.encode()))
        elif method:
            write(message(b"R", struct.pack("!I", method) + b"salt"))
            receive()
        write(message(b"R", struct.pack("!I", 0)) + message(b"S", b"TimeZone\0UTC\0") + message(b"Z", b"I"))
        while True:
            kind, body = receive()
            if kind == b"X":
                return None
            columns, rows = answers.get(body[:-1].decode(), (None, None))
            if columns is None:
                write(message(b"E", b"SERROR\0C42501\0Mpermission denied\0\0") + message(b"Z", b"I"))
                continue
            described = b"".join(name.encode() + b"\0" + struct.pack("!IHIhih", 0, 0, oid, 4, -1, 0) for name, oid in columns)
            write(message(b"T", struct.pack("!H", len(columns)) + described))
            for row in rows:
                values = b"".join(struct.pack("!i", -1) if value is None else struct.pack("!i", len(value.encode())) + value.encode()
                                  for value in row)
                write(message(b"D", struct.pack("!H", len(row)) + values))
            write(message(b"C", b"SELECT\0") + message(b"Z", b"I"))
    return talk


QUERY = "SELECT one"
ANSWER = {QUERY: ([("name", 25), ("count", 20), ("share", 1700), ("good", 16), ("gone", 25)], [("a", "3", "0.5", "t", None)])}


def ask_postgres(port, query=QUERY, password=PASSWORD, **more):
    row = {"system": "postgresql", "address": "127.0.0.1", "port": port, "tls": False, "username": "audit", "password": password, **more}
    return sql.read(world(row), {"rows": query})[0]


def test_sql_logs_in_and_gives_rows_by_their_types(listen):
    data = ask_postgres(listen(postgres(ANSWER)))["data"]
    assert data == {"rows": [{"name": "a", "count": 3, "share": 0.5, "good": True, "gone": None}]}


def test_sql_says_what_the_server_says(listen):
    port = listen(postgres(ANSWER))
    assert "permission denied (42501)" in ask_postgres(port, "SELECT other")["error"]
    assert "password authentication failed" in ask_postgres(port, password="another")["error"]
    assert "wants a password" in ask_postgres(port, password="")["error"]


def test_sql_shows_no_password_without_tls(listen):
    assert "not sent without TLS" in ask_postgres(listen(postgres(ANSWER, method=3)))["error"]
    assert "not sent without TLS" in ask_postgres(listen(postgres(ANSWER, method=5)))["error"]


def test_sql_notices_a_server_that_does_not_know_the_password(listen):
    def impostor(stream, write):
        size = struct.unpack("!I", stream.read(4))[0]
        stream.read(size - 4)
        write(b"R" + struct.pack("!II", 4 + 4 + 15, 10) + b"SCRAM-SHA-256\0\0"[:15])
        head = stream.read(5)
        first = stream.read(struct.unpack("!I", head[1:])[0] - 4).split(b"r=")[1].decode()
        text = f"r={first}x,s={base64.b64encode(b'salt').decode()},i=4096".encode()
        write(b"R" + struct.pack("!II", len(text) + 8, 11) + text)
        head = stream.read(5)
        stream.read(struct.unpack("!I", head[1:])[0] - 4)
        text = b"v=" + base64.b64encode(b"0" * 32)
        write(b"R" + struct.pack("!II", len(text) + 8, 12) + text)
        stream.read(1)

    assert "does not know the password itself" in ask_postgres(listen(impostor))["error"]


@pytest.mark.parametrize("text", ["DELETE FROM t", "SELECT 1; DROP TABLE t", "", "  update t set a=1", 3])
def test_sql_asks_only_what_reads(text):
    with pytest.raises(ReadError, match="not one statement that only reads"):
        ask_postgres(1, text)


def test_sql_that_is_not_declared_is_an_error():
    with pytest.raises(ReadError, match="governance_systems says nothing of postgresql"):
        sql.read(world(), {"rows": QUERY})
    with pytest.raises(ReadError, match="nothing is declared"):
        sql.read(world({"system": "postgresql"}), {})


@pytest.mark.parametrize("bytes_", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"R\x00\x00\x00\x02", b"R" + struct.pack("!I", 1 << 30)])
def test_sql_from_what_is_no_postgres_is_an_error(listen, bytes_):
    def talk(stream, write):
        stream.read(8)
        write(bytes_)

    assert ask_postgres(listen(talk))["error"]


def test_a_directory_of_sockets_is_enough():
    assert pgwire._with_path({"socket": "/run/postgresql"}, 5432)["socket"] == "/run/postgresql/.s.PGSQL.5432"


# -- RESP --------------------------------------------------------------------------------------------------------------
def keydb(password="secret", settings=None, nopass=False):
    settings = settings or {"port": "0", "tls-port": "6379", "requirepass": "hunter2"}

    def bulk(text):
        return b"$%d\r\n%s\r\n" % (len(text.encode()), text.encode())

    def talk(stream, write):
        known = nopass
        while True:
            line = stream.readline()
            if not line:
                return
            words = []
            for _index in range(int(line[1:])):
                size = int(stream.readline()[1:])
                words.append(stream.read(size + 2)[:-2].decode())
            if words[0] == "AUTH":
                known = words[-1] == password
                write(b"+OK\r\n" if known else b"-WRONGPASS invalid username-password pair\r\n")
            elif not known:
                write(b"-NOAUTH Authentication required.\r\n")
            elif words[0] == "PING":
                write(b"+PONG\r\n")
            elif words[:2] == ["CONFIG", "GET"]:
                value = settings.get(words[2])
                write(b"*0\r\n" if value is None else b"*2\r\n" + bulk(words[2]) + bulk(value))
            elif words[0] == "INFO":
                write(bulk("# Persistence\r\nrdb_last_save_time:1700000000\r\nrdb_last_bgsave_status:ok\r\n"))
            elif words[:2] == ["ACL", "GETUSER"]:
                write(b"*6\r\n" + bulk("flags") + b"*1\r\n" + bulk("off") + bulk("passwords") + b"*1\r\n" + bulk("hash")
                      + bulk("commands") + bulk("-@all"))
            else:
                write(b"-ERR unknown command\r\n")
    return talk


def ask_keydb(port, password="secret", **arguments):
    row = {"system": "keydb", "address": "127.0.0.1", "port": port, "tls": False, "username": "audit", "password": password}
    return resp.read(world(row), **arguments)[0]


def test_resp_reads_settings_state_and_accounts_without_their_secrets(listen):
    data = ask_keydb(listen(keydb()), config=["port", "tls-port", "requirepass"], info=["persistence"], users=["default"],
                     anonymous=True)["data"]
    assert data["config"] == {"port": 0, "tls-port": 6379, "requirepass": "set"}
    assert data["info"]["rdb_last_bgsave_status"] == "ok"
    assert data["info"]["rdb_last_save_time_age"] > 0
    assert data["users"]["default"] == {"flags": ["off"], "passwords": 1, "commands": "-@all"}
    assert data["anonymous"] == {"answered": False, "said": "NOAUTH"}
    assert "hunter2" not in json.dumps(data)


def test_resp_that_answers_nobody_knows_it(listen):
    assert ask_keydb(listen(keydb(nopass=True)), anonymous=True)["data"]["anonymous"]["answered"] is True
    port = listen(keydb())
    assert ask_keydb(port, plain=port)["data"]["plain"] == {"port": port, "open": True}


def test_resp_says_what_is_refused_or_no_resp(listen):
    assert "WRONGPASS" in ask_keydb(listen(keydb()), password="x", config=["port"])["error"]
    assert "no setting" in ask_keydb(listen(keydb()), config=["other"])["error"]
    for answer in (b"", b"HTTP/1.1 400\r\n", b"$99999999999\r\n", b"*99999999\r\n", b"$5\r\nab", b":x\r\n"):
        def talk(stream, write, answer=answer):
            stream.read(4)
            write(answer)

        assert ask_keydb(listen(talk), config=["port"])["error"], answer


# -- Kafka -------------------------------------------------------------------------------------------------------------
def broker(knows=PASSWORD, brokers=(7,)):
    def text(value):
        return struct.pack("!h", len(value)) + value.encode()

    def talk(stream, write):
        state = {}

        def receive():
            size = struct.unpack("!i", stream.read(4))[0]
            data = stream.read(size)
            kind, version, number = struct.unpack("!hhi", data[:8])
            return kind, version, number, data[8 + 2 + struct.unpack("!h", data[8:10])[0]:]

        def answer(number, body):
            write(struct.pack("!ii", len(body) + 4, number) + body)

        while True:
            kind, _version, number, body = receive()
            if kind == kafka.SASL_HANDSHAKE:
                state["algorithm"] = body[2:].decode()[6:].replace("-", "").lower()
                answer(number, struct.pack("!hi", 0, 1) + text(body[2:].decode()))
            elif kind == kafka.SASL_AUTHENTICATE:
                def ask(challenge, number=number):
                    answer(number, struct.pack("!hhi", 0, -1, len(challenge)) + challenge.encode())
                    state["number"], data = receive()[2:]
                    return data[4:].decode()

                last = scram(state["algorithm"], body[4:].decode(), ask, knows)
                if last is None:
                    answer(state["number"], struct.pack("!h", 58) + text("Authentication failed") + struct.pack("!i", 0))
                else:
                    answer(state["number"], struct.pack("!hhi", 0, -1, len(last)) + last.encode())
            elif kind == kafka.METADATA:
                found = b"".join(struct.pack("!i", one) + text("host") + struct.pack("!ih", 9092, -1) for one in brokers)
                partition = struct.pack("!hii", 0, 0, 7) + struct.pack("!iii", 2, 7, 8) + struct.pack("!ii", 1, 7)
                lost = struct.pack("!hii", 0, 1, -1) + struct.pack("!ii", 1, 8) + struct.pack("!i", 0)
                answer(number, struct.pack("!ii", 0, len(brokers)) + found + struct.pack("!hi", -1, 7) + struct.pack("!ih", 1, 0)
                       + text("orders") + struct.pack("!?i", False, 2) + partition + lost)
            elif kind == kafka.DESCRIBE_CONFIGS:
                what = body[4]
                length = struct.unpack("!h", body[5:7])[0]
                name = body[7:7 + length].decode()
                answer(number, struct.pack("!iihhb", 0, 1, 0, -1, what) + text(name) + struct.pack("!i", 1) + text("retention.ms")
                       + text("60000") + struct.pack("!?b?i", False, 1, False, 0))
            elif kind == kafka.DESCRIBE_ACLS:
                answer(number, struct.pack("!ihhi", 0, 0, -1, 1) + struct.pack("!b", 2) + text("orders") + struct.pack("!bi", 3, 1)
                       + text("User:*") + text("*") + struct.pack("!bb", 2, 3))
    return talk


def ask_kafka(port, password=PASSWORD, mechanism="SCRAM-SHA-512", more=None, **arguments):
    row = {"system": "kafka", "address": "127.0.0.1", "port": port, "tls": False, "username": "audit", "password": password,
           "mechanism": mechanism, **(more or {})}
    return kafka.read(world(row), **arguments)[0]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_kafka_logs_in_and_tells_settings_topics_and_rules(listen, mechanism):
    data = ask_kafka(listen(broker()), mechanism=mechanism, broker=["retention.ms"], topic=["retention.ms", "other"], acls=True)["data"]
    assert data["brokers"] == [{"name": "7", "retention.ms": "60000"}]
    assert data["topics"] == [{"name": "orders", "internal": False, "replicas": 1, "offline": 1, "retention.ms": "60000", "other": None}]
    assert data["acls"] == [{"name": "topic orders", "resource_type": "topic", "principal": "User:*", "operation": "all",
                             "permission": "allow"}]


def test_kafka_says_what_is_refused(listen):
    assert "log-in failed" in ask_kafka(listen(broker()), password="other", acls=True)["error"]
    assert "broker_id is missing" in ask_kafka(listen(broker(brokers=(7, 8))), broker=["retention.ms"])["error"]
    data = ask_kafka(listen(broker(brokers=(7, 8))), broker=["retention.ms"], more={"broker_id": 8})["data"]
    assert data["brokers"] == [{"name": "8", "retention.ms": "60000"}]
    for answer in (b"", b"HTTP/1.1 400 Bad Request", struct.pack("!i", 3), struct.pack("!i", 1 << 30),
                   struct.pack("!ii", 5, 1) + b"\0", struct.pack("!ii", 6, 99) + b"\0\0"):
        def talk(stream, write, answer=answer):
            stream.read(4)
            write(answer)

        assert ask_kafka(listen(talk), acls=True)["error"], answer


# -- HTTP APIs ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def api(web):
    """A row for the web server, and a way to set what a path answers."""
    def answer(path, body, status=200):
        web.answers[path] = (status, body if isinstance(body, bytes) else json.dumps(body).encode())

    return SimpleNamespace(row={"system": "x", "url": web.url.rstrip("/"), "tls": False}, answer=answer, asked=web.asked)


def test_an_api_is_asked_for_each_item_with_times_as_ages(api):
    api.answer("/list?list=true", {"data": {"keys": ["a", "b/c"]}})
    api.answer("/one/a", {"data": {"t": "2020-01-01T00:00:00.123456Z"}})
    api.answer("/one/b%2Fc", {"data": {}}, 403)
    rows = system_api.read(world({**api.row, "token": "s.token", "token_header": "X-Vault-Token"}), "x", "/one/{item}", {"age": "data.t"},
                           ages=["age"], items={"path": "/list", "query": {"list": "true"}, "take": "data.keys"})
    assert rows[0]["data"]["age"] > 86400 * 365
    assert "HTTP 403" in rows[1]["error"]
    assert {headers.get("X-Vault-Token") for _method, _path, headers, _body in api.asked} == {"s.token"}


def test_an_api_in_pages_is_put_together(api):
    for page in (1, 2, 3):
        api.answer(f"/p?page={page}&page_size=2", [{"n": page, "x": 1}] * (2 if page < 3 else 1))
    data = system_api.read(world(api.row), "x", "/p", {"all": ""}, keep=["n"], pages={"page": "page", "size": "page_size", "limit": 2})
    assert [row["n"] for row in data[0]["data"]["all"]] == [1, 1, 2, 2, 3]
    api.answer("/p?page=1&page_size=2", {"n": 1})
    assert "no list" in system_api.read(world(api.row), "x", "/p", {"all": ""},
                                        pages={"page": "page", "size": "page_size", "limit": 2})[0]["error"]


@pytest.mark.parametrize(("status", "body", "words"), [
    (401, b"no", "HTTP 401"), (200, b"<html>", "not JSON"), (302, b"", "HTTP 302"), (200, b"\xff\xfe", "not JSON")])
def test_an_api_that_answers_otherwise_is_an_error(api, status, body, words):
    api.answer("/x", body, status)
    assert words in system_api.read(world(api.row), "x", "/x", {"a": "a"})[0]["error"]


def test_a_list_whose_pages_are_too_much_together_is_not_taken(api, monkeypatch):
    monkeypatch.setattr(systems, "BODY_LIMIT", 1000)
    for page in range(1, 9):
        api.answer(f"/p?page={page}&page_size=1", [{"n": "x" * 300}])
    assert "larger than 1000 bytes" in system_api.read(world(api.row), "x", "/p", {"a": ""},
                                                       pages={"page": "page", "size": "page_size", "limit": 1})[0]["error"]
    assert len(api.asked) == 4


def test_nothing_goes_out_without_tls_unless_it_was_said(api):
    row = {key: value for key, value in api.row.items() if key != "tls"}
    assert "tls: false" in system_api.read(world({**row, "password": "p", "username": "u"}), "x", "/x", {"a": "a"})[0]["error"]
    assert api.asked == []


def test_a_token_is_got_once_by_client_credentials(api):
    api.answer("/token", {"access_token": "abc"})
    api.answer("/x", {"a": 1})
    here = world({**api.row, "token_url": api.row["url"] + "/token", "username": "id", "password": "s"})
    for _index in range(2):
        assert system_api.read(here, "x", "/x", {"a": "a"})[0]["data"] == {"a": 1}
    assert [path for _method, path, _headers, _body in api.asked] == ["/token", "/x", "/x"]
    assert api.asked[1][2]["Authorization"] == "Bearer abc"


def test_a_password_comes_from_a_file_of_the_host(tmp_path):
    (tmp_path / "pw").write_text("from file\n")
    assert systems.secret(World(root=str(tmp_path)), {"password_file": "/pw"}, "password") == "from file"
    with pytest.raises(ReadError, match="no such file"):
        systems.secret(World(root=str(tmp_path)), {"password_file": "/other"}, "password")


@pytest.mark.parametrize(("text", "seconds"), [
    ("1970-01-01T00:00:00Z", 1000), ("1970-01-01T00:10:00+00:10", 1000), ("1969-12-31T23:00:00.5-01:00", 1000)])
def test_ages(text, seconds):
    assert system_api.age(text, 1000) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", None, 5, "2020-01-01"])
def test_what_is_no_time_has_no_age(text):
    with pytest.raises(ReadError):
        system_api.age(text)


# -- Kubernetes --------------------------------------------------------------------------------------------------------
PODS = [{"metadata": {"name": f"web-{n}", "namespace": "shop", "labels": {"a.b/c": "d"}, "managedFields": ["much"]},
         "spec": {"containers": [{"name": "c", "image": f"i{n}", "command": ["x", "--a=1", "--b"],
                                  "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "PASSWORD_FILE", "value": "/run/x"}]}]}}
        for n in range(5)]


def ask_pods(api, rows=None, **more):
    listed = {"path": "/api/v1/pods", "keep": {"images": "spec.containers.*.image"}, **more}
    return kubernetes.read(world({**api.row, "system": "kubernetes", "token": "t", **(rows or {})}), {"pods": listed})[0]


def test_objects_come_in_pages_and_are_cut_down(api):
    api.answer("/api/v1/pods?limit=500", {"items": PODS[:3], "metadata": {"continue": "next one"}})
    api.answer("/api/v1/pods?limit=500&continue=next+one", {"items": PODS[3:], "metadata": {}})
    pods = ask_pods(api)["data"]["pods"]
    assert pods["count"] == 5
    assert pods["objects"][4] == {"name": "web-4", "namespace": "shop", "images": ["i4"]}


def test_what_is_kept_of_an_object():
    keep = {"flags": {"path": "spec.containers.*.command", "as": "flags"}, "label": 'metadata.labels."a.b/c"',
            "secrets": {"path": "spec.containers.*.env", "as": "secrets"}, "none": {"path": "spec.x", "default": []},
            "names": {"path": "spec.containers", "keys": ["name"], "where": {"image": "i0"}}}
    assert kubernetes.project(PODS[0], keep) == {
        "name": "web-0", "namespace": "shop", "flags": {"a": "1", "b": "true"}, "label": "d", "secrets": ["DB_PASSWORD"], "none": [],
        "names": [{"name": "c"}]}


@pytest.mark.parametrize(("data", "found"), [
    ({"token": "abcdef123"}, ["token"]), ({"token": "$(TOKEN)"}, []), ({"password": "true"}, []),
    ({"a": "-----BEGIN PRIVATE KEY-----x"}, ["a"]),
    ({"url": "https://u:p4ss@h/"}, ["url"]), ({"key_file": "/a"}, []), (None, [])])
def test_what_looks_like_a_secret(data, found):
    assert kubernetes.secrets(data) == found


def test_a_list_that_is_too_old_begins_anew_and_ends_as_an_error(api):
    api.answer("/api/v1/pods?limit=500", {"items": PODS[:3], "metadata": {"continue": "x"}})
    api.answer("/api/v1/pods?limit=500&continue=x", {"reason": "Expired"}, 410)
    assert "changed faster" in ask_pods(api)["error"]
    assert len(api.asked) == 4


def test_pages_become_smaller_where_they_are_too_large(api, monkeypatch):
    monkeypatch.setattr(systems, "BODY_LIMIT", 1000)
    api.answer("/api/v1/pods?limit=500", {"items": PODS * 9, "metadata": {}})
    api.answer("/api/v1/pods?limit=250", {"items": PODS[:1], "metadata": {}})
    assert ask_pods(api)["data"]["pods"]["count"] == 1


@pytest.mark.parametrize(("status", "body", "words"), [
    (403, b"pods is forbidden", "forbidden"), (200, b"[]", "shape"), (200, b'{"items": 3}', "no list"), (200, b"x", "not JSON"),
    (404, b"not found", "404"), (500, b"", "500")])
def test_a_list_that_cannot_be_read_is_an_error(api, status, body, words):
    api.answer("/api/v1/pods?limit=500", body, status)
    assert words in ask_pods(api)["error"]


def test_a_resource_that_is_not_there_may_be_none(api):
    api.answer("/api/v1/pods?limit=500", b"not found", 404)
    assert ask_pods(api, optional=True)["data"]["pods"] == {"count": 0, "objects": []}


def test_by_a_kubeconfig(api, tmp_path):
    pytest.importorskip("kubernetes")
    (tmp_path / "config").write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": api.row["url"]}}], "users": [{"name": "u", "user": {"token": "from-config"}}]}))
    api.answer("/api/v1/pods?limit=500", {"items": PODS, "metadata": {}})
    assert ask_pods(api, {"kubeconfig": str(tmp_path / "config")})["data"]["pods"]["count"] == 5
    assert {headers.get("authorization", headers.get("Authorization")) for *_rest, headers, _body in api.asked} == {"Bearer from-config"}
    (tmp_path / "config").write_text("{}")
    with pytest.raises(ReadError, match="config"):
        ask_pods(api, {"kubeconfig": str(tmp_path / "config")})


# -- object stores -----------------------------------------------------------------------------------------------------
def test_a_signature_is_the_one_of_the_reference():
    """The example of "GET Bucket Lifecycle" in the documentation of AWS signature version 4."""
    headers = s3.sign("examplebucket.s3.amazonaws.com", "/", "lifecycle", "AKIAIOSFODNN7EXAMPLE",
                      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "20130524T000000Z")
    assert headers["Authorization"].endswith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")


def test_a_bucket_is_what_the_store_says(api):
    store = world({**api.row, "system": "object_storage", "username": "k", "password": "s"})
    api.answer("/logs?encryption=", b"<E><Rule><SSEAlgorithm>aws:kms</SSEAlgorithm></Rule></E>")
    api.answer("/logs?versioning=", b"<V><Status>Enabled</Status></V>")
    api.answer("/logs?object-lock=", b"<O><ObjectLockEnabled>Enabled</ObjectLockEnabled><Mode>COMPLIANCE</Mode><Days>90</Days></O>")
    api.answer("/logs?location=", b'<LocationConstraint xmlns="x">eu-central-1</LocationConstraint>')
    assert s3.read(store, ["logs"])[0]["data"] == {
        "encryption": "aws:kms", "versioning": "Enabled", "lock": "COMPLIANCE", "lock_days": 90, "location": "eu-central-1"}
    api.answer("/logs?encryption=", b"<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>", 404)
    api.answer("/logs?object-lock=", b"<Error><Code>ObjectLockConfigurationNotFoundError</Code></Error>", 404)
    data = s3.read(store, ["logs"])[0]["data"]
    assert (data["encryption"], data["lock"], data["lock_days"]) == ("", "", 0)
    api.answer("/logs?encryption=", b"<Error><Code>NoSuchBucket</Code></Error>", 404)
    assert "NoSuchBucket" in s3.read(store, ["logs"])[0]["error"]


# -- the host ----------------------------------------------------------------------------------------------------------
def test_a_volume_is_encrypted_where_every_device_below_it_is(tmp_path):
    for path in ("var/lib/postgresql", "var/lib/kafka", "proc/self", "sys/dev/block/253:0/dm", "sys/dev/block/253:1/dm",
                 "sys/dev/block/253:1/slaves/dm-0", "sys/dev/block/8:1", "sys/dev/block/253:0/slaves/sda1"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 253:1 / /var/lib/postgresql rw - xfs /dev/dm-1 rw\n")
    (tmp_path / "sys/dev/block/253:0/dm/uuid").write_text("CRYPT-LUKS2-x\n")
    (tmp_path / "sys/dev/block/253:1/dm/uuid").write_text("LVM-x\n")
    (tmp_path / "sys/dev/block/253:1/slaves/dm-0/dev").write_text("253:0\n")
    found = {row["name"]: row["data"]["encrypted"] for row in volumes.read(
        World(root=str(tmp_path)), ["/var/lib/postgresql", "/var/lib/kafka", "/var/lib/none"])}
    assert found == {"/var/lib/postgresql": True, "/var/lib/kafka": False}


def test_a_volume_whose_device_is_not_seen_is_an_error(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "proc/self/mountinfo").write_text("1 0 0:30 / / rw - overlay overlay rw\n")
    assert "not seen" in volumes.read(World(root=str(tmp_path)), ["/data"])[0]["error"]
    with pytest.raises(ReadError, match="none of the directories"):
        volumes.read(World(root=str(tmp_path)), ["/other"])


def test_the_newest_snapshot_is_looked_into(tmp_path):
    here = World(root=str(tmp_path))
    (tmp_path / "old.db").write_bytes(b"x" * 100)
    os.utime(tmp_path / "old.db", (1, 1))
    (tmp_path / "new.db").write_bytes(b"\0" * 16 + b"\xed\x0c\xda\xed" + b"\0" * 100)
    data = snapshots.read(here, ["/*.db"], "etcd")[0]["data"]
    assert (data["newest"], data["count"], data["readable"]) == ("/new.db", 2, True)
    (tmp_path / "new.db").write_bytes(b"nothing")
    assert snapshots.read(here, ["/*.db"], "etcd")[0]["data"]["readable"] is False
    with tarfile.open(tmp_path / "a.snap", "w:gz") as archive:
        for name in ("meta.json", "state.bin", "SHA256SUMS"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert snapshots.read(here, ["/*.snap"], "vault")[0]["data"]["readable"] is True
    (tmp_path / "a.snap").write_bytes((tmp_path / "a.snap").read_bytes()[:40])
    assert snapshots.read(here, ["/*.snap"], "vault")[0]["data"]["readable"] is False
    (tmp_path / "d.json").write_text('{"users": []}')
    assert snapshots.read(here, ["/*.json"], "json")[0]["data"]["readable"] is True
    assert "no such file" in snapshots.read(here, ["/*.rdb"], "rdb")[0]["error"]


def test_the_audit_of_the_kernel():
    rules = "-w /etc/passwd -p wa\n-w /etc/shadow -p wa\n"

    def runner(argv, **_options):
        text = "enabled 2\nfailure 1\nlost 0\n" if argv[1] == "-s" else rules
        return SimpleNamespace(returncode=0, stdout=text.encode(), stderr=b"")

    data = auditd.read(World(runner=runner))[0]["data"]
    assert (data["enabled"], data["lost"], data["rules"], data["as_baseline"]) == (2, 0, 2, True)
    assert auditd.read(World(runner=runner), [data["rules_sha256"]])[0]["data"]["as_baseline"] is True
    assert auditd.read(World(runner=runner), ["0" * 64])[0]["data"]["as_baseline"] is False


# -- several, drift, judges --------------------------------------------------------------------------------------------
def test_several_probes_are_one_reading_or_one_error(api):
    api.answer("/a", {"v": 1})
    reads = {"one": {"probe": "system_api", "with": {"system": "x", "path": "/a", "take": {"v": "v"}}}}
    assert several.read(world(api.row), reads)[0]["data"] == {"one": [{"name": "x", "v": 1}]}
    reads["two"] = {"probe": "system_api", "with": {"system": "x", "path": "/b", "take": {"v": "v"}}}
    assert "two: x:" in several.read(world(api.row), reads)[0]["error"]


def test_drift_is_what_the_controller_says_and_ages():
    row = {"finished": "2020-01-01T00:00:00Z", "failed": False, "roles": [{"name": "r", "changed": 2, "tasks": ["a", "b"]}]}
    here = World(context={"drift": {"host": row}})
    assert drift.read(here, 1e12)[0]["data"]["changed"] == 2
    assert "h old" in drift.read(here, 3600)[0]["error"]
    assert "no drift run" in drift.read(World(), 3600)[0]["error"]
    assert drift.read(World(context={"drift": {"error": "broken"}}), 3600)[0]["error"] == "broken"


@pytest.mark.parametrize(("text", "hours"), [
    ("0 1 * * *", 24), ("*/15 * * * *", 0.25), ("@every 6h", 6), ("@weekly", 168), ("0 0 1 * *", 744), ("0 3 * * mon-fri", 72),
    ("CRON_TZ=Europe/Berlin 0 */2 * * *", 2), ("0 0 1,15 * 1", 168), ("5 4 * * 7", 168)])
def test_how_often_a_schedule_fires(text, hours):
    assert backups.interval(text) == hours * 3600


@pytest.mark.parametrize("text", ["", "often", "* * * *", "60 * * * *", "0 5-3 * * *", "*/0 * * * *", "0 0 31 2 *", "@every soon"])
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ValueError, match="."):
        backups.interval(text)


def test_the_register_names_what_an_entry_lacks():
    names = {"register": {"a": {"purpose": "x"}}, "fields": ["purpose", "retention"], "ignore": ["^_"]}
    readings = [{"name": "db", "data": {"databases": [{"name": "a"}, {"name": "b"}, {"name": "_c"}]}}]
    status, _expected, actual, _message, offending = register.judge(readings, names)
    assert (status, offending) == ("fail", ["db"])
    assert "a: no retention; b: not in the register" in actual


def test_a_limit_of_the_world_is_that_of_systems():
    assert systems.BODY_LIMIT == world_module.BODY_LIMIT


# -- a hundred megabytes -----------------------------------------------------------------------------------------------
HUNDRED = 100 << 20
# What may be on its way beyond the bound of a probe: buffers of both ends.
ON_ITS_WAY = 8 << 20


def flood(write, head, block=b"1" * 65536, sent=None):
    write(head)
    while sent[0] < HUNDRED:
        write(block)
        sent[0] += len(block)


def by_http(port):
    return system_api.read(world({"system": "x", "url": f"http://127.0.0.1:{port}", "tls": False}), "x", "/x", {"a": "a"})


def by_a_service(port):
    where = World({"endpoints": {"prometheus": [{"host": "obs-1", "url": f"http://127.0.0.1:{port}"}]}}, timeout=5)
    return queries.promql(where, "up")


def by_list(port):
    return kubernetes.read(world({"system": "kubernetes", "url": f"http://127.0.0.1:{port}", "tls": False, "token": "t"}),
                           [{"name": "pods", "path": "/api/v1/pods"}])


def by_resp(port):
    return [ask_keydb(port, password="", config=["port"])]


def by_sql(port):
    return [ask_postgres(port)]


def by_kafka(port):
    return kafka.read(world({"system": "kafka", "address": "127.0.0.1", "port": port, "tls": False}), broker=["x"])


HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
ROW = b"D" + struct.pack("!IHi", 4 + 6 + 60000, 1, 60000) + b"1" * 60000
LOGGED_IN = b"R" + struct.pack("!II", 8, 0) + b"Z" + struct.pack("!I", 5) + b"I"


@pytest.mark.parametrize(("ask", "head", "block", "bound"), [
    (by_http, HTTP + b"\r\n", b"1" * 65536, systems.BODY_LIMIT),
    (by_http, HTTP + b"Content-Length: %d\r\n\r\n" % HUNDRED, b"1" * 65536, systems.BODY_LIMIT),
    (by_http, HTTP + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"1" * 65536 + b"\r\n", systems.BODY_LIMIT),
    (by_http, b"HTTP/1.1 200 OK\r\nX: ", b"1" * 65536, 0),
    (by_a_service, HTTP + b"\r\n", b"1" * 65536, systems.BODY_LIMIT),
    # Each page is asked for again in smaller ones, down to the smallest.
    (by_list, HTTP + b"\r\n", b"1" * 65536, systems.BODY_LIMIT * 6),
    (by_resp, b"$%d\r\n" % HUNDRED, b"1" * 65536, 0),
    (by_resp, b"*20000\r\n", b"$60000\r\n" + b"1" * 60000 + b"\r\n", resp.ANSWER),
    (by_resp, b"+", b"1" * 65536, 0),
    (by_sql, LOGGED_IN + b"T" + struct.pack("!IH", 4 + 2 + 20, 1) + b"a\0" + struct.pack("!IHIhih", 0, 0, 25, 4, -1, 0), ROW,
     pgwire.ANSWER_LIMIT),
    (by_sql, LOGGED_IN + b"D" + struct.pack("!I", HUNDRED), b"1" * 65536, 0),
    (by_sql, LOGGED_IN + b"D" + struct.pack("!I", 0xFFFFFFFF), b"\0" * 65536, 0),
    (by_kafka, struct.pack("!i", HUNDRED), b"1" * 65536, 0),
])
def test_a_hundred_megabytes_are_an_error_and_not_taken(listen, ask, head, block, bound):
    sent = [0]

    def talk(stream, write):
        stream.read1(65536)
        flood(write, head, block, sent)

    tracemalloc.start()
    try:
        (row,) = ask(listen(talk))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "data" not in row and "timed out" not in row["error"], row["error"]
    assert sent[0] < max(bound, 1) + ON_ITS_WAY * (6 if ask is by_list else 1) and sent[0] < HUNDRED + 65536
    assert peak < 80 << 20
