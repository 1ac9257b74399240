# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same declaration as Grafana's provisioning files: pure, so the same declaration makes the same texts.

Grafana expands variables in most of these files ($NAME, ${NAME}; $$ is a dollar), so a dollar that is meant is written twice there. It
does not in annotations, models of queries, templates, policies and mute timings. A secret is a file of its own that is referred to.
What is no longer declared is named for deletion, as Grafana keeps what merely vanishes from a file.
"""

from __future__ import annotations

import json
import re

from ansible_collections.psf.observatory.plugins.module_utils.grafana import alert_rules, durations, model
from ansible_collections.psf.observatory.plugins.module_utils.grafana.drift import written
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

# Kinds that files hold.
HELD = ("folder", "datasource", "correlation", "dashboard", "notification template", "mute timing", "contact point", "policies",
        "alert rule", "rule group")
GENERAL = "general"
REFERENCE = re.compile(r"\$__(file|env|vault)\{[^}]+\}|\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$[A-Za-z_][A-Za-z0-9_]*")
# The kinds that have to be named to be deleted, and the list in which.
DELETED = {"datasource": ("datasources", "deleteDatasources"), "alert rule": ("alerting", "deleteRules"),
           "contact point": ("alerting", "deleteContactPoints"), "notification template": ("alerting", "deleteTemplates"),
           "mute timing": ("alerting", "deleteMuteTimes"), "policies": ("alerting", "resetPolicies")}
# What JSON leaves as it is in a text, and YAML reads as the end of a line or not at all.
UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
HEAD = "# Made by psf.observatory.grafana_files (scope %s): changes by hand are overwritten.\n"


class Text:
    """A file: its text, and whether it is a secret. about: the object that it is, for a plan in its terms."""

    def __init__(self, text, secret=False, about=None):
        self.text, self.secret, self.about = text, secret, about


def check(wanted):
    """Errors and warnings about what files cannot hold."""
    for (kind, _key), one in sorted(wanted.items()):
        if kind not in HELD:
            raise ConcernError("%s: files of Grafana cannot hold it; declare it to grafana_content, in another scope" % one.label)
        if kind == "folder" and one.data["parent"]:
            raise ConcernError("%s: parent: files of Grafana cannot nest folders; declare it to grafana_content" % one.label)
        place = one.data.get("folder")
        if place and ("folder", place) not in wanted:
            raise ConcernError("%s: folder %s is not declared; its title is needed" % (one.label, place))
        if kind == "correlation" and ("datasource", one.data["source"]) not in wanted:
            raise ConcernError("%s: data source %s is not declared; the correlation stands in its file" % (one.label, one.data["source"]))
    boards = {one.data["folder"] for (kind, _key), one in wanted.items() if kind == "dashboard"}
    rules = {one.data["folder"] for (kind, _key), one in wanted.items() if kind == "alert rule"}
    return ["folder %s holds dashboards and rules: the rules' file names it by its title only, and what is read first makes it; give the "
            "rules a folder of their own" % uid for uid in sorted(boards & rules)]


def objects(wanted):
    """What a record keeps of a declaration: kind to {key: name}."""
    found = {}
    for (kind, key), one in sorted(wanted.items()):
        if kind in DELETED:
            found.setdefault(kind, {})[key] = one.data.get("name") or ""
    return found


def render(wanted, gone, where):
    """Absolute path to Text. gone: as `objects`, of what shall be deleted; where: Places."""
    files, secrets = {}, {}
    for (kind, key), one in sorted(wanted.items()):
        if kind == "dashboard":
            path = "%s/%s/%s.json" % (where.dashboards, one.data["folder"] or GENERAL, key)
            files[path] = Text(written(dict(one.body, uid=key)), about=one)
    documents = {"dashboards": _providers(wanted, where), "datasources": _sources(wanted, where, secrets),
                 "alerting": _alerting(wanted, where, secrets)}
    for kind, rows in sorted(gone.items()):
        part, word = DELETED[kind]
        for key, name in sorted(rows.items()):
            row = {"orgId": where.org_id, "uid": key} if kind in ("alert rule", "contact point") else {"orgId": where.org_id, "name": name}
            documents[part].setdefault(word, []).append(where.org_id if kind == "policies" else row)
    for part, document in documents.items():
        if document:
            text = HEAD % where.scope + yaml(dict({"apiVersion": 1}, **document))
            files["%s/%s/psf-%s.yaml" % (where.provisioning, part, where.scope)] = Text(text)
    for path, value in secrets.items():
        files[path] = Text(value, secret=True)
    return files


class Places:
    """Where files are. provisioning, dashboards, secrets: absolute directories; the latter two are this scope's own."""

    def __init__(self, provisioning, dashboards, secrets, scope, org_id, interval, ui):
        self.provisioning, self.scope, self.org_id, self.interval, self.ui = provisioning.rstrip("/"), scope, org_id, interval, ui
        self.dashboards, self.secrets = "%s/%s" % (dashboards.rstrip("/"), scope), "%s/%s" % (secrets.rstrip("/"), scope)

    @property
    def own(self):
        """Directories in which everything is ours."""
        return self.dashboards, self.secrets


def _providers(wanted, where):
    """One provider for each folder that has dashboards."""
    used = sorted({one.data["folder"] for (kind, _key), one in wanted.items() if kind == "dashboard"})
    rows = []
    for uid in used:
        row = {"name": "psf-%s-%s" % (where.scope, uid or GENERAL), "orgId": where.org_id, "type": "file", "disableDeletion": False,
               "allowUiUpdates": where.ui, "updateIntervalSeconds": where.interval,
               "options": {"path": plain("%s/%s" % (where.dashboards, uid or GENERAL))}}
        if uid:
            row.update(folder=plain(wanted["folder", uid].data["title"]), folderUid=uid)
        rows.append(row)
    return {"providers": rows} if rows else {}


def _sources(wanted, where, secrets):
    rows = []
    for (kind, key), one in sorted(wanted.items()):
        if kind != "datasource":
            continue
        row = plain({name: value for name, value in one.data.items() if value not in ("", False)})
        row.update(uid=key, orgId=where.org_id, editable=False)
        hidden = _secrets(one, where, secrets)
        if hidden:
            row["secureJsonData"] = hidden
        links = [_correlation(other.data) for (other_kind, _key), other in sorted(wanted.items())
                 if other_kind == "correlation" and other.data["source"] == key]
        if links:
            row["correlations"] = links
        rows.append(row)
    return {"datasources": rows} if rows else {}


def _correlation(data):
    row = plain({"label": data["label"], "description": data["description"], "type": data["type"], "config": {
        "type": data["type"], "field": data["field"], "target": data["query"], "transformations": data["transformations"]}})
    if data["target"]:
        row["targetUID"] = data["target"]
    return row


def _secrets(one, where, secrets):
    """Name to a reference, of an object's secrets; the values go into files."""
    found = {}
    for name, value in sorted(one.secrets.items()):
        if REFERENCE.fullmatch(value):
            found[name] = value
            continue
        if value != value.strip() or not value:
            raise ConcernError("%s: secret %s is empty, or begins or ends with a blank, which Grafana would take off" % (one.label, name))
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise ConcernError("%s: secret %r: a name has letters, digits, _ . and -" % (one.label, name))
        path = "%s/%s-%s-%s" % (where.secrets, one.kind.replace(" ", "_"), one.key, name)
        secrets[path] = value
        found[name] = "$__file{%s}" % path
    return found


def _alerting(wanted, where, secrets):
    by = {}
    for (kind, key), one in sorted(wanted.items()):
        by.setdefault(kind, []).append((key, one))
    document = {}
    groups = []
    for key, one in by.get("rule group", ()):
        folder, name = key.split("/", 1)
        rules = [_rule(uid, rule.data) for uid, rule in by["alert rule"] if (rule.data["folder"], rule.data["group"]) == (folder, name)]
        groups.append({"orgId": where.org_id, "name": plain(name), "folder": plain(wanted["folder", folder].data["title"]),
                       "interval": "%ds" % durations.seconds(one.data["interval"]), "rules": rules})
    points = {}
    for key, one in by.get("contact point", ()):
        settings = dict(plain(one.data["settings"]), **_secrets(one, where, secrets))
        points.setdefault(one.data["name"], []).append({"uid": key, "type": one.data["type"], "settings": settings,
                                                        "disableResolveMessage": one.data["disableResolveMessage"]})
    if groups:
        document["groups"] = groups
    if points:
        document["contactPoints"] = [{"orgId": where.org_id, "name": plain(name), "receivers": rows}
                                     for name, rows in sorted(points.items())]
    for kind, word in (("notification template", "templates"), ("mute timing", "muteTimes"), ("policies", "policies")):
        if by.get(kind):
            document[word] = [dict({"orgId": where.org_id}, **one.data) for _key, one in by[kind]]
    return document


def _rule(uid, data):
    body = alert_rules.rule_body(uid, data)
    for name in ("folderUID", "ruleGroup", "orgID"):
        del body[name]
    row = plain({name: value for name, value in body.items() if name not in ("annotations", "data")})
    row["annotations"] = body["annotations"]
    row["data"] = [dict(plain({name: value for name, value in query.items() if name != "model"}), model=query["model"])
                   for query in body["data"]]
    return {name: value for name, value in row.items() if value not in ({}, None)}


def plain(value):
    """With each dollar twice, so that nothing in it is taken for a variable."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def yaml(value, depth=0):
    """Plain data as YAML in blocks, every value as JSON writes it: nothing that a reader could take for something else."""
    space = "  " * depth
    if isinstance(value, dict) and value:
        return "".join("%s%s:%s" % (space, _name(str(name)), _entry(entry, depth)) for name, entry in value.items())
    if isinstance(value, list) and value:
        lines = []
        for entry in value:
            text = _entry(entry, depth)
            lines.append("%s-%s" % (space, " " + text.lstrip("\n").lstrip() if text.startswith("\n") and isinstance(entry, dict) else text))
        return "".join(lines)
    return space + scalar(value) + "\n"


def _name(text):
    """A name without quotes where no reader takes it for something else."""
    return text if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text) and text.lower() not in WORDS else scalar(text)


def scalar(value):
    """A scalar, or an empty list or mapping, that YAML and JSON read alike."""
    if isinstance(value, float):
        return re.sub(r"^(-?[0-9]+)e", r"\1.0e", repr(value))
    return UNSAFE.sub(lambda match: "\\u%04x" % ord(match.group()), json.dumps(value, ensure_ascii=False))


def _entry(value, depth):
    if isinstance(value, (dict, list)) and value:
        return "\n" + yaml(value, depth + 1)
    return " " + scalar(value) + "\n"


def declared(params, version):
    """The declaration, judged for files: (wanted, warnings)."""
    wanted = model.declared(params, version)
    return wanted, check(wanted)
