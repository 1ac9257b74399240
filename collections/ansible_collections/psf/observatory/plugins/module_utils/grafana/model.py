# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Grafana organisation shall hold: the declaration, checked by itself before Grafana is asked.

An object is (kind, key): dashboard, folder and rule by uid, team and template by name. `data` is its normal form, `body` what is
sent, `secrets` what can be written but not read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib

from ansible_collections.psf.observatory.plugins.module_utils.grafana import alert_rules, compare, durations, links, notifications
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

# In this order they are written; in the other they are deleted.
KINDS = ("team", "service account", "folder", "permissions", "datasource", "correlation", "library panel", "dashboard",
         "notification template", "mute timing", "contact point", "policies", "alert rule", "rule group", "home")
# Options that are lists, and that a bundle may add to.
LISTS = ("teams", "service_accounts", "folders", "datasources", "correlations", "library_panels", "dashboards",
         "notification_templates", "mute_timings", "contact_points", "rule_groups")
ROLES = ("None", "Viewer", "Editor", "Admin")
LEVELS = {"View": 1, "Edit": 2, "Admin": 4}
UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
ORG = "organisation"
# Data sources that every Grafana has.
BUILT_IN = ("grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --", "__expr__", "-100")


class Wanted:
    """One declared object."""

    def __init__(self, kind, key, data, body=None, secrets=None, label=None):
        self.kind, self.key, self.data, self.body, self.secrets = kind, key, data, body, secrets or {}
        self.label = label or name_of(kind, key, data)
        self._digest = None

    @property
    def digest(self):
        if self._digest is None:
            self._digest = compare.digest(self.data)
        return self._digest


def name_of(kind, key, data):
    """How an object is called in plans and errors: dashboard "Nodes" (psf-node)."""
    title = (data or {}).get("title") or (data or {}).get("name")
    if kind == "home":
        return "home dashboard"
    if kind == "permissions":
        return "permissions of folder %s" % key
    if kind == "policies":
        return "notification policies"
    return '%s "%s" (%s)' % (kind, title, key) if title and title != key else "%s %s" % (kind, key)


def unpack(content):
    """What the controller packed: {"dashboards": [...], "library_panels": [...], ...} as JSON, compressed, in base64."""
    if not content:
        return {}
    try:
        return json.loads(zlib.decompress(base64.b64decode(content)))
    except (ValueError, binascii.Error, zlib.error) as error:
        raise ConcernError("the bundle was damaged on its way to the host: %s" % error) from error


def pack(data):
    return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode("ascii")


def declared(params, version=(9, 4)):
    """All declared objects as {(kind, key): Wanted}. params: options as in the module's documentation; lists add to the bundle's."""
    content = unpack(params.get("content"))
    both = {name: list(content.get(name) or []) + list(params.get(name) or []) for name in LISTS}
    found = _Declaration()
    for row in both["teams"]:
        found.add(Wanted("team", _text("teams", row, "name"), {"name": row["name"], "email": row.get("email") or ""}))
    for row in both["service_accounts"]:
        _service_account(found, row)
    _folders(found, both["folders"])
    for row in links.joined(both["datasources"], version):
        _datasource(found, row)
    if sum(1 for wanted in found.of("datasource") if wanted.data["isDefault"]) > 1:
        raise ConcernError("datasources: is_default is true for %s; one at most can be" % ", ".join(
            wanted.key for wanted in found.of("datasource") if wanted.data["isDefault"]))
    for row in both["correlations"]:
        _correlation(found, row)
    for row in both["library_panels"]:
        _library_panel(found, row)
    for row in both["dashboards"]:
        _dashboard(found, row, params)
    _alerting(found, both, params.get("policies") or content.get("policies"))
    home = params.get("home_dashboard") or content.get("home_dashboard")
    if home:
        found.add(Wanted("home", ORG, {"uid": _uid("home_dashboard", home)}))
    _check_places(found)
    return found.objects


class _Declaration:
    def __init__(self):
        self.objects = {}

    def add(self, wanted):
        if (wanted.kind, wanted.key) in self.objects:
            raise ConcernError("%s is declared twice; each uid or name is for one object" % wanted.label)
        self.objects[wanted.kind, wanted.key] = wanted

    def of(self, kind):
        return [wanted for wanted in self.objects.values() if wanted.kind == kind]


def _text(option, row, key):
    if not isinstance(row, dict) or not isinstance(row.get(key), str) or not row[key].strip():
        raise ConcernError("%s: %s needs a %s" % (option, compare.shown(row), key))
    return row[key].strip()


def _uid(option, value):
    if not isinstance(value, str) or not UID.fullmatch(value) or value == "general":
        raise ConcernError("%s: %r is no uid; 1 to 40 letters, digits, - and _, and not general" % (option, value))
    return value


def _folders(found, rows):
    for row in rows:
        uid, title = _uid("folders: uid", (row or {}).get("uid")), _text("folders", row, "title")
        if title.lower() == "general":
            raise ConcernError("folders: %s: the title General belongs to Grafana; choose another" % uid)
        parent = row.get("parent") or ""
        found.add(Wanted("folder", uid, {"title": title, "parent": _uid("folders: %s: parent" % uid, parent) if parent else ""}))
        if row.get("permissions") is not None:
            found.add(Wanted("permissions", uid, {"entries": permissions(uid, row["permissions"])}))
    parents = {wanted.key: wanted.data["parent"] for wanted in found.of("folder")}
    for uid, parent in parents.items():
        seen, at = [uid], parent
        while at:
            if at in seen:
                raise ConcernError("folders: %s: a folder cannot be inside itself; change a parent"
                                   % " in ".join(seen[seen.index(at):] + [at]))
            seen.append(at)
            at = parents.get(at, "")


def permissions(uid, rows):
    """{"role Editor": "Edit", "team Ops": "Admin", "user jo": "View"}"""
    found = {}
    for row in rows:
        subjects = [(word, row[word]) for word in ("role", "team", "user") if row.get(word)]
        if len(subjects) != 1 or row.get("permission") not in LEVELS:
            raise ConcernError("folders: %s: permissions: %s needs one of role, team, user, and a permission out of %s"
                               % (uid, compare.shown(row), ", ".join(LEVELS)))
        if subjects[0][0] == "role" and subjects[0][1] not in ("Viewer", "Editor", "Admin"):
            raise ConcernError("folders: %s: permissions: role %s is unknown; there are Viewer, Editor and Admin" % (uid, subjects[0][1]))
        subject = "%s %s" % subjects[0]
        if subject in found:
            raise ConcernError("folders: %s: permissions: %s has two entries" % (uid, subject))
        found[subject] = row["permission"]
    return found


def _datasource(found, row):
    uid, name = _text("datasources", row, "uid"), _text("datasources", row, "name")
    _uid("datasources: uid", uid)
    json_data = row.get("json_data") or {}
    data = compare.plain({
        "name": name, "type": _text("datasources", row, "type"), "access": row.get("access") or "proxy", "url": row.get("url") or "",
        "isDefault": bool(row.get("is_default")), "basicAuth": bool(row.get("basic_auth_user")),
        "basicAuthUser": row.get("basic_auth_user") or "", "withCredentials": bool(row.get("with_credentials")),
        "user": row.get("user") or "", "database": row.get("database") or "", "jsonData": json_data})
    if data["type"] in ("prometheus", "loki", "jaeger", "tempo", "alertmanager") and not data["url"]:
        raise ConcernError("datasources: %s: url is missing; Grafana would take it, and refuse every later change" % uid)
    if any(wanted.data["name"].lower() == name.lower() for wanted in found.of("datasource")):
        raise ConcernError("datasources: two are called %s; names are unique in an organisation" % name)
    secrets = {key: str(value) for key, value in (row.get("secure_json_data") or {}).items() if value is not None}
    found.add(Wanted("datasource", uid, data, secrets=secrets))


def _alerting(found, both, tree):
    for row in both["notification_templates"]:
        data = notifications.declared_template(row or {})
        found.add(Wanted("notification template", data["name"], data))
    for row in both["mute_timings"]:
        data = notifications.declared_mute_timing(row or {})
        found.add(Wanted("mute timing", data["name"], data))
    for row in both["contact_points"]:
        uid = _uid("contact_points: uid", (row or {}).get("uid"))
        data, secrets = notifications.declared_contact_point(row)
        found.add(Wanted("contact point", uid, data, secrets=secrets))
    if tree:
        found.add(Wanted("policies", ORG, notifications.declared_policies(tree)))
    for row in both["rule_groups"]:
        _rule_group(found, row)


def _service_account(found, row):
    name, role = _text("service_accounts", row, "name"), row.get("role") or "Viewer"
    if role not in ROLES:
        raise ConcernError("service_accounts: %s: role %s is unknown; there are %s" % (name, role, ", ".join(ROLES)))
    found.add(Wanted("service account", name, {"name": name, "role": role, "disabled": bool(row.get("disabled"))}))


def _correlation(found, row):
    source, label = _text("correlations", row, "source"), _text("correlations", row, "label")
    where, kind = "correlations: %s/%s" % (source, label), row.get("type") or "query"
    if kind not in ("query", "external"):
        raise ConcernError("%s: type %s is unknown; there are query and external" % (where, kind))
    if not row.get("field"):
        raise ConcernError("%s: field is missing, the field of the source from which it leads on" % where)
    if kind == "query" and not row.get("target"):
        raise ConcernError("%s: target is missing, the uid of the data source to which it leads" % where)
    if kind == "external" and not (row.get("query") or {}).get("url"):
        raise ConcernError("%s: query: url is missing, the address to which it leads" % where)
    found.add(Wanted("correlation", "%s/%s" % (source, label), compare.plain({
        "source": source, "label": label, "target": (row.get("target") or "") if kind == "query" else "",
        "description": row.get("description") or "", "type": kind, "field": row["field"], "query": row.get("query") or {},
        "transformations": row.get("transformations") or []}), label="correlation %s/%s" % (source, label)))


def _rule_group(found, row):
    """A group of alert rules: each rule is an object, and what the group itself has is one more."""
    name, folder = _text("rule_groups", row, "name"), _uid("rule_groups: %s: folder" % (row or {}).get("name"), (row or {}).get("folder"))
    where = "rule_groups: %s" % name
    interval = durations.seconds("1m" if row.get("interval") is None else row["interval"])
    if not interval or interval % 10:
        raise ConcernError("%s: interval: %r is no multiple of 10 seconds" % (where, row.get("interval")))
    if len(name) > 190:
        raise ConcernError("%s: a name has 190 characters at most" % where)
    rules = row.get("rules")
    if not isinstance(rules, list) or not rules:
        raise ConcernError("%s: rules: a group without rules does not exist; declare one, or not the group" % where)
    titles = {(wanted.data["folder"], wanted.data["title"]): wanted for wanted in found.of("alert rule")}
    for entry in rules:
        uid = _uid("%s: rules: uid" % where, (entry or {}).get("uid"))
        wanted = Wanted("alert rule", uid, alert_rules.declared_rule(where, uid, entry, folder, name))
        found.add(wanted)
        other = titles.setdefault((folder, wanted.data["title"]), wanted)
        if other is not wanted:
            raise ConcernError("%s and %s have the same title in folder %s; give one another title" % (other.label, wanted.label, folder))
    found.add(Wanted("rule group", "%s/%s" % (folder, name), {"interval": durations.duration(interval)}))


def _library_panel(found, row):
    uid, name, model = _uid("library_panels: uid", (row or {}).get("uid")), _text("library_panels", row, "name"), row.get("model")
    if not isinstance(model, dict) or not model.get("type"):
        raise ConcernError("library_panels: %s: model must be a panel with a type" % uid)
    found.add(Wanted("library panel", uid, {"name": name, "folder": row.get("folder") or "", "model": library_model(model)}, body=model))


def library_model(model):
    """Normal form of a library panel's model: without what Grafana notes in it about itself."""
    return {key: value for key, value in compare.plain(model).items() if key not in ("libraryPanel", "id", "gridPos")}


def _dashboard(found, row, params):
    model = row.get("model") if isinstance(row, dict) else None
    if isinstance(model, dict) and isinstance(model.get("spec"), dict) and "title" not in model:
        raise ConcernError("dashboards: %s: this is Grafana's v2 format; give the model itself, with uid and title at the top"
                           % compare.shown((model.get("metadata") or {}).get("name")))
    if not isinstance(model, dict) or not isinstance(model.get("title"), str) or not model["title"].strip():
        raise ConcernError("dashboards: %s needs a model with a title" % compare.shown(row))
    uid = _uid('dashboards: "%s": uid' % model["title"], model.get("uid"))
    folder = row.get("folder")
    if folder is None:
        placement = params.get("placement") or {}
        folder = placement.get(row.get("owner"), placement.get("*", ""))
    data = compare.dashboard(model)
    data["folder"] = folder or ""
    found.add(Wanted("dashboard", uid, data, body={key: value for key, value in model.items() if key not in ("id", "version")}))


def _check_places(found):
    """Titles are unique in a folder, names of library panels too; Grafana 9 and 10 compare them without regard to case."""
    seen = {}
    for wanted in found.of("dashboard") + found.of("folder") + found.of("library panel"):
        place = wanted.data.get("folder") if wanted.kind != "folder" else wanted.data["parent"]
        name = (wanted.kind, place, (wanted.data.get("title") or wanted.data.get("name")).lower())
        if name in seen:
            raise ConcernError("%s and %s have the same name in %s; give one another name" % (
                seen[name].label, wanted.label, "folder %s" % place if place else "the same place"))
        seen[name] = wanted


def data_sources_of(model):
    """(where, uid) of every data source that a dashboard names by a fixed uid."""
    found = []

    def walk(where, value):
        if isinstance(value, dict):
            label = 'panel "%s"' % value["title"] if "gridPos" in value and value.get("title") else where
            if isinstance(value.get("datasource"), dict):
                uid = value["datasource"].get("uid")
                if isinstance(uid, str) and uid and "$" not in uid and uid not in BUILT_IN:
                    found.append((label, uid))
            for entry in value.values():
                walk(label, entry)
        elif isinstance(value, list):
            for entry in value:
                walk(where, entry)

    walk("dashboard", model)
    return found


def panel_types_of(model):
    """(panel, type) of every panel that is not a row and not a library panel, at any depth."""
    found = []
    for panel in model.get("panels") or []:
        if isinstance(panel, dict):
            if panel.get("type") not in (None, "row") and not panel.get("libraryPanel"):
                found.append((panel.get("title") or "panel %s" % panel.get("id"), panel["type"]))
            found += panel_types_of(panel)
    return found


def panel_ids_of(model):
    """Ids of all panels as texts, at any depth."""
    found = set()
    for panel in model.get("panels") or []:
        if isinstance(panel, dict):
            found |= {str(panel.get("id"))} | panel_ids_of(panel)
    return found


def library_panels_of(model):
    """(panel, uid) of every library panel that a dashboard uses."""
    found = []
    for panel in model.get("panels") or []:
        if isinstance(panel, dict):
            if isinstance(panel.get("libraryPanel"), dict) and panel["libraryPanel"].get("uid"):
                found.append((panel.get("title") or "panel %s" % panel.get("id"), panel["libraryPanel"]["uid"]))
            found += library_panels_of(panel)
    return found
