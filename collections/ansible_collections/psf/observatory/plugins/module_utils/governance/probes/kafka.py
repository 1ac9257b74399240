# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings, access rules and topics of a Kafka cluster by its own protocol, so that no Java starts on the host.

Right: ACLs DESCRIBE_CONFIGS and DESCRIBE on the cluster and on the topics; nothing that alters.
governance_systems, system `kafka`: address, port, and `mechanism` PLAIN or SCRAM-SHA-256/-512 with username and password, or a client
certificate; TLS unless `tls: false`.
`broker`   names of settings of every broker; `topic` names of settings of every topic; `acls` true: the access rules
One reading, named by the system: {"brokers": [{"name", setting: text or null}], "topics": [{"name", "internal", "replicas": least number
of replicas of a partition, "offline": partitions without a leader, setting: text}], "acls": [{"name", "principal", "operation",
"permission", "resource_type"}]}.
Requests are in versions that brokers from 2.0 to 4 have (https://kafka.apache.org/protocol).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct

from ansible_collections.psf.observatory.plugins.module_utils.governance import systems
from ansible_collections.psf.observatory.plugins.module_utils.governance.pgwire import xor
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"broker": False, "topic": False, "acls": False, "system": False}
PORT = 9092
METADATA, SASL_HANDSHAKE, DESCRIBE_ACLS, DESCRIBE_CONFIGS, SASL_AUTHENTICATE = 3, 17, 29, 32, 36
TOPIC, BROKER = 2, 4
ANSWER, TOPICS = 16 << 20, 5000
RESOURCES = {2: "topic", 3: "group", 4: "cluster", 5: "transactional_id", 6: "token", 7: "user"}
OPERATIONS = {2: "all", 3: "read", 4: "write", 5: "create", 6: "delete", 7: "alter", 8: "describe", 9: "cluster_action",
              10: "describe_configs", 11: "alter_configs", 12: "idempotent_write", 13: "create_tokens", 14: "describe_tokens"}
ERRORS = {29: "not authorised for the topic", 31: "not authorised for the cluster", 33: "the mechanism is not offered",
          35: "the version is not supported", 54: "no authorizer is configured", 58: "the log-in failed"}


class Answer:
    """The fields of an answer, one after the other."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def number(self, form):
        size = struct.calcsize(form)
        if self.place + size > len(self.data):
            raise ReadError("Kafka's answer ends too early")
        value = struct.unpack_from(form, self.data, self.place)[0]
        self.place += size
        return value

    def text(self, form="!h"):
        size = self.number(form)
        if size < 0:
            return None
        if self.place + size > len(self.data):
            raise ReadError("Kafka's answer ends too early")
        value = self.data[self.place:self.place + size]
        self.place += size
        return value.decode("utf-8", "replace") if form == "!h" else value

    def rows(self):
        size = self.number("!i")
        if size > 1000000:
            raise ReadError("Kafka's answer has %d rows" % size)
        return range(max(size, 0))


def text(value):
    return struct.pack("!h", -1) if value is None else struct.pack("!h", len(value.encode())) + value.encode()


def array(rows):
    return struct.pack("!i", len(rows)) + b"".join(rows)


class Connection:
    def __init__(self, world, row):
        self.count = 0
        self.socket = systems.connect(world, row, PORT)
        if row.get("tls") is not False:
            self.socket = systems.encrypt(self.socket, row)
        try:
            if row.get("username"):
                self._log_in(row, systems.secret(world, row, "password"))
        except BaseException:
            self.socket.close()
            raise

    def ask(self, kind, version, body):
        self.count += 1
        data = struct.pack("!hhi", kind, version, self.count) + text("psf-observatory-assessment") + body
        self.socket.sendall(struct.pack("!i", len(data)) + data)
        size = struct.unpack("!i", self._exactly(4))[0]
        if not 4 <= size <= ANSWER:
            raise ReadError("not an answer of Kafka, or one of %d bytes" % size)
        answer = Answer(self._exactly(size))
        if answer.number("!i") != self.count:
            raise ReadError("Kafka answered another question")
        return answer

    def _exactly(self, count):
        blocks = []
        while count:
            block = self.socket.recv(min(count, 65536))
            if not block:
                raise ReadError("Kafka closed the connection; it may want TLS or a log-in")
            blocks.append(block)
            count -= len(block)
        return b"".join(blocks)

    # -- log-in --------------------------------------------------------------------------------------------------------
    def _log_in(self, row, password):
        mechanism = row.get("mechanism") or "SCRAM-SHA-512"
        failed(self.ask(SASL_HANDSHAKE, 1, text(mechanism)).number("!h"), "log-in by %s" % mechanism)
        if mechanism == "PLAIN":
            self._sasl(("\0%s\0%s" % (row["username"], password)).encode())
        elif mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            self._scram(row["username"], password, mechanism[6:].replace("-", "").lower())
        else:
            raise ReadError("governance_systems: kafka: mechanism: %r is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512" % mechanism)

    def _sasl(self, data):
        answer = self.ask(SASL_AUTHENTICATE, 0, struct.pack("!i", len(data)) + data)
        code, words = answer.number("!h"), answer.text()
        failed(code, words or "log-in")
        return answer.text("!i") or b""

    def _scram(self, user, password, algorithm):
        """RFC 5802 without channel binding."""
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = "n=%s,r=%s" % (user.replace("=", "=3D").replace(",", "=2C"), nonce)
        challenge = self._sasl(("n,," + first).encode()).decode()
        words = dict(part.split("=", 1) for part in challenge.split(","))
        if not words["r"].startswith(nonce) or int(words["i"]) > 1000000:
            raise ReadError("Kafka's SCRAM challenge is not an answer to ours")
        salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), base64.b64decode(words["s"]), int(words["i"]))
        client = hmac.new(salted, b"Client Key", algorithm).digest()
        final = "c=biws,r=" + words["r"]
        signed = ",".join((first, challenge, final)).encode()
        stored = hashlib.new(algorithm, client).digest()
        proof = xor(client, hmac.new(stored, signed, algorithm).digest())
        said = self._sasl(("%s,p=%s" % (final, base64.b64encode(proof).decode())).encode()).decode()
        server = hmac.new(hmac.new(salted, b"Server Key", algorithm).digest(), signed, algorithm).digest()
        if said != "v=" + base64.b64encode(server).decode():
            raise ReadError("Kafka does not know the password itself: the server is another than it seems")

    # -- questions -----------------------------------------------------------------------------------------------------
    def metadata(self):
        """(ids of the brokers, topics)."""
        answer = self.ask(METADATA, 4, struct.pack("!i?", -1, False))
        answer.number("!i")
        brokers = []
        for _row in answer.rows():
            brokers.append(str(answer.number("!i")))
            answer.text(), answer.number("!i"), answer.text()
        answer.text(), answer.number("!i")
        topics = []
        for _row in answer.rows():
            code, name, internal, replicas, offline = answer.number("!h"), answer.text(), answer.number("!?"), [], 0
            failed(code, "topic %s" % name)
            for _partition in answer.rows():
                answer.number("!h"), answer.number("!i")
                leader = answer.number("!i")
                replicas.append(sum(1 for _replica in answer.rows() if answer.number("!i") is not None))
                for _replica in answer.rows():
                    answer.number("!i")
                offline += leader < 0
            topics.append({"name": name, "internal": internal, "replicas": min(replicas, default=0), "offline": offline})
        return sorted(brokers), sorted(topics, key=lambda row: row["name"])

    def configs(self, kind, names, wanted):
        """Name of the resource to its settings; what is secret comes as null from the broker."""
        rows = [struct.pack("!b", kind) + text(name) + array([text(key) for key in wanted]) for name in names]
        answer, found = self.ask(DESCRIBE_CONFIGS, 1, array(rows) + struct.pack("!?", False)), {}
        answer.number("!i")
        for _row in answer.rows():
            code, words = answer.number("!h"), answer.text()
            answer.number("!b")
            name, values = answer.text(), {}
            failed(code, words or "settings of %s" % name)
            for _config in answer.rows():
                key = answer.text()
                values[key] = answer.text()
                answer.number("!?"), answer.number("!b"), answer.number("!?")
                for _synonym in answer.rows():
                    answer.text(), answer.text(), answer.number("!b")
            found[name] = {key: values.get(key) for key in wanted}
        return found

    def acls(self):
        any_of = struct.pack("!b", 1)
        answer = self.ask(DESCRIBE_ACLS, 1, any_of + text(None) + any_of + text(None) + text(None) + any_of + any_of)
        answer.number("!i")
        code, words = answer.number("!h"), answer.text()
        failed(code, words or "access rules")
        found = []
        for _row in answer.rows():
            kind, name = answer.number("!b"), answer.text()
            answer.number("!b")
            for _acl in answer.rows():
                principal, _host = answer.text(), answer.text()
                operation, permission = answer.number("!b"), answer.number("!b")
                found.append({"name": "%s %s" % (RESOURCES.get(kind, str(kind)), name), "resource_type": RESOURCES.get(kind, str(kind)),
                              "principal": principal, "operation": OPERATIONS.get(operation, str(operation)),
                              "permission": {2: "deny", 3: "allow"}.get(permission, str(permission))})
        return found


def failed(code, what):
    if code:
        raise ReadError("Kafka: %s: %s (%d)" % (what, ERRORS.get(code, "an error"), code))


def read(world, broker=(), topic=(), acls=False, system="kafka"):
    row = systems.of(world, system)
    return [reading(row.get("name") or system, _all, world, row, broker, topic, acls)]


def _all(world, row, broker, topic, acls):
    connection = Connection(world, row)
    try:
        brokers, topics = connection.metadata()
        found = {}
        if broker:
            # A broker tells its own settings only; each is asked for at the one that this connection reaches, or by it.
            values = {name: connection.configs(BROKER, [name], broker)[name] for name in brokers} if len(brokers) == 1 else \
                _each_broker(world, row, connection, broker)
            found["brokers"] = [dict({"name": name}, **values[name]) for name in sorted(values)]
        if topic:
            if len(topics) > TOPICS:
                raise ReadError("more than %d topics" % TOPICS)
            values = connection.configs(TOPIC, [one["name"] for one in topics], topic) if topics else {}
            found["topics"] = [dict(one, **values[one["name"]]) for one in topics]
        if acls:
            found["acls"] = connection.acls()
        return found
    finally:
        connection.socket.close()


def _each_broker(world, row, connection, broker):
    """The settings of the broker of this host: a control of Kafka is judged on every host, so each tells its own."""
    own = row.get("broker_id")
    if own in (None, ""):
        raise ReadError("governance_systems: kafka: broker_id is missing; the cluster has several, and each tells its own settings only")
    return connection.configs(BROKER, [str(own)], broker)
