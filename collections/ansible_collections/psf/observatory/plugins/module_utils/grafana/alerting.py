# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alerting objects mean: rules, their groups, contact points, notification policies, mute timings and templates.

Each has a normal form that is the same for a declaration and for what Grafana answers, though the server rewrites durations, sorts
matchers, adds defaults and hides secrets. The server stores rules that can never work, so a declaration is judged here.
"""

from __future__ import annotations

import json
import re

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

EXPRESSION = "__expr__"
# What stands for server-side expressions in a rule's query; -100 in older ones.
EXPRESSIONS = (EXPRESSION, "-100")
STATES = {"noDataState": ("NoData", "OK", "Alerting", "KeepLast"), "execErrState": ("Error", "OK", "Alerting", "KeepLast")}
# What a query's model gets from the server when it is left out.
FILLED = {"intervalMs": 1000, "maxDataPoints": 43200}
# Fields of newer versions, and the first that may keep them; what is lost all the same is seen when it is read back.
NEWER = {"isPaused": (9, 5), "notification_settings": (10, 4), "record": (11, 2), "keep_firing_for": (11, 6),
         "missingSeriesEvalsToResolve": (12, 0)}
KEEP_LAST = (10, 3)
ACTIVE_TIMES = (11, 0)
# Settings of a contact point's type that Grafana keeps as secrets and never shows.
SECRETS = {
    "dingding": (), "discord": (), "email": (), "googlechat": (), "kafka": ("password",), "line": ("token",),
    "oncall": ("password", "authorization_credentials"), "opsgenie": ("apiKey",), "pagerduty": ("integrationKey",),
    "prometheus-alertmanager": ("basicAuthPassword",), "pushover": ("apiToken", "userKey"), "sensugo": ("apikey",),
    "slack": ("url", "token"), "sns": (), "teams": (), "telegram": ("bottoken",), "threema": ("api_secret",), "victorops": (),
    "webex": ("bot_token",), "webhook": ("password", "authorization_credentials"), "wecom": ("url", "secret"),
}
# What must be there, among the settings or the secrets.
REQUIRED = {"email": ("addresses",), "opsgenie": ("apiKey",), "pagerduty": ("integrationKey",), "prometheus-alertmanager": ("url",),
            "pushover": ("apiToken", "userKey"), "telegram": ("bottoken", "chatid"), "webhook": ("url",)}
REDACTED = "[REDACTED]"
OPERATORS = ("=", "!=", "=~", "!~")
MATCHER = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s"=!~,{}]+)\s*(=~|!~|!=|=)\s*(.*?)\s*', re.S)
# An action of a template, with the texts in it.
ACTION = re.compile(r'\{\{(?:"(?:[^"\\]|\\.)*"|`[^`]*`|(?!\{\{).)*?\}\}', re.S)
DURATION = re.compile(r"([0-9]+)(ms|[smhdwy])")
SECONDS = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
TIMERS = ("group_wait", "group_interval", "repeat_interval")
ROUTE = ("receiver", "group_by", "continue", "object_matchers", "matchers", "match", "match_re", "mute_time_intervals",
         "active_time_intervals", "routes") + TIMERS


def seconds(text):
    """Seconds of a duration as Prometheus and Grafana write it (90m, 1h30m, 0); None for what is none."""
    if isinstance(text, bool):
        return None
    if isinstance(text, (int, float)):
        return int(text)
    text = str(text).strip()
    if text in ("", "0"):
        return 0
    found, end = 0.0, 0
    for part in DURATION.finditer(text):
        if part.start() != end:
            return None
        end = part.end()
        found += int(part.group(1)) * (0.001 if part.group(2) == "ms" else SECONDS[part.group(2)])
    return int(found) if end == len(text) else None


def duration(value):
    """The one way to write a number of seconds: 5400 is 1h30m."""
    value, said = int(value), ""
    for unit in ("h", "m", "s"):
        count, value = divmod(value, SECONDS[unit])
        if count:
            said += "%d%s" % (count, unit)
    return said or "0s"


def _duration(where, value, least=0):
    found = seconds(value)
    if found is None or found < least:
        raise ConcernError("%s: %r is no duration of at least %s; write it like 30s, 5m, 1h30m" % (where, value, duration(least)))
    return duration(found)


def _said(value):
    """A duration that the server states, in the one way; as it is where it is none."""
    found = seconds(value)
    return value if found is None else duration(found)


# -- rules -------------------------------------------------------------------------------------------------------------
def rule(row):
    """Normal form of a rule, declared or answered, in the words of Grafana's API."""
    found = {"title": str(row.get("title") or "").strip(), "folder": row.get("folderUID") or "", "group": row.get("ruleGroup") or "",
             "for": _said(row.get("for") or 0), "labels": _texts(row.get("labels")), "annotations": _texts(row.get("annotations")),
             "data": {str(query.get("refId")): _query(query) for query in row.get("data") or [] if isinstance(query, dict)}}
    for name in ("condition", "noDataState", "execErrState"):
        found[name] = row.get(name) or ""
    if row.get("isPaused"):
        found["isPaused"] = True
    if seconds(row.get("keep_firing_for") or 0):
        found["keep_firing_for"] = _said(row["keep_firing_for"])
    if row.get("missingSeriesEvalsToResolve"):
        found["missingSeriesEvalsToResolve"] = row["missingSeriesEvalsToResolve"]
    if row.get("record"):
        # A recording rule has neither states nor a condition of its own.
        found["record"] = compare.plain(row["record"])
        for name in ("condition", "noDataState", "execErrState", "for"):
            found.pop(name)
    if row.get("notification_settings"):
        settings = compare.plain(row["notification_settings"])
        found["notification_settings"] = {name: _said(value) if name in TIMERS else value for name, value in settings.items() if value}
    return found


def _texts(values):
    return {str(name): str(value) for name, value in (values or {}).items()}


def _query(query):
    model = {name: value for name, value in compare.plain(query.get("model") or {}).items() if FILLED.get(name) != value}
    model["refId"] = str(query.get("refId"))
    span = query.get("relativeTimeRange") or {}
    uid = query.get("datasourceUid") or ""
    found = {"datasourceUid": EXPRESSION if uid in EXPRESSIONS else uid, "model": model, "queryType": query.get("queryType") or "",
             "relativeTimeRange": {"from": seconds(span.get("from") or 0) or 0, "to": seconds(span.get("to") or 0) or 0}}
    if found["datasourceUid"] == EXPRESSION:
        # It has no time of its own.
        del found["relativeTimeRange"]
    return found


def rule_body(uid, data, org=1):
    """What is sent for a rule's normal form, to the organisation of this number."""
    queries = [dict(query, refId=name, relativeTimeRange=query.get("relativeTimeRange") or {"from": 0, "to": 0})
               for name, query in data["data"].items()]
    body = {"uid": uid, "title": data["title"], "folderUID": data["folder"], "ruleGroup": data["group"], "orgID": org,
            "labels": data["labels"], "annotations": data["annotations"], "data": queries,
            "condition": data.get("condition") or "", "for": data.get("for") or "0s",
            "noDataState": data.get("noDataState") or "NoData", "execErrState": data.get("execErrState") or "Error"}
    if data.get("record"):
        body["condition"] = data["record"].get("from") or ""
    body.update({name: data[name] for name in NEWER if name in data})
    return body


def declared_rule(where, uid, row, folder, group):
    """Normal form of a declared rule; an error for one that Grafana would store and that could never work."""
    title = str(row.get("title") or "").strip()
    where = "%s: rule %s" % (where, uid)
    if not title:
        raise ConcernError("%s: title is missing" % where)
    queries = row.get("data")
    if not isinstance(queries, list) or not queries or not all(isinstance(query, dict) for query in queries):
        raise ConcernError("%s: data: a list of queries and expressions is needed" % where)
    names = [str(query.get("refId") or "") for query in queries]
    if not all(names) or len(set(names)) != len(names):
        raise ConcernError("%s: data: each query needs a refId of its own; there are %s" % (where, ", ".join(names)))
    body = {"title": title, "folderUID": folder, "ruleGroup": group, "labels": row.get("labels"), "annotations": row.get("annotations"),
            "data": queries, "condition": row.get("condition"), "for": _duration("%s: for" % where, row.get("for") or 0),
            "noDataState": row.get("no_data_state") or "NoData", "execErrState": row.get("exec_err_state") or "Error",
            "isPaused": row.get("is_paused"), "keep_firing_for": row.get("keep_firing_for"), "record": row.get("record"),
            "notification_settings": row.get("notification_settings"),
            "missingSeriesEvalsToResolve": row.get("missing_series_evals_to_resolve")}
    if row.get("keep_firing_for"):
        body["keep_firing_for"] = _duration("%s: keep_firing_for" % where, row["keep_firing_for"])
    _check_states(where, body)
    if row.get("record"):
        _check_record(where, row["record"], names)
    elif row.get("condition") not in names:
        raise ConcernError("%s: condition: %r is no refId of data; there are %s" % (where, row.get("condition"), ", ".join(names)))
    for query in queries:
        _check_query("%s: query %s" % (where, query["refId"]), query, names)
    _check_circle(where, queries)
    for name in _texts(row.get("labels")):
        if not LABEL.fullmatch(name):
            raise ConcernError("%s: labels: %r is no name of a label; letters, digits and _" % (where, name))
    notes = _texts(row.get("annotations"))
    if bool(notes.get("__dashboardUid__")) != bool(notes.get("__panelId__")):
        raise ConcernError("%s: annotations: __dashboardUid__ and __panelId__ go together; one is missing" % where)
    if row.get("notification_settings") and not (row["notification_settings"] or {}).get("receiver"):
        raise ConcernError("%s: notification_settings: receiver is missing" % where)
    return rule(body)


def _check_states(where, body):
    for name, option in (("noDataState", "no_data_state"), ("execErrState", "exec_err_state")):
        if body[name] not in STATES[name]:
            raise ConcernError("%s: %s: %r is unknown; there are %s" % (where, option, body[name], ", ".join(STATES[name])))


def _check_record(where, record, names):
    if not isinstance(record, dict) or not record.get("metric") or record.get("from") not in names:
        raise ConcernError("%s: record: a metric and, in from, a refId of data are needed; there are %s" % (where, ", ".join(names)))


def _check_query(where, query, names):
    model, uid = query.get("model"), query.get("datasourceUid")
    if not isinstance(model, dict) or not uid:
        raise ConcernError("%s: datasourceUid and model are needed" % where)
    if uid in EXPRESSIONS:
        for name in inputs(query):
            if name not in names:
                raise ConcernError("%s: it is made from %s, which is no refId of data; there are %s" % (where, name, ", ".join(names)))
        return
    span = query.get("relativeTimeRange") or {}
    first, last = seconds(span.get("from") or 0), seconds(span.get("to") or 0)
    if first is None or last is None or first <= last:
        raise ConcernError("%s: relativeTimeRange: from %r to %r: both are seconds before now, and from is the larger"
                           % (where, span.get("from"), span.get("to")))


def inputs(query):
    """refIds that an expression is made from."""
    model = query.get("model") or {}
    if query.get("datasourceUid") not in EXPRESSIONS:
        return []
    if model.get("type") == "math":
        return re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?", str(model.get("expression") or ""))
    if model.get("type") == "classic_conditions":
        return [str(name) for row in model.get("conditions") or [] if isinstance(row, dict)
                for name in ((row.get("query") or {}).get("params") or [])[:1]]
    if model.get("type") in ("reduce", "resample", "threshold"):
        return [str(model.get("expression") or "").strip("${} ")]
    return []


def _check_circle(where, queries):
    made = {str(query["refId"]): inputs(query) for query in queries}
    for start, first in made.items():
        seen, left = set(), list(first)
        while left:
            name = left.pop()
            if name == start:
                raise ConcernError("%s: query %s: it is made from itself" % (where, start))
            if name not in seen:
                seen.add(name)
                left += made.get(name, [])


# -- contact points ----------------------------------------------------------------------------------------------------
def contact_point(row, hidden=()):
    """(normal form, names of the secrets that are set). `hidden`: settings that are secrets of ours though this Grafana shows them."""
    settings = compare.plain(row.get("settings") or {})
    secrets = {name for name, value in settings.items() if value == REDACTED or name in hidden}
    return {"name": row.get("name") or "", "type": row.get("type") or "", "disableResolveMessage": bool(row.get("disableResolveMessage")),
            "settings": {name: value for name, value in settings.items() if name not in secrets and value not in ("", None)}}, secrets


def declared_contact_point(row):
    uid, kind = row["uid"], str(row.get("type") or "")
    settings = row.get("settings") or {}
    secrets = {str(name): str(value) for name, value in (row.get("secure_settings") or {}).items() if value is not None}
    where = "contact_points: %s" % uid
    if not str(row.get("name") or "").strip() or not kind:
        raise ConcernError("%s: name and type are needed" % where)
    for name in sorted(set(settings) & set(SECRETS.get(kind, ()))):
        raise ConcernError("%s: settings: %s is a secret of the type %s; put it into secure_settings" % (where, name, kind))
    for name in sorted(set(settings) & set(secrets)):
        raise ConcernError("%s: %s is in settings and in secure_settings; leave it in one" % (where, name))
    lacking = [name for name in REQUIRED.get(kind, ()) if not settings.get(name) and not secrets.get(name)]
    if lacking:
        raise ConcernError("%s: a contact point of type %s needs %s" % (where, kind, ", ".join(lacking)))
    if kind == "slack" and not secrets.get("url") and not (secrets.get("token") and settings.get("recipient")):
        raise ConcernError("%s: slack needs url in secure_settings, or token there and recipient in settings" % where)
    if not settings and not secrets:
        raise ConcernError("%s: settings are missing" % where)
    data, _secrets = contact_point({"name": str(row["name"]).strip(), "type": kind, "settings": settings,
                                    "disableResolveMessage": row.get("disable_resolve_message")})
    return data, secrets


# -- notification policies ---------------------------------------------------------------------------------------------
def policies(tree):
    """Normal form of a tree: all matchers as sorted [label, operator, value], durations written in one way, nothing that is empty."""
    found = {}
    if tree.get("receiver"):
        found["receiver"] = tree["receiver"]
    if tree.get("group_by"):
        found["group_by"] = [str(name) for name in tree["group_by"]]
    for name in TIMERS:
        if tree.get(name):
            found[name] = _said(tree[name])
    if tree.get("continue"):
        found["continue"] = True
    matchers = _matchers(tree)
    if matchers:
        found["object_matchers"] = matchers
    for name in ("mute_time_intervals", "active_time_intervals"):
        if tree.get(name):
            found[name] = [str(entry) for entry in tree[name]]
    if tree.get("routes"):
        found["routes"] = [policies(route) for route in tree["routes"]]
    return found


def _matchers(route):
    rows = [[str(part) for part in row] for row in route.get("object_matchers") or []]
    rows += [[str(name), "=", str(value)] for name, value in (route.get("match") or {}).items()]
    rows += [[str(name), "=~", str(value)] for name, value in (route.get("match_re") or {}).items()]
    said = route.get("matchers") or []
    for text in [said] if isinstance(said, str) else said:
        match = MATCHER.fullmatch(str(text))
        rows.append([_unquoted(match.group(1)), match.group(2), _unquoted(match.group(3))] if match else [str(text), "", ""])
    return sorted(rows)


def _unquoted(text):
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return json.loads(text)
        except ValueError:
            return text[1:-1]
    return text


def declared_policies(tree):
    """Normal form of a declared tree, judged."""
    if not isinstance(tree, dict) or not tree.get("receiver"):
        raise ConcernError("policies: the root needs a receiver, the name of a contact point")
    found = policies(tree)
    for name in ("continue", "mute_time_intervals", "active_time_intervals", "object_matchers"):
        if name in found:
            raise ConcernError("policies: the root takes every alert, so it has no %s; put it into one of routes" % name)
    _check_route("policies", tree)
    return found


def _check_route(where, route):
    if not isinstance(route, dict):
        raise ConcernError("%s: %s is no policy" % (where, compare.shown(route)))
    for name in route:
        if name not in ROUTE:
            raise ConcernError("%s: %s is unknown; there are %s" % (where, name, ", ".join(ROUTE)))
    for name in TIMERS:
        if route.get(name) is not None:
            _duration("%s: %s" % (where, name), route[name], 0 if name == "group_wait" else 1)
    names = [str(name) for name in route.get("group_by") or []]
    if len(set(names)) != len(names) or ("..." in names and len(names) > 1):
        raise ConcernError("%s: group_by: %s: each label once, and ... alone" % (where, ", ".join(names)))
    for row in _matchers(route):
        if len(row) != 3 or row[1] not in OPERATORS or not row[0]:
            raise ConcernError("%s: %s is no matcher; it is [label, one of %s, value]" % (where, compare.shown(row), " ".join(OPERATORS)))
        if row[1] in ("=~", "!~"):
            _check_pattern("%s: %s %s %s" % ((where,) + tuple(row)), row[2])
    for number, child in enumerate(route.get("routes") or [], 1):
        _check_route("%s / route %d" % (where, number), child)


def _check_pattern(where, pattern):
    try:
        re.compile(pattern)
    except re.error as error:
        # Only what no dialect has; the rest is for Grafana to judge.
        if re.search("parenthes|unterminated|nothing to repeat|multiple repeat", str(error)):
            raise ConcernError("%s: no regular expression: %s" % (where, error)) from error


def receivers_of(tree):
    """Names of contact points that a tree (normal form) uses."""
    names = {tree["receiver"]} if tree.get("receiver") else set()
    return names.union(*(receivers_of(route) for route in tree.get("routes") or []))


def timings_of(tree):
    names = set(tree.get("mute_time_intervals") or []) | set(tree.get("active_time_intervals") or [])
    return names.union(*(timings_of(route) for route in tree.get("routes") or []))


def active_of(tree):
    return bool(tree.get("active_time_intervals")) or any(active_of(route) for route in tree.get("routes") or [])


# -- mute timings ------------------------------------------------------------------------------------------------------
def mute_timing(row):
    """Normal form: months as numbers, days in lower case, nothing that is empty."""
    return {"name": row.get("name") or "", "time_intervals": [_interval(entry) for entry in row.get("time_intervals") or []]}


def _interval(entry):
    found = {}
    for name, value in entry.items():
        if not value:
            continue
        if name == "times":
            found[name] = [{"start_time": str(time.get("start_time")), "end_time": str(time.get("end_time"))} for time in value]
        elif name == "weekdays":
            found[name] = [str(day).strip().lower() for day in value]
        elif name == "months":
            found[name] = [":".join(_month(part) for part in str(month).split(":")) for month in value]
        elif name == "location":
            found[name] = str(value)
        else:
            found[name] = [str(part).strip() for part in value] if isinstance(value, list) else value
    return found


def _month(text):
    text = text.strip().lower()
    return str(MONTHS.index(text) + 1) if text in MONTHS else text


def declared_mute_timing(row):
    name = str(row.get("name") or "").strip()
    where = "mute_timings: %s" % name
    if not name:
        raise ConcernError("mute_timings: %s needs a name" % compare.shown(row))
    for entry in row.get("time_intervals") or []:
        if not isinstance(entry, dict):
            raise ConcernError("%s: time_intervals: %s is no interval" % (where, compare.shown(entry)))
        for key in entry:
            if key not in ("times", "weekdays", "days_of_month", "months", "years", "location"):
                raise ConcernError("%s: time_intervals: %s is unknown; there are times, weekdays, days_of_month, months, years, location"
                                   % (where, key))
        for time in entry.get("times") or []:
            _check_times(where, time)
        for key, first, last in (("weekdays", 0, 6), ("months", 1, 12), ("days_of_month", -31, 31), ("years", 0, 9999)):
            for text in entry.get(key) or []:
                _check_range("%s: %s" % (where, key), key, str(text), first, last)
    return mute_timing({"name": name, "time_intervals": row.get("time_intervals")})


def _check_times(where, time):
    found = []
    for key in ("start_time", "end_time"):
        match = re.fullmatch(r"([0-9]{2}):([0-9]{2})", str((time or {}).get(key) if isinstance(time, dict) else ""))
        if not match or int(match.group(2)) > 59 or int(match.group(1)) * 60 + int(match.group(2)) > 24 * 60:
            raise ConcernError("%s: times: %s: %s is needed, like \"09:30\", in quotes; the last is 24:00"
                               % (where, compare.shown(time), key))
        found.append(int(match.group(1)) * 60 + int(match.group(2)))
    if found[0] >= found[1]:
        raise ConcernError("%s: times: %s: it ends before it starts; past midnight, write two intervals" % (where, compare.shown(time)))


def _check_range(where, key, text, first, last):
    parts = [part.strip().lower() for part in text.split(":")]
    numbers = []
    for part in parts:
        if key == "weekdays":
            number = DAYS.index(part) if part in DAYS else None
        elif key == "months" and part in MONTHS:
            number = MONTHS.index(part) + 1
        else:
            number = int(part) if re.fullmatch("-?[0-9]+", part) else None
        if number is None or not first <= number <= last or (key == "days_of_month" and number == 0):
            raise ConcernError("%s: %r is none; write like %s" % (where, text, {
                "weekdays": "monday or monday:friday", "months": "may, 5 or 1:3", "days_of_month": "1, 1:5 or -1",
                "years": "2030 or 2030:2032"}[key]))
        numbers.append(number)
    if len(numbers) > 2 or (len(numbers) == 2 and numbers[0] > numbers[1] and numbers[0] * numbers[1] >= 0):
        raise ConcernError("%s: %r: a range is first:last, and the first comes first" % (where, text))


# -- templates ---------------------------------------------------------------------------------------------------------
def template(row):
    """Normal form: what has no define is put into one with the template's name, as Grafana does."""
    name, text = row.get("name") or "", str(row.get("template") or "").strip()
    if text and not re.search(r"\{\{-?\s*define", text):
        text = '{{ define "%s" }}\n%s\n{{ end }}' % (name, "\n".join("  " + line for line in text.split("\n")))
    return {"name": name, "template": text}


def declared_template(row):
    name = str(row.get("name") or "").strip()
    if not name or "/" in name:
        raise ConcernError("notification_templates: %r is no name; it is not empty and has no slash" % name)
    found = template({"name": name, "template": row.get("template")})
    if not found["template"]:
        raise ConcernError("notification_templates: %s: template is empty" % name)
    left = ACTION.sub("", found["template"])
    if "{{" in left or "}}" in left:
        raise ConcernError("notification_templates: %s: an action is opened with {{ and not closed, or closed and not opened" % name)
    return found
