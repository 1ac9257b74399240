# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of object is read and written: one class a kind, the only place that knows its paths and bodies.

What Grafana does in each case is recorded in tests/unit/plugins/module_utils/grafana/recorded. No write overwrites blindly: it
carries the version that was read, or is a creation that a taken uid refuses.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare, model
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import ApiError, quoted
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


class Team(Kind):
    name = "team"

    def _all(self):
        rows = self.client.pages("/api/teams/search?perpage=1000", "teams", 1000, lambda answer: answer.get("teams") or [])
        self.world.team_ids = {row["name"]: row["id"] for row in rows}
        return {row["name"]: Found({"name": row["name"], "email": row.get("email") or ""}, lock=row["id"], raw=row,
                                   provisioned=bool(row.get("isProvisioned"))) for row in rows}

    def read(self, keys):
        rows = self._all()
        return {key: rows[key] for key in keys if key in rows}

    read_back = read

    def reread(self, key):
        return self._all().get(key)

    def create(self, wanted):
        answer = self.call("POST", "/api/teams", wanted.key, wanted.data, wanted.data)
        self.world.team_ids[wanted.key] = answer["teamId"]

    def change(self, wanted, found):
        self.call("PUT", "/api/teams/%d" % found.lock, wanted.key, wanted.data, wanted.data)

    def delete(self, key, found):
        self.call("DELETE", "/api/teams/%d" % found.lock, key, found.data, missing=True)


class Folder(Kind):
    name = "folder"

    def read(self, keys):
        return {key: Found(dict(self.world.folders[key])) for key in keys if key in self.world.folders}

    def reread(self, key):
        row = self.client.get("/api/folders/%s" % quoted(key), "folder %s" % key, missing=True)
        return row and Found({"title": row["title"], "parent": row.get("parentUid") or ""}, lock=row["version"], raw=row)

    def create(self, wanted):
        body = {"uid": wanted.key, "title": wanted.data["title"]}
        if wanted.data["parent"]:
            body["parentUid"] = wanted.data["parent"]
        answer = self.call("POST", "/api/folders", wanted.key, wanted.data, body)
        self.same_uid(answer["uid"], wanted.key, wanted)

    def change(self, wanted, found):
        path = "/api/folders/%s" % quoted(wanted.key)
        if found.data["parent"] != wanted.data["parent"]:
            self.call("POST", path + "/move", wanted.key, wanted.data, {"parentUid": wanted.data["parent"]})
        now = self.reread(wanted.key)
        if now is not None and now.data["title"] != wanted.data["title"]:
            answer = self.call("PUT", path, wanted.key, wanted.data, {"title": wanted.data["title"], "version": now.lock})
            self.same_uid(answer["uid"], wanted.key, wanted)

    def delete(self, key, found):
        self.call("DELETE", "/api/folders/%s" % quoted(key), key, found.data, missing=True)


class Permissions(Kind):
    name = "permissions"
    prunes = False

    def read(self, keys):
        return super().read([key for key in keys if key in self.world.folders])

    def reread(self, key):
        rows = self.client.get("/api/folders/%s/permissions" % quoted(key), "permissions of folder %s" % key, missing=True)
        if rows is None:
            return None
        entries = {}
        for row in rows:
            if row.get("inherited") or row.get("isInherited"):
                continue
            subject = "team %s" % row["team"] if row.get("teamId") else "user %s" % row["userLogin"] if row.get("userId") \
                else "role %s" % row.get("role")
            entries[subject] = row.get("permissionName") or str(row.get("permission"))
        return Found({"entries": entries}, raw=rows)

    def create(self, wanted):
        items = [dict(self.world.subject(subject), permission=model.LEVELS[level])
                 for subject, level in sorted(wanted.data["entries"].items())]
        self.call("POST", "/api/folders/%s/permissions" % quoted(wanted.key), wanted.key, wanted.data, {"items": items})

    def change(self, wanted, found):
        self.create(wanted)


class DataSource(Kind):
    name = "datasource"
    secret = True
    KEYS = ("name", "type", "access", "url", "isDefault", "basicAuth", "basicAuthUser", "withCredentials", "user", "database")
    # Grafana's own notes in jsonData.
    NOTES = ("pdcInjected",)

    def read(self, keys):
        rows = self.client.get("/api/datasources", "data sources")
        self.uids = {row["uid"]: row["type"] for row in rows}
        return super().read([key for key in keys if key in self.uids])

    def reread(self, key):
        row = self.client.get("/api/datasources/uid/%s" % quoted(key), "datasource %s" % key, missing=True)
        if row is None:
            return None
        data = {name: row.get(name) or (False if name in ("isDefault", "basicAuth", "withCredentials") else "") for name in self.KEYS}
        json_data = row.get("jsonData") or {}
        data["jsonData"] = {name: value for name, value in json_data.items() if name not in self.NOTES} \
            if isinstance(json_data, dict) else json_data
        return Found(compare.plain(data), lock=row.get("version"), raw=row, provisioned=bool(row.get("readOnly")),
                     secrets=[name for name, there in (row.get("secureJsonFields") or {}).items() if there])

    def _body(self, wanted, found=None):
        body = dict(wanted.data, uid=wanted.key)
        secrets = dict(wanted.secrets)
        # An empty text removes a secret that is not declared.
        secrets.update({name: "" for name in (found.secrets if found else ()) if name not in secrets})
        if secrets:
            body["secureJsonData"] = secrets
        if found is not None and found.lock:
            body["version"] = found.lock
        return body

    def create(self, wanted):
        self.call("POST", "/api/datasources", wanted.key, wanted.data, self._body(wanted))

    def change(self, wanted, found):
        self.call("PUT", "/api/datasources/uid/%s" % quoted(wanted.key), wanted.key, wanted.data, self._body(wanted, found))

    def delete(self, key, found):
        self.call("DELETE", "/api/datasources/uid/%s" % quoted(key), key, found.data, missing=True)


class LibraryPanel(Kind):
    name = "library panel"
    SIZE = 500
    folders = None

    def read(self, keys):
        rows = self.client.pages("/api/library-elements?kind=1&perPage=%d" % self.SIZE, "library panels", self.SIZE,
                                 lambda answer: answer["result"].get("elements") or [])
        self.folders = {row["uid"]: row.get("folderUid") or "" for row in rows}
        return {row["uid"]: self._found(row) for row in rows if row["uid"] in keys}

    read_back = read

    def places(self):
        """uid to folder of every library panel, also of others."""
        if self.folders is None:
            self.read([])
        return self.folders

    @staticmethod
    def _found(row):
        return Found({"name": row["name"], "folder": row.get("folderUid") or "", "model": model.library_model(row["model"])},
                     lock=row["version"], raw=row)

    def reread(self, key):
        answer = self.client.get("/api/library-elements/%s" % quoted(key), "library panel %s" % key, missing=True)
        return answer and self._found(answer["result"])

    @staticmethod
    def _body(wanted):
        return {"uid": wanted.key, "name": wanted.data["name"], "folderUid": wanted.data["folder"], "kind": 1, "model": wanted.body}

    def create(self, wanted):
        self.call("POST", "/api/library-elements", wanted.key, wanted.data, self._body(wanted))

    def change(self, wanted, found):
        self.call("PATCH", "/api/library-elements/%s" % quoted(wanted.key), wanted.key, wanted.data,
                  dict(self._body(wanted), version=found.lock))

    def delete(self, key, found):
        self.call("DELETE", "/api/library-elements/%s" % quoted(key), key, found.data, missing=True)


class Dashboard(Kind):
    name = "dashboard"

    def reread(self, key):
        answer = self.client.get("/api/dashboards/uid/%s" % quoted(key), "dashboard %s" % key, missing=True)
        if answer is None:
            return None
        meta, found = answer.get("meta") or {}, answer["dashboard"]
        if meta.get("isFolder"):
            raise ConcernError("dashboard %s: this uid belongs to the folder \"%s\"; give the dashboard another"
                               % (key, found.get("title")))
        data = compare.dashboard(found)
        data["folder"] = "" if meta.get("folderUid") in GENERAL else meta["folderUid"]
        return Found(data, lock=found.get("version"), raw=found, provisioned=bool(meta.get("provisioned")))

    def _post(self, wanted, version=None):
        body = dict(wanted.body, uid=wanted.key)
        if version is not None:
            body["version"] = version
        answer = self.call("POST", "/api/dashboards/db", wanted.key, wanted.data, {
            "dashboard": body, "folderUid": wanted.data["folder"], "overwrite": False, "message": "psf.observatory"})
        self.same_uid(answer["uid"], wanted.key, wanted)

    def create(self, wanted):
        self._post(wanted)

    def change(self, wanted, found):
        self._post(wanted, found.lock)

    def delete(self, key, found):
        self.call("DELETE", "/api/dashboards/uid/%s" % quoted(key), key, found.data, missing=True)


class ServiceAccount(Kind):
    name = "service account"

    def _all(self):
        rows = self.client.pages("/api/serviceaccounts/search?perpage=1000", "service accounts", 1000,
                                 lambda answer: answer.get("serviceAccounts") or [])
        return {row["name"]: Found({"name": row["name"], "role": row.get("role") or "None", "disabled": bool(row.get("isDisabled"))},
                                   lock=row["id"], raw=row, provisioned=bool(row.get("isExternal"))) for row in rows}

    def read(self, keys):
        rows = self._all()
        return {key: rows[key] for key in keys if key in rows}

    read_back = read

    def reread(self, key):
        return self._all().get(key)

    def create(self, wanted):
        answer = self.call("POST", "/api/serviceaccounts", wanted.key, wanted.data, {"name": wanted.key, "role": wanted.data["role"]})
        if wanted.data["disabled"]:
            # A new one is always enabled.
            self._patch(wanted, answer["id"])

    def change(self, wanted, found):
        self._patch(wanted, found.lock)

    def _patch(self, wanted, number):
        self.call("PATCH", "/api/serviceaccounts/%d" % number, wanted.key, wanted.data, {
            "name": wanted.key, "role": wanted.data["role"], "isDisabled": wanted.data["disabled"]})

    def delete(self, key, found):
        self.call("DELETE", "/api/serviceaccounts/%d" % found.lock, key, found.data, missing=True)


class Correlation(Kind):
    """Grafana makes its uid, so it is known by its source and label: the key is source/label."""
    name = "correlation"
    locks = False
    SIZE = 1000

    def _all(self):
        found, page = {}, 1
        while True:
            answer = self.client.get("/api/datasources/correlations?limit=%d&page=%d" % (self.SIZE, page), "correlations", missing=True)
            # A bare list, and all of it, in older versions; 404 where there are none.
            rows = answer.get("correlations") or [] if isinstance(answer, dict) else answer or []
            for row in rows:
                config = row.get("config") or {}
                data = {"source": row["sourceUID"], "label": row.get("label") or "", "target": row.get("targetUID") or "",
                        "description": row.get("description") or "", "type": row.get("type") or config.get("type") or "query",
                        "field": config.get("field") or "", "query": config.get("target") or {},
                        "transformations": config.get("transformations") or []}
                found["%s/%s" % (data["source"], data["label"])] = Found(
                    compare.plain(data), lock=row["uid"], raw=row, provisioned=bool(row.get("provisioned")))
            if not isinstance(answer, dict) or len(rows) < self.SIZE:
                return found
            page += 1

    def read(self, keys):
        rows = self._all()
        return {key: rows[key] for key in keys if key in rows}

    read_back = read

    def reread(self, key):
        return self._all().get(key)

    @staticmethod
    def _body(data):
        # Newer versions have the type at the top, older ones in config.
        body = {"label": data["label"], "description": data["description"], "type": data["type"], "config": {
            "type": data["type"], "field": data["field"], "target": data["query"], "transformations": data["transformations"]}}
        if data["target"]:
            body["targetUID"] = data["target"]
        return body

    def _path(self, data, uid=None):
        return "/api/datasources/uid/%s/correlations%s" % (quoted(data["source"]), "/" + quoted(uid) if uid else "")

    def create(self, wanted):
        self.call("POST", self._path(wanted.data), wanted.key, wanted.data, self._body(wanted.data))

    def change(self, wanted, found):
        if wanted.data["target"] != found.data["target"]:
            # Its target cannot be changed.
            self.delete(wanted.key, found)
            self.create(wanted)
            return
        self.call("PATCH", self._path(wanted.data, found.lock), wanted.key, wanted.data, self._body(wanted.data))

    def delete(self, key, found):
        self.call("DELETE", self._path(found.data, found.lock), key, found.data, missing=True)


class Home(Kind):
    name = "home"
    PATH = "/api/org/preferences"
    # All that is stored; what a PUT leaves out is lost.
    KEEP = ("theme", "timezone", "weekStart", "language", "navbar", "queryHistory", "cookiePreferences")

    def reread(self, key):
        row = self.client.get(self.PATH, "preferences of the organisation")
        uid = row.get("homeDashboardUID")
        return Found({"uid": uid}, raw=row) if uid else None

    def _put(self, uid, key, data):
        row = self.client.get(self.PATH, "preferences of the organisation")
        body = {name: row[name] for name in self.KEEP if row.get(name) is not None}
        self.call("PUT", self.PATH, key, data, dict(body, homeDashboardUID=uid))

    def create(self, wanted):
        self._put(wanted.data["uid"], wanted.key, wanted.data)

    def change(self, wanted, found):
        self.create(wanted)

    def delete(self, key, found):
        self._put("", key, found.data)


def conflict(error):
    """Whether a write was refused because the object is there or was changed, so that a look at it says more."""
    return isinstance(error, ApiError) and (error.status in (409, 412) or (
        error.status in (400, 500) and ("already" in error.said.lower() or "conflicting" in error.said
                                        or error.said.startswith("Failed to create service account"))))


CLASSES = {kind.name: kind for kind in (Team, ServiceAccount, Folder, Permissions, DataSource, Correlation, LibraryPanel, Dashboard, Home)}
