# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana for tests: an HTTP server that answers as a real 9.4 was recorded to (see recorded/ and test_double.py).

It keeps organisations, users, teams, folders with permissions, dashboards, data sources, library panels and preferences; alerting and
service accounts are in double_alerting.py, provisioning files in double_files.py. `nested`, `newer` and `version` turn it into what
newer versions are said to do; nothing recorded covers that. `faults` breaks single calls.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import threading
import time
import unicodedata
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double_alerting import (
    AlertingDouble,
    AlertingOrg,
    Answer,
)
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double_files import FileDouble

LEVELS = {1: "View", 2: "Edit", 4: "Admin"}
PANELS = (
    "alertlist", "annolist", "barchart", "bargauge", "candlestick", "canvas", "dashlist", "flamegraph", "gauge", "geomap",
    "gettingstarted", "graph", "heatmap", "histogram", "logs", "news", "nodeGraph", "piechart", "stat", "state-timeline",
    "status-history", "table", "table-old", "text", "timeseries", "traces", "welcome", "xychart",
)
SOURCES = {"prometheus": "Prometheus", "loki": "Loki", "jaeger": "Jaeger", "alertmanager": "Alertmanager"}
LOGOS = {"prometheus": "prometheus_logo", "loki": "loki_icon", "jaeger": "jaeger_logo", "alertmanager": "logo"}
BAD = (400, {"message": "bad request data", "traceID": ""})
NO_FOLDER = (404, {"message": "folder not found", "status": "not-found"})
FOLDER_CHANGED = (412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"})
NO_DASHBOARD = (404, {"message": "Dashboard not found", "traceID": ""})
NO_SOURCE = (404, {"message": "Data source not found"})
NO_ELEMENT = (404, {"message": "library element could not be found", "traceID": ""})
DENIED = "You'll need additional permissions to perform this action. Permissions needed: %s"
RANK = {"Viewer": 1, "Editor": 2, "Admin": 4}


class Refused(Answer):
    """An answer that ends a call: (status, body)."""


class Org:
    def __init__(self, number, name):
        self.id, self.name = number, name
        self.members, self.folders, self.dashboards, self.sources, self.teams, self.elements = {}, {}, {}, {}, {}, {}
        self.preferences = {"theme": "", "homeDashboardId": 0, "timezone": "", "weekStart": "", "language": "",
                            "navbar": {"savedItems": None}, "queryHistory": {"homeTab": ""}}
        self.correlations = {}
        self.alerting = AlertingOrg()


class Double(AlertingDouble, FileDouble):
    """`with Double() as grafana:` serves at grafana.url. Users: admin (of the server), orgadm, editor, viewer; passwords as names."""

    def __init__(self, version="9.4.0-pre", nested=False, latency=0.0, newer=False, database=None):
        self.version, self.nested, self.latency, self.newer, self.database = version, nested, latency, newer, database
        self._alerting_counters()
        self._file_tables()
        self.lock = threading.RLock()
        self.calls, self.faults, self.connections = [], [], 0
        self.tokens = {}
        self.ids = itertools.count(1)
        self.source_ids, self.team_ids, self.element_ids, self.made = (itertools.count(1) for table in range(4))
        self.users = {name: {"id": number, "login": name, "name": "" if name == "admin" else name, "org": 1,
                             "email": "admin@localhost" if name == "admin" else "%s@example.test" % name}
                      for number, name in enumerate(("admin", "viewer", "editor", "orgadm"), 1)}
        self.orgs = {1: Org(1, "Main Org.")}
        self.orgs[1].members = {"admin": "Admin", "viewer": "Viewer", "editor": "Editor", "orgadm": "Admin"}

    # -- server --------------------------------------------------------------------------------------------------------
    def __enter__(self):
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet at once; else each answer waits 40 ms for the client's acknowledgement.
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self):
                super().setup()
                double.connections += 1

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if double.latency:
                    time.sleep(double.latency)
                fault = double.fault(self.command, self.path)
                if fault in ("cut", "after"):
                    if fault == "after":
                        double.handle(self.command, self.path, dict(self.headers), body)
                    self.close_connection = True
                    return
                status, data, headers = fault or double.handle(self.command, self.path, dict(self.headers), body)
                text = data if isinstance(data, str) else json.dumps(data)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                raw = text.encode()
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(raw)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_args):
        self.server.shutdown()
        self.server.server_close()

    def fault(self, method, path):
        """The first fault that is due for this call, or None.

        faults: [times, regular expression on "METHOD path", answer]. An answer is (status, body, headers); or "cut", which closes the
        connection; or "after", which does the call first.
        """
        with self.lock:
            for fault in self.faults:
                if fault[0] > 0 and re.search(fault[1], "%s %s" % (method, path)):
                    fault[0] -= 1
                    return fault[2]
        return None

    def handle(self, method, target, headers, body):
        """(status, body, headers) of one call."""
        path, query = target.split("?", 1) if "?" in target else (target, "")
        with self.lock:
            self.calls.append("%s %s" % (method, target))
            try:
                status, data = self._route(method, path.rstrip("/") or "/", urllib.parse.parse_qs(query, keep_blank_values=True),
                                           {name.lower(): value for name, value in headers.items()}, body, target)
            except Answer as refused:
                status, data = refused.args
        extra = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
        if status == 302:
            extra["Location"] = re.search(r'"(.*)"', data).group(1)
        return status, json.loads(json.dumps(data)), extra

    # -- who -----------------------------------------------------------------------------------------------------------
    def _who(self, headers, path):
        """(user, organisation, role, whether admin of the server). Role is None for one who is not a member."""
        auth = headers.get("authorization", "")
        if auth.startswith("Bearer "):
            name, org, role = self._token_owner(auth[7:])
            # The header with an organisation is ignored.
            return {"id": 0, "login": "Anonymous", "name": name, "email": "", "org": org.id, "robot": True}, org, role, False
        if not auth.startswith("Basic "):
            for start, action in (("/api/serviceaccounts", "serviceaccounts:create"), ("/api/admin/provisioning", "provisioning:reload")):
                if path.startswith(start):
                    self._need(None, "Admin", action)
            raise Refused(401, {"message": "Unauthorized"})
        try:
            login, password = base64.b64decode(auth[6:]).decode().split(":", 1)
        except ValueError:
            login = password = ""
        user = self.users.get(login)
        if user is None or password != login:
            raise Refused(401, {"message": "invalid username or password", "traceID": ""})
        number = headers.get("x-grafana-org-id", "")
        number = int(number) if re.fullmatch("[0-9]+", number) and int(number) else user["org"]
        org = self.orgs.get(number)
        server_admin = login == "admin"
        if org is None:
            if path == "/api/org" and server_admin:
                raise Refused(404, {"message": "Organization not found", "traceID": ""})
            return user, Org(number, ""), None, server_admin
        return user, org, org.members.get(login), server_admin

    @staticmethod
    def _need(role, least, action):
        if role is None or RANK[role] < RANK[least]:
            raise Refused(403, {"accessErrorId": "ACE0000000000", "message": DENIED % action, "title": "Access denied"})

    # -- routes --------------------------------------------------------------------------------------------------------
    ROUTES = (
        ("GET", r"/api/org", "org"), ("GET", r"/api/user", "user"), ("GET", r"/api/frontend/settings", "settings"),
        ("GET", r"/api/orgs", "orgs"), ("POST", r"/api/orgs", "org_create"), ("GET", r"/api/orgs/(\d+)", "org_get"),
        ("PUT", r"/api/orgs/(\d+)", "org_rename"), ("DELETE", r"/api/orgs/(\d+)", "org_delete"),
        ("GET", r"/api/orgs/name/([^/]+)", "org_by_name"), ("GET", r"/api/orgs/(\d+)/users", "org_users"),
        ("POST", r"/api/orgs/(\d+)/users", "org_add_user"), ("POST", r"/api/user/using/(\d+)", "using"),
        ("GET", r"/api/org/users", "own_users"), ("GET", r"/api/org/preferences", "preferences"),
        ("PUT", r"/api/org/preferences", "preferences_put"),
        ("GET", r"/api/folders", "folders"), ("POST", r"/api/folders", "folder_create"), ("GET", r"/api/folders/id/(\d+)", "folder_by_id"),
        ("GET", r"/api/folders/([^/]+)", "folder"), ("PUT", r"/api/folders/([^/]+)", "folder_put"),
        ("DELETE", r"/api/folders/([^/]+)", "folder_delete"), ("POST", r"/api/folders/([^/]+)/move", "folder_move"),
        ("GET", r"/api/folders/([^/]+)/permissions", "permissions"), ("POST", r"/api/folders/([^/]+)/permissions", "permissions_set"),
        ("POST", r"/api/access-control/folders/([^/]+)/teams/(\d+)", "permission_of_team"),
        ("GET", r"/api/search", "search"), ("POST", r"/api/dashboards/db", "dashboard_save"),
        ("GET", r"/api/dashboards/uid/([^/]+)", "dashboard"), ("DELETE", r"/api/dashboards/uid/([^/]+)", "dashboard_delete"),
        ("GET", r"/api/dashboards/tags", "tags"),
        ("GET", r"/api/datasources", "sources"), ("POST", r"/api/datasources", "source_create"),
        ("GET", r"/api/datasources/correlations", "correlations"), ("GET", r"/api/datasources/uid/([^/]+)", "source"),
        ("PUT", r"/api/datasources/uid/([^/]+)", "source_put"), ("DELETE", r"/api/datasources/uid/([^/]+)", "source_delete"),
        ("GET", r"/api/datasources/name/([^/]+)", "source_by_name"), ("DELETE", r"/api/datasources/name/([^/]+)", "source_delete_name"),
        ("GET", r"/api/datasources/id/([^/]+)", "source_id"), ("GET", r"/api/datasources/(\d+)", "source_by_id"),
        ("PUT", r"/api/datasources/(\d+)", "source_put_id"),
        ("GET", r"/api/datasources/uid/([^/]+)/correlations", "correlations_of"),
        ("POST", r"/api/datasources/uid/([^/]+)/correlations", "correlation_create"),
        ("PATCH", r"/api/datasources/uid/([^/]+)/correlations/([^/]+)", "correlation_patch"),
        ("DELETE", r"/api/datasources/uid/([^/]+)/correlations/([^/]+)", "correlation_delete"),
        ("GET", "/api/admin/settings", "admin_settings"),
        ("GET", r"/api/teams/search", "teams"), ("POST", r"/api/teams", "team_create"), ("GET", r"/api/teams/(\d+)", "team"),
        ("PUT", r"/api/teams/(\d+)", "team_put"), ("DELETE", r"/api/teams/(\d+)", "team_delete"),
        ("GET", r"/api/library-elements", "elements"), ("POST", r"/api/library-elements", "element_create"),
        ("GET", r"/api/library-elements/([^/]+)", "element"), ("GET", r"/api/library-elements/name/([^/]+)", "element_by_name"),
        ("PATCH", r"/api/library-elements/([^/]+)", "element_patch"), ("DELETE", r"/api/library-elements/([^/]+)", "element_delete"),
    )

    def _route(self, method, path, query, headers, body, target):
        if path == "/api/health":
            if method in ("GET", "HEAD"):
                return 200, {"commit": "8f3e923", "database": "ok", "version": self.version}
        elif path == "/healthz":
            return 200, "Ok"
        elif not path.startswith("/api"):
            return 302, '<a href="/login">Found</a>.\n\n'
        user, org, role, server_admin = self._who(headers, path)
        if "orgId" in query and query["orgId"][0].isdigit() and int(query["orgId"][0]) in self.orgs:
            user["org"] = int(query["orgId"][0])
            return 302, '<a href="http://127.0.0.1:3300%s">Found</a>.\n\n' % target
        for verb, pattern, name in self.ROUTES + self.ALERTING_ROUTES + self.FILE_ROUTES:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                self.user, self.org_, self.role, self.server_admin, self.query = user, org, role, server_admin, query
                arguments = [urllib.parse.unquote(part) for part in match.groups()]
                if method in ("POST", "PUT", "PATCH"):
                    arguments.append(Lazy(headers, body))
                return getattr(self, "_" + name)(*arguments)
        return 404, {"message": "Not found"}

    # -- organisations and users ---------------------------------------------------------------------------------------
    def _org_body(self, org):
        return {"id": org.id, "name": org.name, "address": dict.fromkeys(
            ("address1", "address2", "city", "zipCode", "state", "country"), "")}

    def _org(self):
        self._need(self.role, "Viewer", "orgs:read")
        return 200, self._org_body(self.org_)

    def _user(self):
        if self.user.get("robot"):
            return 404, {"message": "user not found", "traceID": ""}
        return 200, {**{key: self.user[key] for key in ("id", "email", "name", "login")}, "theme": "",
                     "orgId": self.user["org"], "isGrafanaAdmin": self.server_admin, "isDisabled": False, "isExternal": False,
                     "authLabels": [], "updatedAt": "", "createdAt": "", "avatarUrl": "/public/img/user_profile.png"}

    def _settings(self):
        return 200, {"buildInfo": {"buildstamp": 1673611944, "commit": "8f3e923", "edition": "Open Source", "env": "production",
                                   "hasUpdate": False, "hideVersion": False, "latestVersion": "", "version": self.version},
                     "panels": {name: {"id": name} for name in PANELS}, "datasources": {},
                     "featureToggles": {"nestedFolders": True} if self.nested else {}}

    def _orgs(self):
        self._server("orgs:read")
        return 200, [{"id": org.id, "name": org.name} for org in self.orgs.values()][:int(self.query.get("perpage", ["1000"])[0])]

    def _server(self, action):
        if not self.server_admin:
            self._need(None, "Admin", action)

    def _org_create(self, body):
        self._server("orgs:create")
        name = body.dict().get("name")
        if not name:
            return BAD
        if any(org.name == name for org in self.orgs.values()):
            return 409, {"message": "Organization name taken", "traceID": ""}
        org = Org(max(self.orgs) + 1, name)
        org.members["admin"] = "Admin"
        self.orgs[org.id] = org
        return 200, {"message": "Organization created", "orgId": org.id}

    def _org_get(self, number):
        org = self.orgs.get(int(number))
        return (200, self._org_body(org)) if org else (404, {"message": "Organization not found", "traceID": ""})

    def _org_by_name(self, name):
        org = next((org for org in self.orgs.values() if org.name == name), None)
        return (200, self._org_body(org)) if org else (404, {"message": "Organization not found", "traceID": ""})

    def _org_rename(self, number, body):
        self.orgs[int(number)].name = body.dict()["name"]
        return 200, {"message": "Organization updated"}

    def _org_delete(self, number):
        if int(number) == self.user["org"]:
            return 400, {"message": "Can not delete org for current user"}
        self.orgs.pop(int(number), None)
        return 200, {"message": "Organization deleted"}

    def _org_users(self, number):
        return 200, [{"orgId": int(number), "userId": self.users[login]["id"], "email": self.users[login]["email"],
                      "name": self.users[login]["name"], "avatarUrl": "/public/img/user_profile.png", "login": login, "role": role,
                      "lastSeenAt": "", "lastSeenAtAge": "< 1 minute", "isDisabled": False, "authLabels": None}
                     for login, role in self.orgs[int(number)].members.items()]

    def _own_users(self):
        self._need(self.role, "Admin", "org.users:read")
        return self._org_users(self.org_.id)

    def _org_add_user(self, number, body):
        row, org = body.dict(), self.orgs[int(number)]
        if row.get("role") not in RANK:
            return BAD
        user = self.users.get(row.get("loginOrEmail"))
        if user is None:
            return 404, {"message": "User not found"}
        if user["login"] in org.members:
            return 409, {"message": "User is already member of this organization", "userId": user["id"]}
        org.members[user["login"]] = row["role"]
        return 200, {"message": "User added to organization", "userId": user["id"]}

    def _using(self, number, _body):
        org = self.orgs.get(int(number))
        if org is None or self.user["login"] not in org.members:
            return 401, {"message": "Not a valid organization"}
        self.user["org"] = int(number)
        return 200, {"message": "Active organization changed"}

    def _preferences(self):
        self._need(self.role, "Admin", "orgs.preferences:read")
        return 200, self.org_.preferences

    def _preferences_put(self, body):
        self._need(self.role, "Admin", "orgs.preferences:write")
        row = body.dict()
        uid = row.get("homeDashboardUID")
        if uid and uid not in self.org_.dashboards:
            return NO_DASHBOARD
        kept = {"theme": row.get("theme", ""), "homeDashboardId": self.org_.dashboards[uid]["id"] if uid else 0}
        if uid:
            kept["homeDashboardUID"] = uid
        kept.update(timezone=row.get("timezone", ""), weekStart=row.get("weekStart", ""), language=row.get("language", ""),
                    navbar=row.get("navbar") or {"savedItems": None}, queryHistory=row.get("queryHistory") or {"homeTab": ""})
        self.org_.preferences = kept
        return 200, {"message": "Preferences updated"}

    # -- folders -------------------------------------------------------------------------------------------------------
    def _may(self, folder, level):
        """Whether the caller has this level (1, 2, 4) in a folder."""
        if self.role == "Admin":
            return True
        best = 0
        for entry in self.org_.folders[folder]["permissions"]:
            if entry.get("userId") == self.user["id"] or (entry.get("role") and self.role and RANK[entry["role"]] <= RANK[self.role]):
                best = max(best, entry["permission"])
        return best >= level

    def _folder_body(self, folder, fresh=False):
        uid = folder["uid"]
        can = [self._may(uid, level) for level in (2, 2, 4, 2)] if not fresh or self.role == "Admin" else [False] * 4
        row = {"id": folder["id"], "uid": uid, "title": folder["title"], "url": "/dashboards/f/%s/%s" % (uid, slug(folder["title"])),
               "hasAcl": False, "canSave": can[0], "canEdit": can[1], "canAdmin": can[2], "canDelete": can[3],
               "createdBy": folder["createdBy"], "created": "", "updatedBy": folder["updatedBy"], "updated": "",
               "version": folder["version"]}
        if folder["parent"]:
            row["parentUid"] = folder["parent"]
        return row

    def _folders(self):
        if not self.org_.folders:
            self._need(self.role, "Editor", "folders:read")
        self._need(self.role, "Viewer", "folders:read")
        # Without nested folders, the parent is not looked at.
        parent = self.query.get("parentUid", [""])[0] if self.nested else ""
        rows = sorted((f for f in self.org_.folders.values() if self._may(f["uid"], 1) and f["parent"] == parent),
                      key=lambda f: f["title"].lower())
        limit = self._number("limit", 1000)
        page = self._number("page", 1)
        return 200, [{"id": f["id"], "uid": f["uid"], "title": f["title"]} for f in rows[(page - 1) * limit:page * limit]]

    def _number(self, name, default):
        text = self.query.get(name, [""])[0]
        return int(text) if re.fullmatch("[0-9]+", text) and int(text) else default

    def _folder_create(self, body):
        row = body.dict({"uid": str, "title": str})
        self._need(self.role, "Editor", "folders:create")
        uid, title = row.get("uid") or self._uid(), (row.get("title") or "").strip()
        if not title:
            return 400, {"message": "folder title cannot be empty"}
        if uid == "general":
            return 500, {"message": "Folder API error", "traceID": ""}
        if title.lower() == "general":
            return 400, {"message": "A folder with that name already exists", "traceID": ""}
        if not re.fullmatch("[a-zA-Z0-9_-]+", uid):
            return 400, {"message": "uid contains illegal characters", "traceID": ""}
        if len(uid) > 40:
            return 400, {"message": "uid too long, max 40 characters", "traceID": ""}
        if uid in self.org_.folders or uid in self.org_.dashboards:
            return FOLDER_CHANGED
        parent = (row.get("parentUid") or "") if self.nested else ""
        if parent and parent not in self.org_.folders:
            return NO_FOLDER
        if self._clash(title, parent) is not None:
            return 409, {"message": "a folder or dashboard in the general folder with the same name already exists"}
        folder = {"id": next(self.ids), "uid": uid, "title": title, "parent": parent, "version": 1, "createdBy": self.user["login"],
                  "updatedBy": self.user["login"], "permissions": []}
        if not self.user.get("robot"):
            folder["permissions"].append({"userId": self.user["id"], "permission": 4})
        folder["permissions"] += [{"role": "Editor", "permission": 2}, {"role": "Viewer", "permission": 1}]
        self.org_.folders[uid] = folder
        return 200, self._folder_body(folder, fresh=True)

    def _clash(self, title, parent, but=None):
        """The folder in a place, or the dashboard in General, that has this title."""
        for folder in self.org_.folders.values():
            if folder["uid"] != but and folder["title"].lower() == title.lower() and folder["parent"] == parent:
                return folder
        for dash in self.org_.dashboards.values():
            if not parent and not dash["folder"] and dash["data"]["title"].lower() == title.lower():
                return dash
        return None

    def _uid(self):
        return "made%05d" % next(self.made)

    def _get_folder(self, uid, level, action):
        folder = self.org_.folders.get(uid)
        if folder is None:
            if self.role != "Admin":
                self._need(None, "Admin", action)
            raise Refused(*NO_FOLDER)
        if not self._may(uid, level):
            self._need(None, "Admin", action)
        return folder

    def _folder(self, uid):
        return 200, self._folder_body(self._get_folder(uid, 1, "folders:read"))

    def _folder_by_id(self, number):
        if number == "0":
            return 200, {"id": 0, "uid": "", "title": "General", "url": "", "hasAcl": False, "canSave": False, "canEdit": False,
                         "canAdmin": False, "canDelete": False, "createdBy": "Anonymous", "created": "", "updatedBy": "Anonymous",
                         "updated": ""}
        folder = next((f for f in self.org_.folders.values() if f["id"] == int(number)), None)
        return (200, self._folder_body(folder)) if folder else NO_FOLDER

    def _folder_put(self, uid, body):
        row = body.dict({"title": str})
        folder = self._get_folder(uid, 2, "folders:write")
        title = (row.get("title") or "").strip() or folder["title"]
        if not row.get("overwrite") and row.get("version") != folder["version"]:
            return FOLDER_CHANGED
        other = self._clash(title, folder["parent"], but=uid)
        if other is not None:
            if not row.get("overwrite"):
                return 409, {"message": "a folder or dashboard in the general folder with the same name already exists"}
            # As recorded: the other one is what is written.
            folder = other
        folder.update(title=title, version=folder["version"] + 1, updatedBy=self.user["login"])
        if row.get("uid") and row["uid"] != uid:
            self.org_.folders[row["uid"]] = self.org_.folders.pop(uid)
            folder.update(uid=row["uid"], permissions=[])
            for dash in self.org_.dashboards.values():
                if dash["folder"] == uid:
                    dash["folder"] = row["uid"]
        return 200, self._folder_body(folder)

    def _folder_move(self, uid, body):
        if not self.nested:
            return 404, {"message": "To use this service, you need to activate nested folder feature."}
        folder, parent = self._get_folder(uid, 2, "folders:write"), body.dict().get("parentUid") or ""
        at = parent
        while at:
            if at == uid or at not in self.org_.folders:
                return 400, {"message": "a folder cannot be moved into itself"}
            at = self.org_.folders[at]["parent"]
        folder["parent"] = parent
        return 200, self._folder_body(folder)

    def _folder_delete(self, uid):
        folder = self._get_folder(uid, 2, "folders:delete")
        rules = [row["uid"] for row in self.org_.alerting.rules.values() if row["folderUID"] == uid]
        if rules and self.query.get("forceDeleteRules") != ["true"]:
            return 400, {"message": "folder cannot be deleted: folder contains alert rules"}
        for name in rules:
            del self.org_.alerting.rules[name]
        self._empty_groups()
        used = self._used()
        inside = [e for e in self.org_.elements.values() if e["folder"] == uid]
        if any(e["uid"] in used for e in inside):
            return 403, {"message": "Folder could not be deleted because it contains library elements in use", "traceID": ""}
        self._drop(folder["uid"])
        return 200, ""

    def _drop(self, uid):
        org = self.org_
        for name in [name for name, f in org.folders.items() if f["parent"] == uid]:
            self._drop(name)
        for table in (org.dashboards, org.elements):
            for name in [name for name, row in table.items() if row["folder"] == uid]:
                del table[name]
        org.folders.pop(uid, None)

    def _permissions(self, uid):
        folder = self._get_folder(uid, 4, "folders.permissions:read")
        rows = []
        for entry in sorted(folder["permissions"], key=lambda e: 0 if "userId" in e else 1 if "teamId" in e else 2):
            user = next((u for u in self.users.values() if u["id"] == entry.get("userId")), None)
            team = self.org_.teams.get(entry.get("teamId"))
            row = {"folderId": folder["id"], "created": "", "updated": "", "userId": entry.get("userId", 0),
                   "userLogin": user["login"] if user else "", "userEmail": user["email"] if user else "",
                   "userAvatarUrl": "/public/img/user_profile.png", "teamId": entry.get("teamId", 0),
                   "teamEmail": team["email"] if team else "", "teamAvatarUrl": "/public/img/user_profile.png" if team else "",
                   "team": team["name"] if team else ""}
            if entry.get("role"):
                row["role"] = entry["role"]
            row.update(permission=entry["permission"], permissionName=LEVELS[entry["permission"]], uid=uid, title=folder["title"],
                       slug=slug(folder["title"]), isFolder=True, url="/dashboards/f/%s/%s" % (uid, slug(folder["title"])), inherited=False)
            rows.append(row)
        return 200, rows

    def _permissions_set(self, uid, body):
        if self.role == "Viewer":
            self._need(None, "Admin", "folders.permissions:write")
        row = body.dict()
        folder = self._get_folder(uid, 4, "folders.permissions:write")
        entries = {}
        for item in row.get("items") or []:
            if not isinstance(item.get("permission", 0), int) or item.get("role", "Viewer") not in RANK:
                return BAD
            if item.get("userId") and item.get("teamId"):
                return 400, {"message": "team and user permissions cannot have an associated role", "traceID": ""}
            known = (item.get("role") or item.get("teamId") in self.org_.teams
                     or any(u["id"] == item.get("userId") for u in self.users.values()))
            if not known:
                return 500, {"message": "Failed to create permission", "traceID": ""}
            if item["permission"] in LEVELS:
                entries[item.get("role"), item.get("teamId"), item.get("userId")] = {
                    key: item[key] for key in ("role", "teamId", "userId", "permission") if item.get(key)}
        # What was there before keeps its place.
        kept = folder["permissions"]
        folder["permissions"] = sorted(entries.values(), key=lambda e: kept.index(e) if e in kept else len(kept))
        return 200, {"message": "Dashboard permissions updated"}

    def _permission_of_team(self, uid, number, body):
        levels = {name: level for level, name in LEVELS.items()}
        folder = self._get_folder(uid, 4, "folders.permissions:write")
        folder["permissions"] = [e for e in folder["permissions"] if e.get("teamId") != int(number)]
        folder["permissions"].append({"teamId": int(number), "permission": levels[body.dict()["permission"]]})
        return 200, {"message": "Permission updated"}

    # -- dashboards ----------------------------------------------------------------------------------------------------
    def _dashboard_save(self, body):
        row = body.dict()
        self._need(self.role, "Editor", "any of dashboards:create, dashboards:write")
        data = row.get("dashboard")
        if data is None:
            return BAD
        data = data if isinstance(data, dict) else {}
        org, title = self.org_, str(data.get("title") or "").strip()
        if not title:
            return 400, {"message": "Dashboard title cannot be empty", "status": "empty-name"}
        folder = row.get("folderUid") or ""
        if folder and folder not in org.folders:
            return 400, {"message": "Folder not found", "traceID": ""}
        if not folder and row.get("folderId"):
            folder = next((f["uid"] for f in org.folders.values() if f["id"] == row["folderId"]), None)
            if folder is None:
                return 404, {"message": "Folder not found", "traceID": ""}
        uid = data.get("uid") or ""
        if uid and not re.fullmatch("[a-zA-Z0-9_-]+", uid):
            return 400, {"message": "uid contains illegal characters"}
        if len(uid) > 40:
            return 400, {"message": "uid too long, max 40 characters"}
        if uid in org.folders:
            return 400, {"message": "Dashboard cannot be changed to a folder"}
        found = org.dashboards.get(uid)
        if data.get("id"):
            found = next((d for d in org.dashboards.values() if d["id"] == data["id"]), None)
            if found is None:
                return 404, {"message": "Dashboard not found", "status": "not-found"}
        if found is not None and (found.get("file") or (found.get("external") and not found["open"])):
            return 400, {"message": "Cannot save provisioned dashboard"}
        if any(f["title"].lower() == title.lower() for f in org.folders.values()):
            return 400, {"message": "Dashboard name cannot be the same as folder", "status": "name-match"}
        same = next((d for d in org.dashboards.values() if d["folder"] == folder and d["data"]["title"].lower() == title.lower()), None)
        if found is not None and not row.get("overwrite") and (data.get("version") or 0) != found["version"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        if same is not None and same is not found:
            if not row.get("overwrite"):
                return 412, {"message": "A dashboard with the same name in the folder already exists", "status": "name-exists"}
            found, uid = same, same["uid"]
        if found is None:
            found = {"id": next(self.ids), "uid": uid or self._uid(), "version": 0, "createdBy": self.user["login"]}
        elif uid and uid != found["uid"]:
            del org.dashboards[found["uid"]]
            found["uid"] = uid
        found.update(folder=folder, version=found["version"] + 1, updatedBy=self.user["login"])
        data.update(title=title, uid=found["uid"], id=found["id"], version=found["version"])
        found["data"] = data
        org.dashboards[found["uid"]] = found
        unknown = [uid for uid in library_uids(data) if uid not in org.elements]
        if unknown:
            return 500, {"message": "Error while connecting library panels", "traceID": ""}
        return 200, {"id": found["id"], "slug": slug(title), "status": "success", "uid": found["uid"],
                     "url": "/d/%s/%s" % (found["uid"], slug(title)), "version": found["version"]}

    def _dashboard(self, uid):
        org, dash = self.org_, self.org_.dashboards.get(uid)
        if uid in org.folders:
            folder = org.folders[uid]
            return 200, {"meta": self._meta(folder, "", True), "dashboard": {
                "id": folder["id"], "schemaVersion": 17, "title": folder["title"], "uid": uid, "version": folder["version"]}}
        if dash is None:
            return NO_DASHBOARD
        return 200, {"meta": self._meta(dash, dash["folder"], False), "dashboard": dash["data"]}

    def _meta(self, row, folder, is_folder):
        title = row["title"] if is_folder else row["data"]["title"]
        own = row["uid"] if is_folder else folder
        write = self._may(own, 2) if own else self.role != "Viewer"
        admin = self._may(own, 4) if own else self.role == "Admin"
        place = self.org_.folders.get(folder)
        url = "/dashboards/f/%s/%s" if is_folder else "/d/%s/%s"
        return {"type": "db", "canSave": write, "canEdit": write, "canAdmin": admin, "canStar": True, "canDelete": write,
                "slug": slug(title), "url": url % (row["uid"], slug(title)), "expires": "0001-01-01T00:00:00Z",
                "created": "", "updated": "",
                "updatedBy": row["updatedBy"], "createdBy": row["createdBy"], "version": row["version"], "hasAcl": False,
                "isFolder": is_folder,
                "folderId": place["id"] if place else 0, "folderUid": folder, "folderTitle": place["title"] if place else "General",
                "folderUrl": "/dashboards/f/%s/%s" % (folder, slug(place["title"])) if place else "",
                "provisioned": bool(row.get("file") or (row.get("external") and not row["open"])),
                "provisionedExternalId": row.get("external") or row.get("file", ""), "annotationsPermissions": {
                    "dashboard": {"canAdd": True, "canEdit": True, "canDelete": True},
                    "organization": dict.fromkeys(("canAdd", "canEdit", "canDelete"), self.role != "Viewer")},
                "hasPublicDashboard": False, "publicDashboardAccessToken": "", "publicDashboardUid": "", "publicDashboardEnabled": False}

    def _dashboard_delete(self, uid):
        self._need(self.role, "Editor", "dashboards:delete")
        org = self.org_
        if uid in org.folders:
            folder = org.folders[uid]
            self._drop(uid)
            return 200, {"id": folder["id"], "message": "Dashboard %s deleted" % folder["title"], "title": folder["title"]}
        dash = org.dashboards.get(uid)
        if dash is None:
            return NO_DASHBOARD
        if dash.get("file") or dash.get("external"):
            return 400, {"message": "provisioned dashboard cannot be deleted", "traceID": ""}
        del org.dashboards[uid]
        title = dash["data"]["title"]
        return 200, {"id": dash["id"], "message": "Dashboard %s deleted" % title, "title": title}

    def _tags(self):
        counted = {}
        for dash in self.org_.dashboards.values():
            for tag in dash["data"].get("tags") or []:
                counted[tag] = counted.get(tag, 0) + 1
        return 200, [{"term": tag, "count": count} for tag, count in sorted(counted.items())]

    def _search(self):
        self._need(self.role, "Viewer", "dashboards:read")
        query, org = self.query, self.org_
        limit = self._number("limit", 1000)
        if limit > 5000:
            return 422, {"message": "Limit is above maximum allowed (5000), use page parameter to access hits beyond limit"}
        if query.get("starred") == ["true"]:
            return 200, []
        kind = query.get("type", [""])[0]
        folders = [f for f in org.folders.values() if self._may(f["uid"], 1)] if kind != "dash-db" else []
        dashboards = [d for d in org.dashboards.values() if not d["folder"] or self._may(d["folder"], 1)] if kind != "dash-folder" else []
        hits = [(f["title"], {"id": f["id"], "uid": f["uid"], "title": f["title"], "uri": "db/" + slug(f["title"]),
                              "url": "/dashboards/f/%s/%s" % (f["uid"], slug(f["title"])), "slug": "", "type": "dash-folder", "tags": [],
                              "isStarred": False, **self._in(f["parent"]), "sortMeta": 0}, f) for f in folders]
        hits += [(d["data"]["title"], {"id": d["id"], "uid": d["uid"], "title": d["data"]["title"], "uri": "db/" + slug(d["data"]["title"]),
                                       "url": "/d/%s/%s" % (d["uid"], slug(d["data"]["title"])), "slug": "", "type": "dash-db",
                                       "tags": sorted(tag for tag in d["data"].get("tags") or [] if tag), "isStarred": False,
                                       **self._in(d["folder"]), "sortMeta": 0}, d) for d in dashboards]
        hits.sort(key=lambda hit: hit[0].lower(), reverse=query.get("sort") == ["alpha-desc"])
        rows = [hit for _title, hit, _row in hits]
        if query.get("query"):
            rows = [hit for hit in rows if query["query"][0].lower() in hit["title"].lower()]
        if query.get("tag"):
            # As recorded: a tag that a dashboard has twice counts for two.
            rows = [hit for hit in rows if sum(1 for tag in hit["tags"] if tag in query["tag"]) >= len(query["tag"])]
        if query.get("folderIds"):
            rows = [hit for hit in rows if str(hit.get("folderId", 0)) in query["folderIds"]]
        wanted = query.get("dashboardUIDs") or query.get("dashboardUID")
        if wanted:
            rows = [hit for hit in rows if hit["uid"] in wanted]
        page = self._number("page", 1)
        # By title, and within a page the folders first.
        return 200, sorted(rows[(page - 1) * limit:page * limit], key=lambda hit: hit["type"] != "dash-folder")

    def _in(self, folder):
        place = self.org_.folders.get(folder)
        return {"folderId": place["id"], "folderUid": folder, "folderTitle": place["title"],
                "folderUrl": "/dashboards/f/%s/%s" % (folder, slug(place["title"]))} if place else {}

    # -- data sources --------------------------------------------------------------------------------------------------
    def _source_body(self, row):
        body = {key: row[key] for key in ("id", "uid")}
        body.update(orgId=self.org_.id, name=row["name"], type=row["type"], typeLogoUrl="")
        body.update({key: row[key] for key in ("access", "url", "user", "database", "basicAuth", "basicAuthUser", "withCredentials",
                                               "isDefault", "jsonData")})
        body.update(secureJsonFields={key: True for key, value in row["secrets"].items() if value}, version=row["version"],
                    readOnly=bool(row.get("file")))
        return body

    def _sources(self):
        self._need(self.role, "Viewer", "datasources:read")
        rows = []
        for row in sorted(self.org_.sources.values(), key=lambda r: r["name"].lower()):
            body = self._source_body(row)
            logo = "public/app/plugins/datasource/%s/img/%s.svg" % (row["type"], LOGOS[row["type"]]) if row["type"] in LOGOS \
                else "public/img/icn-datasource.svg"
            rows.append({"id": row["id"], "uid": row["uid"], "orgId": self.org_.id, "name": row["name"], "type": row["type"],
                         "typeName": SOURCES.get(row["type"], row["type"]), "typeLogoUrl": logo,
                         **{key: body[key] for key in ("access", "url", "user", "database", "basicAuth", "isDefault", "jsonData",
                                                       "readOnly")}})
        return 200, rows

    def _source_row(self, data):
        return {**{key: data[key] for key in ("name", "type", "access")},
                **{key: data.get(key, "") for key in ("url", "user", "database", "basicAuthUser")},
                "basicAuth": bool(data.get("basicAuth")),
                "withCredentials": bool(data.get("withCredentials")), "isDefault": bool(data.get("isDefault")),
                "jsonData": {} if data.get("jsonData") is None else data["jsonData"]}

    @staticmethod
    def _url_is_bad(data):
        return data.get("type") in SOURCES and data.get("url") is not None and not re.match(r"https?://", data["url"])

    def _source_create(self, body):
        data = body.dict()
        self._need(self.role, "Admin", "datasources:create")
        if not all(data.get(key) for key in ("name", "type", "access")):
            return BAD
        if data.get("url") and self._url_is_bad(data):
            return 400, {"message": "Validation error, invalid URL", "traceID": ""}
        if any(row["name"] == data["name"] for row in self.org_.sources.values()):
            return 409, {"message": "data source with the same name already exists", "traceID": ""}
        uid = data.get("uid") or self._uid()
        if uid in self.org_.sources:
            return 409, {"message": "data source with the same uid already exists", "traceID": ""}
        row = dict(self._source_row(data), id=next(self.source_ids), uid=uid, version=1, secrets={
            key: value for key, value in (data.get("secureJsonData") or {}).items() if value})
        self._default(row)
        self.org_.sources[uid] = row
        return 200, {"datasource": self._source_body(row), "id": row["id"], "message": "Datasource added", "name": row["name"]}

    def _default(self, row):
        if row["isDefault"]:
            for other in self.org_.sources.values():
                other["isDefault"] = False
            row["isDefault"] = True

    def _get_source(self, **by):
        row = next((row for row in self.org_.sources.values() if all(row[key] == value for key, value in by.items())), None)
        if row is None:
            raise Refused(*NO_SOURCE)
        return row

    def _source(self, uid):
        return 200, self._source_body(self._get_source(uid=uid))

    def _source_by_name(self, name):
        return 200, self._source_body(self._get_source(name=name))

    def _source_by_id(self, number):
        return 200, self._source_body(self._get_source(id=int(number)))

    def _source_id(self, name):
        return 200, {"id": self._get_source(name=name)["id"]}

    def _source_put(self, uid, body):
        data = body.dict()
        self._need(self.role, "Admin", "datasources:write")
        if not all(data.get(key) for key in ("name", "type", "access")):
            return BAD
        row = self._get_source(uid=uid)
        if row.get("file"):
            return 403, {"message": "Cannot update read-only data source"}
        if self._url_is_bad(dict(data, url=data.get("url") or "")):
            return 400, {"message": "Validation error, invalid URL", "traceID": ""}
        if any(other is not row and other["name"] == data["name"] for other in self.org_.sources.values()):
            return 500, {"message": "Failed to update datasource", "traceID": ""}
        version = data.get("version")
        if version is not None and version < row["version"]:
            return 409, {"message": "Datasource has already been updated by someone else. Please reload and try again", "traceID": ""}
        row.update(self._source_row(data), version=1 if version is None else version + 1)
        row["secrets"].update(data.get("secureJsonData") or {})
        row["secrets"] = {key: value for key, value in row["secrets"].items() if value}
        self._default(row)
        if data.get("uid") and data["uid"] != uid:
            self.org_.sources[data["uid"]] = self.org_.sources.pop(uid)
            row["uid"] = data["uid"]
        return 200, {"datasource": self._source_body(row), "id": row["id"], "message": "Datasource updated", "name": row["name"]}

    def _source_put_id(self, number, body):
        return self._source_put(self._get_source(id=int(number))["uid"], body)

    def _source_delete(self, uid):
        self._need(self.role, "Admin", "datasources:delete")
        row = self._get_source(uid=uid)
        if row.get("file"):
            return 403, {"message": "Cannot delete read-only data source"}
        del self.org_.sources[row["uid"]]
        self.org_.correlations.pop(row["uid"], None)
        return 200, {"id": row["id"], "message": "Data source deleted"}

    def _source_delete_name(self, name):
        return self._source_delete(self._get_source(name=name)["uid"])

    def _correlations(self):
        return 200, [row for rows in self.org_.correlations.values() for row in rows]

    def _correlations_of(self, uid):
        return 200, self.org_.correlations.get(uid, [])

    def _correlation_create(self, uid, body):
        data = body.dict()
        if not data.get("config"):
            return BAD
        row = {"uid": self._uid(), "sourceUID": uid, "targetUID": data["targetUID"], "label": data["label"],
               "description": data["description"], "config": data["config"]}
        self.org_.correlations.setdefault(uid, []).append(row)
        return 200, {"result": row, "message": "Correlation created"}

    # Neither was recorded.
    def _get_correlation(self, source, uid):
        row = next((row for row in self.org_.correlations.get(source, []) if row["uid"] == uid), None)
        if row is None:
            raise Refused(404, {"message": "Correlation not found", "traceID": ""})
        return row

    def _correlation_patch(self, source, uid, body):
        data, row = body.dict(), self._get_correlation(source, uid)
        row.update({key: data[key] for key in ("label", "description", "config") if key in data})
        return 200, {"result": row, "message": "Correlation updated"}

    def _correlation_delete(self, source, uid):
        self.org_.correlations[source].remove(self._get_correlation(source, uid))
        return 200, {"message": "Correlation deleted"}

    def _admin_settings(self):
        self._server("settings:read")
        return 200, {"database": {"type": self.database or "sqlite3"}}

    # -- teams ---------------------------------------------------------------------------------------------------------
    def _team_body(self, team):
        return {"id": team["id"], "orgId": self.org_.id, "name": team["name"], "email": team["email"],
                "avatarUrl": "/public/img/user_profile.png", "memberCount": 1, "permission": 0, "accessControl": None}

    def _teams(self):
        size, page = self._number("perpage", 1000), self._number("page", 1)
        rows = sorted((t for t in self.org_.teams.values() if "name" not in self.query or t["name"] == self.query["name"][0]),
                      key=lambda t: t["name"].lower())
        return 200, {"totalCount": len(rows), "teams": [self._team_body(t) for t in rows[(page - 1) * size:page * size]], "page": page,
                     "perPage": size}

    def _team_create(self, body):
        data = body.dict()
        self._need(self.role, "Admin", "teams:create")
        if not data.get("name"):
            return BAD
        if any(t["name"] == data["name"] for t in self.org_.teams.values()):
            return 409, {"message": "Team name taken", "traceID": ""}
        team = {"id": next(self.team_ids), "name": data["name"], "email": data.get("email", "")}
        self.org_.teams[team["id"]] = team
        return 200, {"message": "Team created", "teamId": team["id"]}

    def _team(self, number):
        team = self.org_.teams.get(int(number))
        return (200, self._team_body(team)) if team else (404, {"message": "Team not found", "traceID": ""})

    def _team_put(self, number, body):
        data, team = body.dict(), self.org_.teams.get(int(number))
        if team is None:
            return 500, {"message": "Failed to update Team", "traceID": ""}
        if any(t is not team and t["name"] == data["name"] for t in self.org_.teams.values()):
            return 400, {"message": "Team name taken", "traceID": ""}
        team.update(name=data["name"], email=data.get("email", ""))
        return 200, {"message": "Team updated"}

    def _team_delete(self, number):
        if self.org_.teams.pop(int(number), None) is None:
            return 404, {"message": "Failed to delete Team. ID not found"}
        for folder in self.org_.folders.values():
            folder["permissions"] = [e for e in folder["permissions"] if e.get("teamId") != int(number)]
        return 200, {"message": "Team deleted"}

    # -- library panels ------------------------------------------------------------------------------------------------
    def _element_body(self, row, general="General"):
        place = self.org_.folders.get(row["folder"])
        who = {"id": 1, "name": "admin", "avatarUrl": "/public/img/user_profile.png"}
        used = sum(1 for dash in self.org_.dashboards.values() if row["uid"] in library_uids(dash["data"]))
        return {"id": row["id"], "orgId": self.org_.id, "folderId": place["id"] if place else 0, "folderUid": row["folder"],
                "uid": row["uid"], "name": row["name"], "kind": 1, "type": row["model"].get("type", ""),
                "description": row["model"].get("description", ""),
                "model": row["model"], "version": row["version"], "meta": {
                    "folderName": place["title"] if place else general, "folderUid": row["folder"], "connectedDashboards": used,
                    "created": "", "updated": "", "createdBy": who, "updatedBy": who}}

    def _elements(self):
        size, page = self._number("perPage", 100), self._number("page", 1)
        rows = sorted(self.org_.elements.values(), key=lambda r: r["name"].lower())
        rows = [self._element_body(r) for r in rows[(page - 1) * size:page * size]]
        return 200, {"result": {"totalCount": len(rows), "elements": rows, "page": page, "perPage": size}}

    def _element_create(self, body):
        data = body.dict()
        if self.role == "Viewer":
            return 403, {"message": "access denied to folder", "traceID": ""}
        if data.get("kind") != 1:
            return BAD
        uid, folder = data.get("uid") or self._uid(), data.get("folderUid") or ""
        if folder and folder not in self.org_.folders:
            return 400, {"message": "failed to get folder", "traceID": ""}
        if len(uid) > 40:
            return 400, {"message": "uid too long, max 40 characters", "traceID": ""}
        if data.get("model") is None:
            return 500, {"message": "Failed to create library element", "traceID": ""}
        if uid in self.org_.elements or any(r["name"] == data["name"] and r["folder"] == folder for r in self.org_.elements.values()):
            return 400, {"message": "library element with that name or UID already exists", "traceID": ""}
        row = {"id": next(self.element_ids), "uid": uid, "folder": folder, "name": data["name"], "model": data["model"], "version": 1}
        self.org_.elements[uid] = row
        return 200, {"result": self._element_body(row, general="")}

    def _element(self, uid):
        row = self.org_.elements.get(uid)
        return (200, {"result": self._element_body(row)}) if row else NO_ELEMENT

    def _element_by_name(self, name):
        return 200, {"result": [self._element_body(r) for r in self.org_.elements.values() if r["name"] == name]}

    def _element_patch(self, uid, body):
        data, row = body.dict(), self.org_.elements.get(uid)
        if row is None:
            return NO_ELEMENT
        if data.get("version") != row["version"]:
            return 412, {"message": "the library element has been changed by someone else", "traceID": ""}
        row.update(name=data.get("name") or row["name"], folder=data.get("folderUid") or "", version=row["version"] + 1,
                   model=data.get("model") or row["model"])
        return 200, {"result": self._element_body(row, general="")}

    def _used(self):
        return {uid for dash in self.org_.dashboards.values() for uid in library_uids(dash["data"])}

    def _element_delete(self, uid):
        row = self.org_.elements.get(uid)
        if row is None:
            return NO_ELEMENT
        if uid in self._used():
            return 403, {"message": "the library element has connections", "traceID": ""}
        del self.org_.elements[uid]
        return 200, {"id": row["id"], "message": "Library element deleted"}

    # -- by hand -------------------------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def by_hand(self):
        """The main organisation, for a test that plays a person at the UI."""
        with self.lock:
            yield self.orgs[1]


class Lazy:
    """A body, parsed when its handler looks: who may not is refused before what is wrong is."""

    def __init__(self, headers, raw):
        self.headers, self.raw = headers, raw

    def dict(self, types=None):
        if not self.raw.strip():
            return {}
        if "json" not in self.headers.get("content-type", ""):
            raise Refused(*BAD)
        try:
            data = json.loads(self.raw)
        except ValueError:
            raise Refused(*BAD) from None
        if not isinstance(data, dict) or not all(isinstance(data.get(key) or kind(), kind) for key, kind in (types or {}).items()):
            raise Refused(*BAD)
        return data


def library_uids(model):
    return [panel["libraryPanel"]["uid"] for panel in model.get("panels") or []
            if isinstance(panel, dict) and isinstance(panel.get("libraryPanel"), dict) and panel["libraryPanel"].get("uid")]


def slug(title):
    """As Grafana makes it, for the titles that were recorded."""
    text = title.lower()
    for letter, words in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(letter, words)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"-+", "-", re.sub(r"[^a-z0-9_]+", "-", text)).strip("-")
