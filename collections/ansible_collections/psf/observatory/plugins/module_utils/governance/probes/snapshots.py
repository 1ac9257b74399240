# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest file of a kind of snapshot, and whether it is one: its first bytes, or its members, are those of the format.

Right: to list the directory and read the files.
`paths`: patterns as in the probe files; `kind`: etcd (bbolt database), vault (raft snapshot: gzip of a tar with its checksums), rdb
(Redis), json (RabbitMQ definitions). One reading for each pattern: {"count": files, "newest": path, "age": seconds, "size": bytes,
"readable": bool}.
Readable is no proof that it can be restored: a restore test is a control of its own.
"""

from __future__ import annotations

import json
import tarfile

from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import files
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"paths": True, "kind": True}
BBOLT = b"\xed\x0c\xda\xed"
VAULT = {"meta.json", "state.bin", "SHA256SUMS"}
JSON_LIMIT = 64 << 20


def read(world, paths, kind):
    if kind not in KINDS:
        raise ReadError("kind: %r is not one of %s" % (kind, ", ".join(KINDS)))
    return [reading(pattern, _newest, world, pattern, kind) for pattern in paths]


def _newest(world, pattern, kind):
    rows = [row for row in (files.describe(world, path) for path in files.expand(world, pattern)) if row["kind"] == "file"]
    if not rows:
        raise ReadError("%s: there is no such file" % pattern)
    newest = min(rows, key=lambda row: row["age"])
    try:
        readable = KINDS[kind](world.real(newest["name"]))
    except PermissionError as error:
        raise ReadError("%s: %s" % (newest["name"], error.strerror)) from error
    return {"count": len(rows), "newest": newest["name"], "age": newest["age"], "size": newest["size"], "readable": readable}


def _begins(path, place, magic):
    with open(path, "rb") as stream:
        stream.seek(place)
        return stream.read(len(magic)) == magic


def _vault(path):
    try:
        with tarfile.open(path, "r:gz") as archive:
            return set(archive.getnames()) >= VAULT
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        return False


def _json(path):
    with open(path, "rb") as stream:
        data = stream.read(JSON_LIMIT + 1)
    if len(data) > JSON_LIMIT:
        raise ReadError("%s is larger than %d bytes" % (path, JSON_LIMIT))
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


KINDS = {"etcd": lambda path: _begins(path, 16, BBOLT), "rdb": lambda path: _begins(path, 0, b"REDIS"), "vault": _vault, "json": _json}
