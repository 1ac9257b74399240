# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What notifications are made of: contact points, notification policies, mute timings and templates.

Each has a normal form that is the same for a declaration and for what Grafana answers, though the server rewrites durations, sorts
matchers, adds defaults and hides secrets. A declaration is judged here.
"""

from __future__ import annotations

import json
import re

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare
from ansible_collections.psf.observatory.plugins.module_utils.grafana.durations import TIMERS, judged, normal
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

# The first version that has active times in policies.
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
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
ROUTE = ("receiver", "group_by", "continue", "object_matchers", "matchers", "match", "match_re", "mute_time_intervals",
         "active_time_intervals", "routes") + TIMERS


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
            found[name] = normal(tree[name])
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
            judged("%s: %s" % (where, name), route[name], 0 if name == "group_wait" else 1)
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
