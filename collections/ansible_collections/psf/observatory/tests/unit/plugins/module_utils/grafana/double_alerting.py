# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerting and the service accounts of the double in double.py: the provisioning API, the ruler that the UI saves with, accounts.

`newer` in a Double stands for what later versions are documented to do: the provenance in lists, 404 for a missing rule, isPaused and
the other later fields kept, policies with active times. Nothing recorded covers that.
"""

from __future__ import annotations

import copy
import itertools
import re

BAD = (400, {"message": "bad request data", "traceID": ""})
SA_BAD = (400, {"message": "Bad request data", "traceID": ""})
NULL = (404, None)
TITLE = "a conflicting alert rule is found: rule title under the same organisation and folder should be unique"
DEFAULT = {"receiver": "grafana-default-email", "group_by": ["grafana_folder", "alertname"]}
HIDDEN = {"webhook": ("authorization_credentials", "password"), "slack": ("token", "url"), "pagerduty": ("integrationKey",),
          "prometheus-alertmanager": ("basicAuthPassword",), "email": (), "discord": ()}
NEEDED = {"webhook": ("url",), "email": ("addresses",), "pagerduty": ("integrationKey",), "prometheus-alertmanager": ("url",),
          "slack": (), "discord": ("url",)}
REDACTED = "[REDACTED]"
LATER = ("isPaused", "keep_firing_for", "notification_settings", "record", "missingSeriesEvalsToResolve")
UNITS = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
YEAR = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


class Answer(Exception):
    """(status, body) that ends a call."""


def invalid(text):
    return Answer(400, {"message": text, "traceID": ""})


def failed(text, status=500):
    return Answer(status, {"message": text, "traceID": ""})


def span(text):
    """Seconds of a duration, or Answer 400."""
    if text in (None, ""):
        return 0
    if not isinstance(text, str) or not re.fullmatch(r"([0-9]+(ms|[smhdwy]))+|0", text):
        raise Answer(*BAD)
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"([0-9]+)([smhdwy])", text))


def said(seconds):
    text = ""
    for unit in "hms":
        count, seconds = divmod(seconds, UNITS[unit])
        text += "%d%s" % (count, unit) if count else ""
    return text or "0s"


class AlertingOrg:
    """What alerting adds to an organisation. rules: uid to row; intervals: (folder, group) to seconds."""

    def __init__(self):
        self.rules, self.intervals, self.timings, self.templates, self.accounts = {}, {}, {}, {}, {}
        self.points = [{"uid": "", "name": "email receiver", "type": "email", "settings": {"addresses": "<example@email.com>"},
                        "disableResolveMessage": False, "provenance": ""}]
        self.tree, self.tree_provenance = copy.deepcopy(DEFAULT), ""


class AlertingDouble:
    """Mixed into Double; every handler answers (status, body)."""
    newer = False
    P = r"/api/v1/provisioning"
    RULER = r"/api/ruler/grafana/api/v1/rules"
    ALERTING_ROUTES = (
        ("GET", P + "/alert-rules", "rules"), ("POST", P + "/alert-rules", "rule_create"), ("GET", P + r"/alert-rules/([^/]+)", "rule"),
        ("PUT", P + r"/alert-rules/([^/]+)", "rule_put"), ("DELETE", P + r"/alert-rules/([^/]+)", "rule_delete"),
        ("GET", P + r"/folder/([^/]+)/rule-groups/([^/]+)", "group"), ("PUT", P + r"/folder/([^/]+)/rule-groups/([^/]+)", "group_put"),
        ("GET", P + "/contact-points", "points"), ("POST", P + "/contact-points", "point_create"),
        ("PUT", P + r"/contact-points/([^/]+)", "point_put"), ("DELETE", P + r"/contact-points/([^/]+)", "point_delete"),
        ("GET", P + "/mute-timings", "timings"), ("POST", P + "/mute-timings", "timing_create"),
        ("GET", P + r"/mute-timings/([^/]+)", "timing"), ("PUT", P + r"/mute-timings/([^/]+)", "timing_put"),
        ("DELETE", P + r"/mute-timings/([^/]+)", "timing_delete"),
        ("GET", P + "/templates", "templates"), ("GET", P + r"/templates/([^/]+)", "template"),
        ("PUT", P + r"/templates/([^/]+)", "template_put"), ("DELETE", P + r"/templates/([^/]+)", "template_delete"),
        ("GET", P + "/policies", "tree"), ("PUT", P + "/policies", "tree_put"), ("DELETE", P + "/policies", "tree_reset"),
        ("GET", RULER, "ruler"), ("GET", RULER + r"/([^/]+)", "ruler_folder"), ("POST", RULER + r"/([^/]+)", "ruler_post"),
        ("GET", RULER + r"/([^/]+)/([^/]+)", "ruler_group"), ("DELETE", RULER + r"/([^/]+)", "ruler_delete"),
        ("DELETE", RULER + r"/([^/]+)/([^/]+)", "ruler_delete"),
        ("GET", "/api/serviceaccounts/search", "accounts"), ("POST", "/api/serviceaccounts", "account_create"),
        ("GET", r"/api/serviceaccounts/(\d+)", "account"), ("PATCH", r"/api/serviceaccounts/(\d+)", "account_patch"),
        ("DELETE", r"/api/serviceaccounts/(\d+)", "account_delete"), ("GET", r"/api/serviceaccounts/(\d+)/tokens", "account_tokens"),
        ("POST", r"/api/serviceaccounts/(\d+)/tokens", "token_create"),
        ("DELETE", r"/api/serviceaccounts/(\d+)/tokens/(\d+)", "token_delete"),
    )

    def _may_alert(self, word):
        self._need(self.role, "Admin", "alert.provisioning:" + word)

    # -- rules ---------------------------------------------------------------------------------------------------------
    def _rule_row(self, data, echo=False):
        """What is stored of a rule. echo: as the PUT of a group answers it, unchecked."""
        seconds = span(data.get("for"))
        row = {"uid": data.get("uid") or "", "folderUID": data.get("folderUID") or "", "ruleGroup": data.get("ruleGroup") or "",
               "title": data.get("title") or "", "condition": data.get("condition") or "", "for": said(seconds),
               "noDataState": data.get("noDataState") or "", "execErrState": data.get("execErrState") or "",
               "labels": data.get("labels") or {}, "annotations": data.get("annotations") or {}, "data": []}
        for query in data.get("data") or []:
            # What the server adds to a query.
            model = {"intervalMs": 1000, "maxDataPoints": 43200, **(query.get("model") or {})}
            row["data"].append({"refId": query["refId"], "queryType": query.get("queryType") or "",
                                "relativeTimeRange": query.get("relativeTimeRange") or {"from": 0, "to": 0},
                                "datasourceUid": query["datasourceUid"], "model": model})
        if self.newer:
            row.update({name: data[name] for name in LATER if data.get(name)})
        if not echo:
            self._check_rule(row)
        return row

    @staticmethod
    def _check_rule(row):
        if not row["data"]:
            raise invalid("invalid alert rule: no queries or expressions are found")
        if row["execErrState"] not in ("OK", "Error", "Alerting", "KeepLast"):
            raise failed("unknown Error state option %s" % row["execErrState"])
        if row["noDataState"] not in ("OK", "NoData", "Alerting", "KeepLast"):
            raise failed("unknown NoData state option %s" % row["noDataState"])
        if not row["title"]:
            raise invalid("invalid alert rule: title is empty")
        for query in row["data"]:
            times = query["relativeTimeRange"]
            if query["datasourceUid"] != "__expr__" and times["from"] <= times["to"]:
                raise failed("invalid alert query %s: invalid relative time range: {From:%ds To:%ds}" % (
                    query["refId"], times["from"], times["to"]))
        if ("__dashboardUid__" in row["annotations"]) != ("__panelId__" in row["annotations"]):
            raise failed("both annotations __dashboardUid__ and __panelId__ must be specified")

    def _clashes(self, row, rules):
        return any(other["uid"] != row["uid"] and other["folderUID"] == row["folderUID"] and other["title"] == row["title"]
                   for other in rules.values())

    def _rule_body(self, row, provenance=True):
        body = {"id": row.get("id", 0), "orgID": self.org_.id, "updated": "", **{
            key: row[key] for key in ("uid", "folderUID", "ruleGroup", "title", "condition", "data", "for", "noDataState", "execErrState")}}
        for key in ("labels", "annotations"):
            if row[key]:
                body[key] = row[key]
        if (provenance and row.get("provenance")) or self.newer:
            body["provenance"] = row.get("provenance", "")
        if self.newer:
            body.update({"isPaused": False}, **{name: row[name] for name in LATER if name in row})
        return body

    def _rules(self):
        self._may_alert("read")
        rows = sorted(self.org_.alerting.rules.values(), key=lambda row: (row["folderUID"], row["ruleGroup"], row["id"]))
        return 200, [self._rule_body(row, provenance=False) for row in rows]

    def _rule(self, uid):
        self._may_alert("read")
        row = self.org_.alerting.rules.get(uid)
        if row is None:
            return NULL if self.newer else (500, {"message": "could not find alert rule", "traceID": ""})
        return 200, self._rule_body(row)

    def _rule_create(self, body):
        self._may_alert("write")
        data, alerting = body.dict(), self.org_.alerting
        row = self._rule_row(data)
        row["uid"] = row["uid"] or self._uid()
        if row["uid"] in alerting.rules or self._clashes(row, alerting.rules):
            raise failed(TITLE)
        row.update(id=next(self.rule_ids), version=1, provenance="" if "x-disable-provenance" in body.headers else "api")
        alerting.rules[row["uid"]] = row
        alerting.intervals.setdefault((row["folderUID"], row["ruleGroup"]), 60)
        return 201, self._rule_body(row)

    def _rule_put(self, uid, body):
        self._may_alert("write")
        row, alerting = self._rule_row({**body.dict(), "uid": uid}), self.org_.alerting
        old = alerting.rules.get(uid)
        if old is None:
            return NULL
        wanted = "" if "x-disable-provenance" in body.headers else "api"
        if old["provenance"] and old["provenance"] != wanted:
            raise failed("cannot changed provenance from '%s' to '%s'" % (old["provenance"], wanted))
        if self._clashes(row, alerting.rules):
            raise failed(TITLE)
        row.update(id=old["id"], version=old["version"] + 1, provenance=wanted)
        alerting.rules[uid] = row
        alerting.intervals.setdefault((row["folderUID"], row["ruleGroup"]), 60)
        self._empty_groups()
        return 200, self._rule_body(row)

    def _rule_delete(self, uid):
        self._may_alert("write")
        row = self.org_.alerting.rules.get(uid)
        if row is not None and row["provenance"] == "file":
            raise failed("cannot delete with provided provenance 'api', needs 'file'")
        self.org_.alerting.rules.pop(uid, None)
        self._empty_groups()
        return 204, ""

    def _empty_groups(self):
        alerting = self.org_.alerting
        there = {(row["folderUID"], row["ruleGroup"]) for row in alerting.rules.values()}
        alerting.intervals = {at: seconds for at, seconds in alerting.intervals.items() if at in there}

    def _in_group(self, folder, name):
        rows = [row for row in self.org_.alerting.rules.values() if (row["folderUID"], row["ruleGroup"]) == (folder, name)]
        return sorted(rows, key=lambda row: row["id"])

    # -- groups --------------------------------------------------------------------------------------------------------
    def _group(self, folder, name):
        self._may_alert("read")
        rows = self._in_group(folder, name)
        if not rows:
            return 404, {"message": "rulegroup not found", "traceID": ""}
        return 200, {"title": name, "folderUid": folder, "interval": self.org_.alerting.intervals[folder, name],
                     "rules": [self._rule_body(row, provenance=False) for row in rows]}

    def _group_put(self, folder, name, body):
        self._may_alert("write")
        data, alerting = body.dict(), self.org_.alerting
        interval = data.get("interval") or 0
        if not isinstance(interval, int):
            return BAD
        if not interval or interval % 10:
            raise invalid("invalid alert rule: interval (%ds) should be non-zero and divided exactly by scheduler interval: 10" % interval)
        answer = {"title": name, "folderUid": folder, "interval": interval, "rules": data.get("rules")}
        held = [row for row in self._in_group(folder, name) if row["provenance"] == "file"]
        if held:
            raise failed("cannot update with provided provenance 'api', needs 'file'")
        if not data.get("rules"):
            if not self._in_group(folder, name):
                return 404, {"message": "rulegroup not found", "traceID": ""}
            if self.newer and data.get("rules") == []:
                for row in self._in_group(folder, name):
                    del alerting.rules[row["uid"]]
            alerting.intervals[folder, name] = interval
            return 200, answer
        rules = copy.deepcopy(alerting.rules)
        for row in data["rules"]:
            if row.get("uid") and row["uid"] not in rules:
                raise failed("failed to calculate diff for alert rules: failed to update rule with UID %s because could not find "
                             "alert rule" % row["uid"])
        if len(name) > 190:
            raise invalid("failed to update alert rules: invalid alert rule: rule group name length should not be greater than 190")
        kept = self._put_rules(rules, data["rules"], folder, name)
        for uid in [uid for uid, row in rules.items() if (row["folderUID"], row["ruleGroup"]) == (folder, name) and uid not in kept]:
            del rules[uid]
        alerting.rules = rules
        alerting.intervals[folder, name] = interval
        self._empty_groups()
        answer["rules"] = [self._rule_body({**self._rule_row(row, echo=True), "id": 0}, provenance=False) for row in data["rules"]]
        return 200, answer

    def _put_rules(self, rules, wanted, folder, name):
        """Change and add rules, one by one; uids that the group has now."""
        kept = []
        for data in wanted:
            row = self._rule_row(data, echo=True)
            old = rules.get(row["uid"])
            row.update(folderUID=folder, ruleGroup=name)
            if old is not None:
                if row["uid"] in kept:
                    raise failed("failed to update alert rules: version conflict while updating a record in the database with "
                                 "optimistic locking: alert rule UID %s version %d" % (row["uid"], old["version"] - 1), 409)
                row.update({key: old[key] for key in ("title", "data", "noDataState", "execErrState") if not row[key]},
                           id=old["id"], version=old["version"] + 1)
            row["uid"] = row["uid"] or self._uid()
            if self._clashes(row, rules):
                raise failed("failed to %s alert rules: %s" % ("insert" if old is None else "update", TITLE))
            row.setdefault("id", next(self.rule_ids) if old is None else 0)
            row.setdefault("version", 1)
            row["provenance"] = "api"
            rules[row["uid"]] = row
            kept.append(row["uid"])
        return kept

    # -- contact points ------------------------------------------------------------------------------------------------
    def _point_body(self, row, all_hidden=False):
        settings = dict(row["settings"])
        for key in HIDDEN[row["type"]]:
            if all_hidden or settings.get(key):
                settings[key] = REDACTED
        body = {key: row[key] for key in ("uid", "name", "type", "disableResolveMessage")}
        body["settings"] = settings
        if row["provenance"]:
            body["provenance"] = row["provenance"]
        return body

    def _points(self):
        self._may_alert("read")
        rows = sorted(self.org_.alerting.points, key=lambda row: row["name"])
        if "name" in self.query:
            rows = [row for row in rows if row["name"] == self.query["name"][0]]
        return 200, [self._point_body(row) for row in rows]

    @staticmethod
    def _check_point(data):
        where = "invalid object specification: "
        if not data.get("type"):
            raise invalid(where + "type should not be an empty string")
        if data.get("settings") is None:
            raise invalid(where + "settings should not be empty")
        if data["type"] not in HIDDEN:
            raise invalid(where + "unknown type '%s'" % data["type"])
        for key in NEEDED[data["type"]]:
            if not data["settings"].get(key):
                raise invalid(where + "failed to validate receiver of type \"%s\": required field '%s' is not specified" % (
                    data["type"], key))

    def _get_point(self, uid):
        return next((row for row in self.org_.alerting.points if uid and row["uid"] == uid), None)

    def _point_create(self, body):
        self._may_alert("write")
        data = body.dict()
        self._check_point(data)
        other = self._get_point(data.get("uid"))
        if other is not None:
            raise failed("receiver configuration with UID '%s' already exist in contact point '%s'. Please use unique identifiers for "
                         "receivers across all contact points" % (other["uid"], other["name"]))
        row = {"uid": data.get("uid") or self._uid(), "name": data.get("name") or "", "type": data["type"], "settings": data["settings"],
               "disableResolveMessage": bool(data.get("disableResolveMessage")), "provenance": self._point_provenance(body)}
        self.org_.alerting.points.append(row)
        return 202, self._point_body(row, all_hidden=True)

    def _point_provenance(self, body):
        return "" if self.newer and "x-disable-provenance" in body.headers else "api"

    def _point_put(self, uid, body):
        self._may_alert("write")
        data = body.dict()
        row = self._get_point(uid)
        if row is not None:
            # What is redacted is as it was.
            data["settings"] = {key: row["settings"].get(key) if value == REDACTED else value
                                for key, value in (data.get("settings") or {}).items()}
        self._check_point(data)
        if row is None:
            raise failed("object not found: contact point with uid '%s' not found" % uid, 404)
        if row["provenance"] == "file":
            raise failed("cannot changed provenance from 'file' to 'api'")
        old = row["name"]
        row.update(name=data.get("name") or "", type=data["type"], settings=data["settings"], provenance=self._point_provenance(body),
                   disableResolveMessage=bool(data.get("disableResolveMessage")))
        if not any(other["name"] == old for other in self.org_.alerting.points):
            self._rename(self.org_.alerting.tree, old, row["name"])
        return 202, {"message": "contactpoint updated"}

    def _rename(self, tree, old, new):
        if tree.get("receiver") == old:
            tree["receiver"] = new
        for route in tree.get("routes") or []:
            self._rename(route, old, new)

    def _used_by_tree(self, tree, key):
        found = tree.get(key) or []
        found = {found} if isinstance(found, str) else set(found)
        return found.union(*(self._used_by_tree(route, key) for route in tree.get("routes") or []))

    def _point_delete(self, uid):
        self._may_alert("write")
        alerting, row = self.org_.alerting, self._get_point(uid)
        if row is not None:
            last = sum(1 for other in alerting.points if other["name"] == row["name"]) == 1
            if last and row["name"] in self._used_by_tree(alerting.tree, "receiver"):
                raise failed("contact point '%s' is currently used by a notification policy" % row["name"])
            if row["provenance"] == "file":
                raise failed("cannot delete with provided provenance 'api', needs 'file'")
            alerting.points.remove(row)
        return 202, {"message": "contactpoint deleted"}

    # -- policies ------------------------------------------------------------------------------------------------------
    def _tree(self):
        self._may_alert("read")
        alerting = self.org_.alerting
        return 200, {**alerting.tree, **({"provenance": alerting.tree_provenance} if alerting.tree_provenance else {})}

    def _route_row(self, data):
        """A route as it is stored, or Answer."""
        if not isinstance(data, dict):
            raise Answer(*BAD)
        row = {"receiver": data["receiver"]} if data.get("receiver") else {}
        names = data.get("group_by") or []
        if len(set(names)) != len(names) or ("..." in names and len(names) > 1):
            raise Answer(*BAD)
        if names:
            row["group_by"] = names
        matchers = data.get("object_matchers") or []
        for _label, operator, value in matchers:
            if operator not in ("=", "!=", "=~", "!~"):
                raise Answer(*BAD)
            try:
                re.compile(value if "~" in operator else "")
            except re.error:
                raise Answer(*BAD) from None
        if matchers:
            row["object_matchers"] = sorted(matchers)
        if data.get("matchers"):
            row["matchers"] = [re.sub(r'^(\w+)(=~|!~|!=|=)"?([^"]*)"?$', r'\1\2"\3"', text) for text in data["matchers"]]
        row.update({key: data[key] for key in ("match", "match_re", "mute_time_intervals") if data.get(key)})
        if self.newer and data.get("active_time_intervals"):
            row["active_time_intervals"] = data["active_time_intervals"]
        if data.get("continue"):
            row["continue"] = True
        for key in ("group_wait", "group_interval", "repeat_interval"):
            if data.get(key) is not None:
                if not span(data[key]) and key != "group_wait":
                    raise Answer(*BAD)
                row[key] = said(span(data[key]))
        if data.get("routes"):
            row["routes"] = [self._route_row(route) for route in data["routes"]]
        return row

    def _tree_put(self, body):
        self._may_alert("write")
        data, alerting = body.dict(), self.org_.alerting
        tree = self._route_row(data)
        if not tree.get("receiver") or tree.get("mute_time_intervals"):
            return BAD
        names = {row["name"] for row in alerting.points} | {DEFAULT["receiver"]}
        for name in sorted(self._used_by_tree(tree, "receiver") - names):
            raise invalid("invalid object specification: receiver '%s' does not exist" % name)
        for name in sorted(self._used_by_tree(tree, "mute_time_intervals") - set(alerting.timings)):
            raise invalid("invalid object specification: mute time interval '%s' does not exist" % name)
        if tree.get("continue"):
            raise failed("change would result in an invalid configuration state: cannot have continue in root route")
        alerting.tree, alerting.tree_provenance = tree, self._point_provenance(body)
        return 202, {"message": "policies updated"}

    def _tree_reset(self):
        self._may_alert("write")
        self.org_.alerting.tree, self.org_.alerting.tree_provenance = copy.deepcopy(DEFAULT), ""
        return 202, self.org_.alerting.tree

    # -- mute timings --------------------------------------------------------------------------------------------------
    @staticmethod
    def _intervals(rows):
        found = []
        for entry in rows or []:
            row = {key: value for key, value in entry.items() if value}
            for time in row.get("times") or []:
                for key in ("start_time", "end_time"):
                    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", str(time.get(key))):
                        raise Answer(*BAD)
            for text in row.get("weekdays") or []:
                if not all(day in WEEK for day in text.split(":")):
                    raise Answer(*BAD)
            if row.get("months"):
                row["months"] = [":".join(str(YEAR.index(part) + 1) if part in YEAR else part for part in text.split(":"))
                                 for text in row["months"]]
            found.append(row)
        return found

    def _timings(self):
        self._may_alert("read")
        return 200, list(self.org_.alerting.timings.values())

    def _timing(self, name):
        self._may_alert("read")
        row = self.org_.alerting.timings.get(name)
        return (200, row) if row else NULL

    def _timing_create(self, body):
        self._may_alert("write")
        data = body.dict()
        if not data.get("name"):
            return BAD
        row = {"name": data["name"], "time_intervals": self._intervals(data.get("time_intervals"))}
        if row["name"] in self.org_.alerting.timings:
            raise invalid("invalid object specification: a mute timing with this name already exists")
        self.org_.alerting.timings[row["name"]] = row
        return 201, {**row, "provenance": "api"}

    def _timing_put(self, name, body):
        self._may_alert("write")
        row = {"name": name, "time_intervals": self._intervals(body.dict().get("time_intervals"))}
        if name not in self.org_.alerting.timings:
            return NULL
        self.org_.alerting.timings[name] = row
        return 202, {**row, "provenance": "api"}

    def _timing_delete(self, name):
        self._may_alert("write")
        if name in self._used_by_tree(self.org_.alerting.tree, "mute_time_intervals"):
            raise failed("mute time '%s' is currently used by a notification policy" % name)
        self.org_.alerting.timings.pop(name, None)
        return 204, ""

    # -- templates -----------------------------------------------------------------------------------------------------
    def _templates(self):
        self._may_alert("read")
        return 200, [{"name": name, "template": text} for name, text in self.org_.alerting.templates.items()]

    def _template(self, name):
        self._may_alert("read")
        text = self.org_.alerting.templates.get(name)
        return (200, {"name": name, "template": text}) if text else NULL

    def _template_put(self, name, body):
        self._may_alert("write")
        text = (body.dict().get("template") or "").strip()
        if not text:
            raise invalid("invalid object specification: template must have content")
        if not re.search(r"\{\{\s*define", text):
            text = '{{ define "%s" }}\n%s\n{{ end }}' % (name, "\n".join("  " + line for line in text.split("\n")))
        if "{{" in re.sub(r"\{\{.*?\}\}", "", text, flags=re.S):
            raise invalid("invalid object specification: invalid template: template: :1: unclosed action")
        self.org_.alerting.templates[name] = text
        return 202, {"name": name, "template": text, "provenance": "api"}

    def _template_delete(self, name):
        self._may_alert("write")
        self.org_.alerting.templates.pop(name, None)
        return 204, ""

    # -- the ruler, with which the UI saves ----------------------------------------------------------------------------
    def _ruler_may(self, *words):
        self._need(self.role, "Editor", "any of " + ", ".join("alert.rules:" + word for word in words))

    def _by_title(self, title):
        folder = next((folder for folder in self.org_.folders.values() if folder["title"] == title), None)
        if folder is None:
            raise Answer(404, {"message": "folder not found", "status": "not-found"})
        return folder

    def _ruler_body(self, folder, name):
        rules = []
        for row in self._in_group(folder["uid"], name):
            rule = {"expr": "", "for": row["for"], "grafana_alert": {
                "id": row["id"], "orgId": self.org_.id, "title": row["title"], "condition": row["condition"], "data": row["data"],
                "updated": "", "intervalSeconds": self.org_.alerting.intervals[folder["uid"], name], "version": row["version"],
                "uid": row["uid"], "namespace_uid": folder["uid"], "namespace_id": folder["id"], "rule_group": name,
                "no_data_state": row["noDataState"], "exec_err_state": row["execErrState"]}}
            rule.update({key: row[key] for key in ("labels", "annotations") if row[key]})
            if row["provenance"]:
                rule["grafana_alert"]["provenance"] = row["provenance"]
            rules.append(rule)
        if not rules:
            return {"name": name, "rules": []}
        return {"name": name, "interval": said(self.org_.alerting.intervals[folder["uid"], name]), "rules": rules}

    def _group_names(self, folder):
        return sorted(name for uid, name in self.org_.alerting.intervals if uid == folder["uid"])

    def _ruler(self):
        found = {folder["title"]: [self._ruler_body(folder, name) for name in self._group_names(folder)]
                 for folder in self.org_.folders.values()}
        return 200, {title: groups for title, groups in found.items() if groups}

    def _ruler_folder(self, title):
        folder = self._by_title(title)
        return 202, {title: [self._ruler_body(folder, name) for name in self._group_names(folder)]}

    def _ruler_group(self, title, name):
        return 202, self._ruler_body(self._by_title(title), name)

    def _ruler_post(self, title, body):
        self._ruler_may("write", "create", "delete")
        data, alerting = body.dict(), self.org_.alerting
        folder = self._by_title(title)
        name, rows = data.get("name"), data.get("rules") or []
        if not all("grafana_alert" in row for row in rows):
            raise failed("unexpected backend type (grafana) for payload type (lotex)")
        if not name:
            raise failed("rule group name cannot be empty", 400)
        interval = span(data.get("interval"))
        if not interval or interval % 10:
            raise failed("rule evaluation interval (%d second) should be positive number that is multiple of the base interval of 10 "
                         "seconds" % interval, 400)
        wanted = []
        for number, row in enumerate(rows):
            self._check_ruler(number, row["grafana_alert"])
            alert = row["grafana_alert"]
            wanted.append({"uid": alert.get("uid"), "title": alert["title"], "condition": alert["condition"], "data": alert["data"],
                           "noDataState": alert.get("no_data_state"), "execErrState": alert.get("exec_err_state"),
                           "for": row.get("for"), "labels": row.get("labels"), "annotations": row.get("annotations")})
        if any(row["provenance"] for row in self._in_group(folder["uid"], name)):
            raise failed("failed to update rule group: request affects resources created via provisioning API: alert rule group "
                         "[{orgID: %d, namespaceUID: %s, groupName: %s}]" % (self.org_.id, folder["uid"], name), 400)
        rules = copy.deepcopy(alerting.rules)
        for row in wanted:
            if row["uid"] and row["uid"] not in rules:
                raise failed("failed to update rule group: failed to update rule with UID %s because could not find alert rule"
                             % row["uid"], 404)
        try:
            kept = self._put_rules(rules, wanted, folder["uid"], name)
        except Answer as answer:
            raise failed("failed to update rule group: failed to add rules: " + TITLE) from answer
        for uid in kept:
            rules[uid]["provenance"] = ""
        for uid in [uid for uid, row in rules.items()
                    if (row["folderUID"], row["ruleGroup"]) == (folder["uid"], name) and uid not in kept]:
            del rules[uid]
        alerting.rules = rules
        alerting.intervals[folder["uid"], name] = interval
        self._empty_groups()
        return 202, {"message": "rule group updated successfully"}

    def _check_ruler(self, number, alert):
        where = "invalid rule specification at index [%d]: failed to validate condition of alert rule %s: " % (number, alert["title"])
        names = [query["refId"] for query in alert["data"]]
        if alert.get("condition") not in names:
            raise failed(where + "condition %s does not exist, must be one of [%s]" % (alert.get("condition"), " ".join(names)), 400)
        for query in alert["data"]:
            if query["datasourceUid"] != "__expr__" and query["datasourceUid"] not in self.org_.sources:
                raise failed(where + "failed to build query '%s': data source not found" % query["refId"], 400)

    def _ruler_delete(self, title, name=None):
        self._ruler_may("delete")
        folder, alerting = self._by_title(title), self.org_.alerting
        rows = [row for row in alerting.rules.values() if row["folderUID"] == folder["uid"] and name in (None, row["ruleGroup"])]
        if any(row["provenance"] for row in rows):
            raise failed("failed to delete rule group: request affects resources created via provisioning API", 400)
        for row in rows:
            del alerting.rules[row["uid"]]
        self._empty_groups()
        return 202, {"message": "rules deleted"}

    # -- service accounts ----------------------------------------------------------------------------------------------
    def _account_body(self, row, listed=False):
        body = {"id": row["id"], "name": row["name"], "login": row["login"], "orgId": self.org_.id, "isDisabled": row["disabled"],
                "role": row["role"], "avatarUrl": "/public/img/user_profile.png"}
        count = sum(1 for token in self.tokens.values() if token.get("account") == row["id"])
        if listed:
            body["tokens"] = count
            return body
        body.update(createdAt="", updatedAt="", teams=None)
        if count:
            body["tokens"] = count
        return body

    def _accounts(self):
        self._need(self.role, "Admin", "serviceaccounts:read")
        word = self.query.get("query", [""])[0].lower()
        rows = sorted((row for row in self.org_.alerting.accounts.values() if word in row["name"].lower()), key=lambda row: row["name"])
        size, page = self._number("perpage", 1000), self._number("page", 1)
        return 200, {"totalCount": len(rows), "page": page, "perPage": size,
                     "serviceAccounts": [self._account_body(row, listed=True) for row in rows[(page - 1) * size:page * size]]}

    def _account_dict(self, body):
        try:
            return body.dict()
        except Exception as error:
            raise Answer(*SA_BAD) from error

    def _account_create(self, body):
        self._need(self.role, "Admin", "serviceaccounts:create")
        data = self._account_dict(body)
        if not data.get("name") or data.get("role", "Viewer") not in ("None", "Viewer", "Editor", "Admin"):
            return SA_BAD
        accounts = self.org_.alerting.accounts
        if any(row["name"] == data["name"] for row in accounts.values()):
            return 400, {"message": "Failed to create service account", "traceID": ""}
        row = {"id": next(self.account_ids), "name": data["name"], "login": "sa-" + re.sub(r"[^a-z0-9]+", "-", data["name"].lower()),
               "role": data.get("role") or "Viewer", "disabled": False}
        accounts[row["id"]] = row
        return 201, {**self._account_body(row, listed=True), "avatarUrl": ""}

    def _get_account(self, number):
        row = self.org_.alerting.accounts.get(int(number))
        if row is None:
            raise Answer(404, {"message": "Failed to retrieve service account", "traceID": ""})
        return row

    def _account(self, number):
        self._need(self.role, "Admin", "serviceaccounts:read")
        return 200, self._account_body(self._get_account(number))

    def _account_patch(self, number, body):
        self._need(self.role, "Admin", "serviceaccounts:write")
        data = self._account_dict(body)
        if data.get("role", "Viewer") not in ("None", "Viewer", "Editor", "Admin"):
            return SA_BAD
        row = self._get_account(number)
        row.update(name=data.get("name") or row["name"], role=data.get("role") or row["role"],
                   disabled=row["disabled"] if data.get("isDisabled") is None else data["isDisabled"])
        body = self._account_body(row)
        body.pop("tokens", None)
        return 200, {"id": row["id"], "message": "Service account updated", "name": row["name"], "serviceaccount": body}

    def _account_delete(self, number):
        self._need(self.role, "Admin", "serviceaccounts:delete")
        if self.org_.alerting.accounts.pop(int(number), None) is None:
            return 500, {"message": "Service account deletion error", "traceID": ""}
        for key in [key for key, token in self.tokens.items() if token.get("account") == int(number)]:
            del self.tokens[key]
        return 200, {"message": "Service account deleted"}

    def _account_tokens(self, number):
        rows = [token for token in self.tokens.values() if token.get("account") == int(number)]
        return 200, [{"id": token["id"], "name": token["name"], "created": "", "lastUsedAt": None,
                      "expiration": "later" if token["seconds"] else None, "secondsUntilExpiration": token["seconds"],
                      "hasExpired": token["expired"], "isRevoked": False} for token in rows]

    def _token_create(self, number, body):
        data, account = body.dict(), self._get_account(number)
        if any(token["name"] == data["name"] for token in self.tokens.values() if token.get("account")):
            return 409, {"message": "service account token with given name already exists in the organization"}
        if (data.get("secondsToLive") or 0) < 0:
            return 400, {"message": "invalid SecondsToLive value"}
        number = next(self.token_ids)
        key = "glsa_made%d" % number
        self.tokens[key] = {"id": number, "name": data["name"], "org": self.org_.id, "account": account["id"], "expired": False,
                            "seconds": data.get("secondsToLive") or 0}
        return 200, {"id": number, "name": data["name"], "key": key}

    def _token_delete(self, number, token):
        key = next((key for key, row in self.tokens.items() if row.get("account") == int(number) and row["id"] == int(token)), None)
        if key is None:
            return 500, {"message": "Failed to delete service account token", "traceID": ""}
        del self.tokens[key]
        self.deleted_tokens.add(key)
        return 200, {"message": "Service account token deleted"}

    # -- who a token is ------------------------------------------------------------------------------------------------
    def _token_owner(self, key):
        """(name, organisation, role) of a token, or Answer."""
        token = self.tokens.get(key)
        if token is None:
            raise Answer(500 if key in self.deleted_tokens else 401, {"message": "invalid API key", "traceID": ""})
        org = self.orgs[token["org"]]
        if "account" not in token:
            return token["name"], org, token["role"]
        account = org.alerting.accounts[token["account"]]
        if token["expired"]:
            raise Answer(401, {"message": "Expired API key"})
        if account["disabled"]:
            raise Answer(401, {"message": "Service account is disabled"})
        return account["login"], org, account["role"] if account["role"] != "None" else None

    def _alerting_counters(self):
        self.rule_ids, self.account_ids, self.token_ids = itertools.count(1), itertools.count(5), itertools.count(1)
        self.deleted_tokens = set()
