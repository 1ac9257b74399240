# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double answers as the real server did: every recorded exchange of the kinds that the module handles, in the recorded order."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double import Double

RECORDED = Path(__file__).parent / "recorded"
# Random or of the moment in every run.
VOLATILE = {"id", "created", "updated", "createdAt", "updatedAt", "accessErrorId", "homeDashboardId", "folderId", "lastSeenAt",
            "dashboardId", "lastSeenAtAge", "etag", "traceID", "orgId"}
# What the recorder did between the recorded calls, in the words of the API; by the step before which it happened.
BASE = {"tags": ["a", "b"], "timezone": "browser", "schemaVersion": 37, "time": {"from": "now-6h", "to": "now"}, "refresh": "30s",
        "panels": []}
LOKI = {"name": "Loki", "type": "loki", "access": "proxy", "url": "http://127.0.0.1:3100",
        "jsonData": {"maxLines": 1000, "httpHeaderName1": "X-Scope-OrgID"}}
TEXT = {"type": "text", "title": "Lib panel", "description": "d", "options": {"content": "hi", "mode": "markdown"}}


def saved(uid, title):
    return ("POST", "/api/dashboards/db", {"dashboard": {"uid": uid, "title": title, **BASE}, "folderUid": "f-team-a"})


BETWEEN = {
    "03_folders/delete": [("POST", "/api/dashboards/db", {"dashboard": {"uid": "d-in-desc", "title": "In desc"}, "folderUid": "f-desc"})],
    "04_folder_permissions/set": [("POST", "/api/teams", {"name": "perm team"})],
    "05_dashboards/schema42": [saved("d-one", "One")],
    "05_dashboards/import-get": [saved("d-imp", "Imported")],
    "08_search/all": [saved("d-ver", "Versions")],
    "09_datasources/put-nourl": [("PUT", "/api/datasources/uid/loki9", {**LOKI, "uid": "loki1"})],
    "22_library_elements/use": [("PATCH", "/api/library-elements/lp1", {
        "name": "Lib panel b", "kind": 1, "version": 3, "folderUid": "f-team-a", "model": TEXT})],
}
# Not modelled: reason. The module does not use these.
UNMODELLED = {
    "01_health_version": {"nonapi-unknown": "front end", "api-unknown-anon": "order of 401 and 404", "settings": "cut by the recorder",
                          "settings-anon": "cut by the recorder", "stats": "statistics", "stats-orgadmin": "statistics",
                          "plugins-ds": "plugins", "plugins-panel": "plugins", "health-post": "unused"},
    "02_org_header": {},
    "03_folders": {"create-editor": "rights of an editor in the answer to its own creation"},
    "04_folder_permissions": {"new-api": "role-based access control's own paths", "new-api-desc": "role-based access control's own paths"},
    "05_dashboards": {"home": "the built-in home page", "validate": "unused", "import": "unused", "import-get": "unused",
                      "import-noinput": "unused", "apis": "status only in newer versions"},
    "08_search": {},
    "09_datasources": {},
    "19_teams": {"prefs": "preferences of a team", "prefs-put": "preferences of a team", "prefs-get": "preferences of a team",
                 "member": "members", "member-dup": "members", "member-unknown": "members", "member-noid": "members", "members": "members",
                 "member-admin": "members", "member-del": "members", "member-del-again": "members"},
    "22_library_elements": {"connections": "connections of one library panel"},
}
FAMILIES = sorted(UNMODELLED)


def meaning(value):
    """An answer without what is random in it."""
    if isinstance(value, dict):
        return {key: meaning(entry) for key, entry in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [meaning(entry) for entry in value]
    return value


@pytest.fixture(scope="module")
def replayed():
    """{family: {step: (row, status, answer of the double)}}, all families in order on one double."""
    double, uids, result = Double(), {}, {}

    def ask(method, path, who, headers=None, body=None):
        sent = {"Content-Type": "application/json", **(headers or {})}
        if who not in ("nobody", None) and "Authorization" not in sent:
            name, password = {"badpw": ("admin", "wrong"), "ghost": ("ghost", "ghost")}.get(who, (who, who))
            sent["Authorization"] = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
        text = "" if body is None else body["raw"] if isinstance(body, dict) and set(body) == {"raw"} else json.dumps(body)
        raw = text.encode()
        for recorded, made in uids.items():
            path, raw = path.replace(recorded, made), raw.replace(recorded.encode(), made.encode())
        status, answer, _headers = double.handle(method, path, sent, raw)
        if method == "HEAD":
            answer = ""
        text = json.dumps(answer)
        for recorded, made in uids.items():
            text = text.replace(made, recorded)
        return status, json.loads(text)

    for family in FAMILIES:
        result[family] = {}
        for row in json.loads((RECORDED / f"{family}.json").read_text(encoding="utf-8")):
            for method, path, body in BETWEEN.get(f"{family}/{row['step']}", []):
                ask(method, path, "admin", body=body)
            status, answer = ask(row["method"], row["path"], row["as"], row.get("headers"), row.get("body"))
            real = row["answer"]
            # A uid that each server makes up is the recorded one from here on.
            for path in ((), ("result",), ("datasource",)):
                mine, theirs = answer, real
                for key in path:
                    mine, theirs = (side.get(key, {}) if isinstance(side, dict) else {} for side in (mine, theirs))
                if isinstance(mine, dict) and isinstance(theirs, dict) and str(mine.get("uid", "")).startswith("made"):
                    uids[theirs["uid"]] = mine["uid"]
                    answer = json.loads(json.dumps(answer).replace(mine["uid"], theirs["uid"]))
            result[family][row["step"]] = (row, status, answer)
    return result


def steps():
    for family in FAMILIES:
        for row in json.loads((RECORDED / f"{family}.json").read_text(encoding="utf-8")):
            if row["step"] not in UNMODELLED[family]:
                yield family, row["step"]


def shaped(real, mine):
    """The double's answer, cut as the recorder cut the real one."""
    if isinstance(real, str) and real.startswith("list of "):
        return "list of %d" % len(mine)
    if isinstance(real, list) and real and isinstance(mine, list) and mine and isinstance(mine[0], dict):
        if isinstance(real[0], str):
            return [row["uid"] for row in mine]
        keys = set().union(*real)
        return [{key: row.get(key) for key in keys} if keys < set(row) else row for row in mine]
    if isinstance(real, dict) and set(real) == {"meta"} and isinstance(mine, dict):
        return {"meta": {key: mine["meta"].get(key) for key in real["meta"]}}
    return mine


@pytest.mark.parametrize(("family", "step"), list(steps()))
def test_the_double_answers_as_recorded(replayed, family, step):
    row, status, answer = replayed[family][step]
    assert (status, meaning(shaped(row["answer"], answer))) == (row["status"], meaning(row["answer"])), row["why"]


def test_most_is_modelled():
    left_out = sum(len(steps) for steps in UNMODELLED.values())
    assert left_out < 0.1 * sum(len(json.loads((RECORDED / f"{family}.json").read_text(encoding="utf-8"))) for family in FAMILIES)
