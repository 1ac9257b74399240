# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alert rules mean: a normal form that is the same for a declaration and for what Grafana answers.

The server rewrites durations, adds defaults, and stores rules that can never work, so a declaration is judged here.
"""

from __future__ import annotations

import re

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare
from ansible_collections.psf.observatory.plugins.module_utils.grafana.durations import TIMERS, judged, normal, seconds
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
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def rule(row):
    """Normal form of a rule, declared or answered, in the words of Grafana's API."""
    found = {"title": str(row.get("title") or "").strip(), "folder": row.get("folderUID") or "", "group": row.get("ruleGroup") or "",
             "for": normal(row.get("for") or 0), "labels": _texts(row.get("labels")), "annotations": _texts(row.get("annotations")),
             "data": {str(query.get("refId")): _query(query) for query in row.get("data") or [] if isinstance(query, dict)}}
    for name in ("condition", "noDataState", "execErrState"):
        found[name] = row.get(name) or ""
    if row.get("isPaused"):
        found["isPaused"] = True
    if seconds(row.get("keep_firing_for") or 0):
        found["keep_firing_for"] = normal(row["keep_firing_for"])
    if row.get("missingSeriesEvalsToResolve"):
        found["missingSeriesEvalsToResolve"] = row["missingSeriesEvalsToResolve"]
    if row.get("record"):
        # A recording rule has neither states nor a condition of its own.
        found["record"] = compare.plain(row["record"])
        for name in ("condition", "noDataState", "execErrState", "for"):
            found.pop(name)
    if row.get("notification_settings"):
        settings = compare.plain(row["notification_settings"])
        found["notification_settings"] = {name: normal(value) if name in TIMERS else value for name, value in settings.items() if value}
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
            "data": queries, "condition": row.get("condition"), "for": judged("%s: for" % where, row.get("for") or 0),
            "noDataState": row.get("no_data_state") or "NoData", "execErrState": row.get("exec_err_state") or "Error",
            "isPaused": row.get("is_paused"), "keep_firing_for": row.get("keep_firing_for"), "record": row.get("record"),
            "notification_settings": row.get("notification_settings"),
            "missingSeriesEvalsToResolve": row.get("missing_series_evals_to_resolve")}
    if row.get("keep_firing_for"):
        body["keep_firing_for"] = judged("%s: keep_firing_for" % where, row["keep_firing_for"])
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
