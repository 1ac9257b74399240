# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the double in double.py does with provisioning files: data sources, dashboards and alerting, read as a real 9.4 was recorded to.

`files` is path to text. `read_files` takes what is in them, as a start of the server, a reload or a provider's interval does. Variables
are expanded where Grafana expands them ($NAME, ${NAME}, $__env{NAME}, $__file{path}; $$ is a dollar); not in annotations, models of
queries, templates, policies and mute timings.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double_alerting import Answer

VARIABLE = re.compile(r"\$__(env|file)\{([^}]*)\}|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)")
WORDS = {"dashboards": "Dashboards", "datasources": "Datasources", "alerting": "Alerting"}
BROKEN = Answer(500, {"message": "Internal Server Error", "traceID": ""})


class FileDouble:
    """Mixed into Double."""
    FILE_ROUTES = (("POST", r"/api/admin/provisioning/(dashboards|datasources|alerting)/reload", "reload"),)

    def _file_tables(self, where="/etc/grafana/provisioning"):
        self.files, self.environment, self.provisioning = {}, {}, where

    def _reload(self, kind, _body):
        self._server("provisioning:reload")
        self.read_files(kind)
        return 200, {"message": WORDS[kind] + " config reloaded"}

    def start_with(self, files):
        """As a server that starts with these files."""
        self.files = files
        with self.lock:
            for kind in ("datasources", "alerting", "dashboards"):
                self.read_files(kind)

    def read_files(self, kind):
        with self.lock:
            self.user, self.org_, self.role, self.query, self.server_admin = {"id": 0, "login": "Anonymous", "robot": True}, self.orgs[1], \
                "Admin", {}, True
            documents = []
            top = "%s/%s/" % (self.provisioning, kind)
            for path in sorted(path for path in self.files if path.startswith(top) and path.endswith((".yaml", ".yml", ".json"))):
                try:
                    data = yaml.safe_load(self.files[path])
                except yaml.YAMLError:
                    raise BROKEN from None
                documents.append(data if isinstance(data, dict) else {})
            getattr(self, "_read_" + kind)(documents)

    def _expanded(self, value):
        if isinstance(value, dict):
            return {key: self._expanded(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [self._expanded(entry) for entry in value]
        if not isinstance(value, str):
            return value

        def variable(match):
            if match.group(1) == "file":
                return Path(match.group(2)).read_text(encoding="utf-8").strip()
            return self.environment.get(match.group(2) or match.group(3) or match.group(4), "")
        return "$".join(VARIABLE.sub(variable, part) for part in value.split("$$"))

    # -- data sources --------------------------------------------------------------------------------------------------
    def _read_datasources(self, documents):
        sources = self.org_.sources
        rows = [row for data in documents for row in data.get("datasources") or []]
        if sum(1 for row in rows if row.get("isDefault")) > 1:
            raise BROKEN
        for row in (row for data in documents for row in data.get("deleteDatasources") or []):
            for uid in [uid for uid, source in sources.items() if source["name"] == self._expanded(row["name"])]:
                del sources[uid]
        for raw in rows:
            row = self._expanded(raw)
            old = next((source for source in sources.values() if source["name"] == row["name"]), None)
            uid = row.get("uid") or (old["uid"] if old else self._uid())
            new = {**self._source_row(row), "id": old["id"] if old else next(self.source_ids), "uid": uid, "version": 1,
                   "secrets": dict(row.get("secureJsonData") or {}), "file": not row.get("editable")}
            if old:
                del sources[old["uid"]]
            self._default(new)
            sources[uid] = new
            # Not recorded: as documented.
            self.org_.correlations[uid] = [{"uid": self._uid(), "sourceUID": uid, "provisioned": True, **link}
                                           for link in row.get("correlations") or []]

    # -- dashboards ----------------------------------------------------------------------------------------------------
    def _file_folder(self, title, uid=None):
        """The folder of files: by its title, made when it is missing."""
        if not title:
            return ""
        folder = next((row for row in self.org_.folders.values() if row["title"] == title or (uid and row["uid"] == uid)), None)
        if folder is None:
            uid = uid or self._uid()
            folder = {"id": next(self.ids), "uid": uid, "title": title, "parent": "", "version": 1, "createdBy": "Anonymous",
                      "updatedBy": "Anonymous", "permissions": [{"role": "Editor", "permission": 2}, {"role": "Viewer", "permission": 1}]}
            self.org_.folders[uid] = folder
        return folder["uid"]

    def _read_dashboards(self, documents):
        there = set()
        for provider in (self._expanded(row) for data in documents for row in data.get("providers") or []):
            top = provider["options"]["path"].rstrip("/") + "/"
            paths = sorted(path for path in self.files if path.startswith(top) and path.endswith(".json"))
            models = {path: json.loads(self.files[path]) for path in paths}
            uids = [model["uid"] for model in models.values() if model.get("uid")]
            there.update((provider["name"], path[len(top):]) for path in paths)
            if len(set(uids)) != len(uids):
                # It stops writing.
                continue
            folder = self._file_folder(provider.get("folder"), provider.get("folderUid"))
            for path, model in models.items():
                self._file_dashboard(provider, folder, path[len(top):], model)
        for uid, row in list(self.org_.dashboards.items()):
            if row.get("external") and (row["provider"], row["external"]) not in there:
                del self.org_.dashboards[uid]

    def _file_dashboard(self, provider, folder, name, model):
        boards = self.org_.dashboards
        old = next((row for row in boards.values() if (row.get("provider"), row.get("external")) == (provider["name"], name)), None)
        if old is not None and old["text"] == model and old["folder"] == folder:
            return
        uid = model.get("uid") or (old["uid"] if old else self._uid())
        if old is not None:
            del boards[old["uid"]]
        number, version = old["id"] if old else next(self.ids), old["version"] + 1 if old else 1
        boards[uid] = {"id": number, "uid": uid, "version": version, "folder": folder, "createdBy": "Anonymous", "updatedBy": "Anonymous",
                       "provider": provider["name"], "external": name, "text": model, "open": bool(provider.get("allowUiUpdates")),
                       "data": {**model, "uid": uid, "id": number, "version": version}}

    # -- alerting ------------------------------------------------------------------------------------------------------
    def _read_alerting(self, documents):
        for group in (row for data in documents for row in data.get("groups") or []):
            self._file_group(group)
        for row in (row for data in documents for row in data.get("deleteRules") or []):
            self.org_.alerting.rules.pop(self._expanded(row["uid"]), None)
        self._empty_groups()
        alerting = self.org_.alerting
        for point in (row for data in documents for row in data.get("contactPoints") or []):
            for receiver in point["receivers"]:
                row = {**self._expanded(receiver), "name": self._expanded(point["name"]), "provenance": "file"}
                row["disableResolveMessage"] = bool(row.get("disableResolveMessage"))
                self._check_point(row)
                alerting.points = [other for other in alerting.points if other["uid"] != row["uid"]] + [row]
        for row in (row for data in documents for row in data.get("templates") or []):
            alerting.templates[row["name"]] = row["template"].strip()
        for row in (row for data in documents for row in data.get("muteTimes") or []):
            alerting.timings[row["name"]] = {"name": row["name"], "time_intervals": self._intervals(row.get("time_intervals"))}
        for data in documents:
            if data.get("resetPolicies"):
                self._tree_reset()
            for row in data.get("policies") or []:
                alerting.tree = self._route_row(row)
                alerting.tree_provenance = "file"
        used = self._used_by_tree(alerting.tree, "receiver")
        for row in (row for data in documents for row in data.get("deleteContactPoints") or []):
            alerting.points = [other for other in alerting.points if other["uid"] != row["uid"] or other["name"] in used]
        for row in (row for data in documents for row in data.get("deleteMuteTimes") or []):
            alerting.timings.pop(row["name"], None)
        for row in (row for data in documents for row in data.get("deleteTemplates") or []):
            alerting.templates.pop(row["name"], None)

    def _file_group(self, group):
        alerting = self.org_.alerting
        folder = self._file_folder(self._expanded(group["folder"]))
        interval = re.fullmatch(r"([0-9]+)([smh])", str(group["interval"]))
        seconds = int(interval.group(1)) * {"s": 1, "m": 60, "h": 3600}[interval.group(2)]
        if seconds % 10:
            raise BROKEN
        for raw in group["rules"]:
            texts = self._expanded({key: value for key, value in raw.items() if key not in ("annotations", "data")})
            row = self._rule_row({"noDataState": "NoData", "execErrState": "Alerting", **texts, "annotations": raw.get("annotations"),
                                  "data": [{**self._expanded({**query, "model": None}), "model": query["model"]} for query in raw["data"]],
                                  "folderUID": folder, "ruleGroup": self._expanded(group["name"])})
            old = alerting.rules.get(row["uid"], {})
            row.update(id=old.get("id") or next(self.rule_ids), version=old.get("version", 0) + 1, provenance="file")
            alerting.rules[row["uid"]] = row
        alerting.intervals[folder, self._expanded(group["name"])] = seconds
