# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours in an organisation, and how we left it: kept in Grafana itself, so that it holds from wherever a run is started.

It is a dashboard in a folder that only Admins see, with one text panel. Per object: `hash`, the digest of its normal form when it was
last written or confirmed; `next`, that of a write under way (an interrupted run is no drift); `secret`, a slow, salted fingerprint of
what was written and cannot be read; `names`, what that is called. Its version is the lock between two runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re

from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import ApiError, quoted
from ansible_collections.psf.observatory.plugins.module_utils.grafana.compare import text
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

FORMAT = 1
ROUNDS = 60000
PREFIX = "psf-record-"
FENCE = re.compile(r"```json\n(.*?)\n```", re.S)
WORDS = ("What the Ansible module psf.observatory.grafana_content made in this organisation, and how it left it. It tells an edit by hand "
         "from a change of the declaration, and what may be removed. Do not edit.")


class Record:
    """objects: "kind/key" to {"hash", "next", "secret"}; version: of the stored record, 0 when there is none; others: "kind/key" to the
    (set, digest) of another set."""

    def __init__(self, scope):
        self.uid, self.folder = PREFIX + scope, "psf-record-folder"
        self.scope, self.objects, self.version, self.folder_exists = scope, {}, 0, False
        self.others = {}

    def load(self, client, folder_exists):
        self.folder_exists = folder_exists
        answer = client.get("/api/dashboards/uid/%s" % quoted(self.uid), "record of what is ours", missing=True)
        if answer is None:
            return
        self.version = answer["dashboard"].get("version") or 1
        data = _data(answer)
        if data.get("format") != FORMAT or not isinstance(data.get("objects"), dict):
            raise ConcernError("dashboard %s, the record of what is ours, was damaged or is of another version of this module (format %r, "
                               "not %d): restore it from its versions, or delete it; then everything declared counts as made by others"
                               % (self.uid, data.get("format"), FORMAT))
        self.objects = data["objects"]

    def load_others(self, client, uids):
        """What the other sets of the organisation keep. uids: of all dashboards beside this record."""
        for uid in sorted(uid for uid in uids if uid.startswith(PREFIX) and uid != self.uid):
            answer = client.get("/api/dashboards/uid/%s" % quoted(uid), "record of another set", missing=True)
            objects = _data(answer or {"dashboard": {}}).get("objects")
            for name, row in (objects if isinstance(objects, dict) else {}).items():
                if isinstance(row, dict) and row.get("hash"):
                    self.others[name] = (uid[len(PREFIX):], row["hash"])

    def kept_by(self, kind, key):
        """(set, digest) of another set that keeps an object, or None."""
        return self.others.get("%s/%s" % (kind, key))

    def save(self, client):
        """Write it where it was read; a record that another run changed meanwhile is an error."""
        if not self.folder_exists:
            try:
                client.call("POST", "/api/folders", "folder of the record", {"uid": self.folder, "title": "PSF Observatory (internal)"})
            except ApiError as error:
                if error.status not in (409, 412):
                    raise
            client.call("POST", "/api/folders/%s/permissions" % self.folder, "folder of the record", {"items": []})
            self.folder_exists = True
        data = {"format": FORMAT, "objects": {key: self.objects[key] for key in sorted(self.objects)}}
        content = "%s\n\n```json\n%s\n```" % (WORDS, json.dumps(data, indent=0, sort_keys=True))
        model = {"uid": self.uid, "title": "Owned by psf.observatory (%s)" % self.scope, "editable": False, "tags": ["psf-record"],
                 "schemaVersion": 37, "panels": [{"id": 1, "type": "text", "title": "", "gridPos": {"h": 20, "w": 24, "x": 0, "y": 0},
                                                  "options": {"mode": "markdown", "content": content}}]}
        if self.version:
            model["version"] = self.version
        try:
            answer = client.call("POST", "/api/dashboards/db", "record of what is ours",
                                 {"dashboard": model, "folderUid": self.folder, "overwrite": False})
        except ApiError as error:
            if error.status == 412:
                raise ConcernError("another run changed the record %s meanwhile; nothing more was written. Run again when it has ended"
                                   % self.uid) from error
            raise
        self.version = answer["version"]

    def remove(self, client, last):
        client.call("DELETE", "/api/dashboards/uid/%s" % self.uid, "record of what is ours", missing=True)
        if last:
            client.call("DELETE", "/api/folders/%s" % self.folder, "folder of the record", missing=True)

    # -- one object ----------------------------------------------------------------------------------------------------
    def of(self, kind, key):
        return self.objects.get("%s/%s" % (kind, key))

    def keys(self, kind):
        return [name.split("/", 1)[1] for name in self.objects if name.split("/", 1)[0] == kind]

    def knows(self, kind, key, digest):
        """Whether an object with this digest is as we left it."""
        row = self.of(kind, key)
        return row is not None and digest in (row.get("hash"), row.get("next"))

    def intend(self, kind, key, digest, now=None):
        """It shall have this digest; now: what it has. What an interrupted run had written is confirmed by that."""
        row = self.objects.setdefault("%s/%s" % (kind, key), {})
        if now is not None and now == row.get("next"):
            row["hash"] = now
        row["next"] = digest

    def done(self, kind, key, digest, secrets=None):
        row = {"hash": digest}
        if secrets:
            row.update(secret=fingerprint(secrets), names=sorted(secrets))
        self.objects["%s/%s" % (kind, key)] = row

    def forget(self, kind, key):
        self.objects.pop("%s/%s" % (kind, key), None)

    def same_secrets(self, kind, key, secrets):
        kept = (self.of(kind, key) or {}).get("secret")
        if not secrets:
            return not kept
        return bool(kept) and fingerprint(secrets, kept.split("$")[0]) == kept


def _data(answer):
    """What a record's dashboard holds; empty where that cannot be read."""
    found = FENCE.search(str((((answer["dashboard"].get("panels") or [{}])[0]).get("options") or {}).get("content")))
    try:
        data = json.loads(found.group(1)) if found else {}
    except ValueError:
        data = {}
    return data if isinstance(data, dict) else {}


def fingerprint(secrets, salt=None):
    """salt$digest of a mapping of secrets; slow on purpose, as it stands where Admins can read it."""
    salt = salt or os.urandom(12).hex()
    return "%s$%s" % (salt, hashlib.pbkdf2_hmac("sha256", text(secrets).encode(), salt.encode(), ROUNDS).hex()[:32])
