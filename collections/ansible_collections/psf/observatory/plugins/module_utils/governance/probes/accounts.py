# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local accounts from passwd, shadow and group. No hash leaves this probe: of a password only its kind is told.

Right: root, to read /etc/shadow.
One reading "accounts": {"users": [{"name", "uid", "gid", "home", "shell", "login": bool, "password", "algorithm"}], "uid_0": [name],
"duplicates": [text], "groups": {name: [members]}}. password is empty, locked, set or missing (no line in shadow).
"""

from __future__ import annotations

import os

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {}
NO_LOGIN = ("nologin", "false", "sync", "shutdown", "halt")
ALGORITHMS = {"1": "md5", "2a": "bcrypt", "2b": "bcrypt", "2y": "bcrypt", "5": "sha256", "6": "sha512", "7": "scrypt", "y": "yescrypt",
              "gy": "gost-yescrypt"}


def read(world):
    return [reading("accounts", _accounts, world)]


def _rows(world, path, least):
    rows = [line.split(":") for line in world.read(path).splitlines() if line.strip() and not line.startswith("#")]
    for row in rows:
        if len(row) < least:
            raise ReadError("%s: a line has %d fields, not %d" % (path, len(row), least))
    return rows


def _accounts(world):
    secrets = {row[0]: row[1] for row in _rows(world, "/etc/shadow", 2)}
    rows = _rows(world, "/etc/passwd", 7)
    users = []
    for name, own, uid, gid, _text, home, shell in (row[:7] for row in rows):
        password, algorithm = kind(secrets.get(name) if own == "x" else own)
        users.append({"name": name, "uid": int(uid), "gid": int(gid), "home": home, "shell": shell,
                      "login": os.path.basename(shell) not in NO_LOGIN, "password": password, "algorithm": algorithm})
    if not users:
        raise ReadError("/etc/passwd has no account")
    return {"users": users, "uid_0": [row["name"] for row in users if row["uid"] == 0],
            "duplicates": duplicates([row["name"] for row in users]) + duplicates([str(row["uid"]) for row in users]),
            "groups": {row[0]: [name for name in row[3].split(",") if name] for row in _rows(world, "/etc/group", 4)}}


def kind(secret):
    """(empty | locked | set | missing, algorithm) of a password field."""
    if secret is None:
        return "missing", ""
    if secret == "":
        return "empty", ""
    if secret[0] in "!*":
        return "locked", ""
    if secret.startswith("$"):
        return "set", ALGORITHMS.get(secret.split("$")[1], "unknown")
    return "set", "des"


def duplicates(values):
    return sorted({value for value in values if values.count(value) > 1})
