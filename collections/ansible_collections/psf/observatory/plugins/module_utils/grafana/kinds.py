# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of object is read and written: one class a kind, the only place that knows its paths and bodies.

What Grafana does in each case is recorded in tests/unit/plugins/module_utils/grafana/recorded. No write overwrites blindly: it
carries the version that was read, or is a creation that a taken uid refuses.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare, model
from ansible_collections.psf.observatory.plugins.module_utils.grafana.base import GENERAL, Found, Kind, Listed
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import quoted
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError


class Team(Listed):
    name = "team"

    def _all(self):
        rows = self.client.pages("/api/teams/search?perpage=1000", "teams", 1000, lambda answer: answer.get("teams") or [])
        self.world.team_ids = {row["name"]: row["id"] for row in rows}
        return {row["name"]: Found({"name": row["name"], "email": row.get("email") or ""}, lock=row["id"], raw=row,
                                   provisioned=bool(row.get("isProvisioned"))) for row in rows}

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


class ServiceAccount(Listed):
    name = "service account"

    def _all(self):
        rows = self.client.pages("/api/serviceaccounts/search?perpage=1000", "service accounts", 1000,
                                 lambda answer: answer.get("serviceAccounts") or [])
        return {row["name"]: Found({"name": row["name"], "role": row.get("role") or "None", "disabled": bool(row.get("isDisabled"))},
                                   lock=row["id"], raw=row, provisioned=bool(row.get("isExternal"))) for row in rows}

    def create(self, wanted):
        answer = self.call_once("/api/serviceaccounts", wanted, {"name": wanted.key, "role": wanted.data["role"]})
        if wanted.data["disabled"]:
            # A new one is always enabled.
            self._patch(wanted, answer["id"] if answer else self.reread(wanted.key).lock)

    def change(self, wanted, found):
        self._patch(wanted, found.lock)

    def _patch(self, wanted, number):
        self.call("PATCH", "/api/serviceaccounts/%d" % number, wanted.key, wanted.data, {
            "name": wanted.key, "role": wanted.data["role"], "isDisabled": wanted.data["disabled"]})

    def delete(self, key, found):
        self.call("DELETE", "/api/serviceaccounts/%d" % found.lock, key, found.data, missing=True)


class Correlation(Listed):
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
        self.call_once(self._path(wanted.data), wanted, self._body(wanted.data))

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


CLASSES = {kind.name: kind for kind in (Team, ServiceAccount, Folder, Permissions, DataSource, Correlation, LibraryPanel, Dashboard, Home)}
