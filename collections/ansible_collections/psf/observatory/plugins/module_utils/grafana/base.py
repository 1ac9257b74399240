# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all kinds of objects have in common: an object as Grafana has it, what is read once, and how a kind reads and writes."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare, model
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import LOST, ApiError
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

PAGE = 5000
GENERAL = ("", "general", None)


class Found:
    """An object as Grafana has it.

    lock: its version, or what else a write needs; raw: as answered; provisioned: it comes from files of the server; initial: it is what
    Grafana has when nobody has written to it.
    """

    def __init__(self, data, lock=None, raw=None, provisioned=False, secrets=(), initial=False):
        self.data, self.lock, self.raw, self.provisioned, self.secrets = data, lock, raw, provisioned, frozenset(secrets)
        self.initial = initial
        self.digest = compare.digest(data)


class World:
    """What is read once and used by several kinds. editable: whether people may edit in the UI what is written of alerting."""

    def __init__(self, client, editable=False):
        self.client, self.editable, self.org_id = client, editable, 1
        self.folders, self.dashboards = {}, {}
        self.team_ids, self.user_ids = {}, None

    def search(self):
        """Folders (uid to title and parent) and dashboards (uid to its hit), in one walk."""
        hits = self.client.pages("/api/search?limit=%d" % PAGE, "search", PAGE, lambda rows: rows)
        self.folders = {hit["uid"]: {"title": hit["title"], "parent": hit.get("folderUid") or ""}
                        for hit in hits if hit["type"] == "dash-folder" and hit["uid"] not in GENERAL}
        self.dashboards = {hit["uid"]: hit for hit in hits if hit["type"] == "dash-db"}

    def subject(self, subject):
        """The entry of a permission for "role Editor", "team Ops", "user jo"."""
        word, name = subject.split(" ", 1)
        if word == "role":
            return {"role": name}
        if word == "team":
            if name not in self.team_ids:
                raise ConcernError("permissions: team %s does not exist; declare it in teams" % name)
            return {"teamId": self.team_ids[name]}
        if self.user_ids is None:
            rows = self.client.get("/api/org/users", "users of the organisation")
            self.user_ids = {row["login"]: row["userId"] for row in rows}
        if name not in self.user_ids:
            raise ConcernError("permissions: user %s is not in the organisation" % name)
        return {"userId": self.user_ids[name]}


class Kind:
    name = ""
    # Whether what is no longer declared is deleted.
    prunes = True
    # How many are written at a time; None: as the client says.
    workers = None
    # Whether it has secrets, which are written and cannot be read.
    secret = False
    # Whether a write carries what was read, so that Grafana refuses it when somebody else wrote meanwhile.
    locks = True

    def __init__(self, world):
        self.world, self.client = world, world.client
        # Names of the secrets that are ours, by key.
        self.hidden = {}

    def about(self, key, data):
        return model.name_of(self.name, key, data)

    def call(self, method, path, key, data, body=None, missing=False):
        return self.client.call(method, path, self.about(key, data), body, missing)

    def call_once(self, path, wanted, body):
        """A creation under no uid of ours: when its answer was lost, it is looked for before it is sent again. None: it is there."""
        for attempt in range(self.client.retries + 1):
            try:
                return self.client.call("POST", path, wanted.label, body, once=True)
            except ApiError as error:
                if error.status not in LOST or attempt == self.client.retries:
                    raise
                self.client.wait(attempt)
                if self.reread(wanted.key) is not None:
                    return None
        raise AssertionError("unreachable")

    def read(self, keys):
        """{key: Found} of those of `keys` that exist."""
        keys = sorted(keys)
        found = self.client.map(self.reread, keys)
        return {key: one for key, one in zip(keys, found) if one is not None}  # noqa: B905 (as in Python 3.9)

    def read_back(self, keys):
        """The same after a write, when what was read once is out of date."""
        return Kind.read(self, keys)

    def settled(self, key, found):
        """The same, with what a list does not tell and a write must know."""
        return found

    def same_uid(self, answered, key, wanted):
        if answered != key:
            raise ConcernError("%s: Grafana wrote to %s instead, which has that title; give one another title" % (wanted.label, answered))


class Listed(Kind):
    """A kind of which the list tells all: _all() gives {key: Found} of it."""

    def _all(self):
        raise NotImplementedError

    def read(self, keys):
        rows = self._all()
        return {key: rows[key] for key in keys if key in rows}

    read_back = read

    def reread(self, key):
        return self._all().get(key)


def conflict(error):
    """Whether a write was refused because the object is there or was changed, so that a look at it says more."""
    return isinstance(error, ApiError) and (error.status in (409, 412) or (
        error.status in (400, 500) and ("already" in error.said.lower() or "conflicting" in error.said
                                        or error.said.startswith("Failed to create service account"))))
