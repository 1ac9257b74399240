# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How data sources lead to each other: from an exemplar to its trace, from a log line to its trace, from a trace to logs and metrics.

A data source says with `links` which of the others belong to it ({traces: uid, logs: uid, metrics: uid, alerts: uid}); what that means
in its json_data is written here, for its type and Grafana's version. What json_data already says is kept. An Alertmanager is
Prometheus's unless its json_data says otherwise, as Grafana would ask it like a Mimir.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

LINKS = {"prometheus": ("traces", "alerts"), "loki": ("traces", "alerts"), "jaeger": ("logs", "metrics"), "tempo": ("logs", "metrics")}
TRACE_ID = "trace_id"
# A trace id in a line of JSON or logfmt: trace_id, traceID, traceId.
TRACE_IN_LINE = r'[tT]race_?[iI][dD]"?[:=]\s*"?(\w+)'
# What a span and a log line have in common, and what the collector calls it in Loki.
TAGS = (("service.name", "service_name"), ("host.name", "host"), ("region", "region"))


def joined(rows, version):
    """The data sources with their links written into json_data; `version` of Grafana as (major, minor)."""
    uids = {row.get("uid"): row for row in rows if isinstance(row, dict)}
    found = []
    for row in rows:
        wanted = {key: uid for key, uid in ((row or {}).get("links") or {}).items() if uid}
        if wanted:
            known = LINKS.get(row.get("type"), ())
            for key, uid in wanted.items():
                if key not in known:
                    raise ConcernError("datasources: %s: links: a data source of type %s has no link to %s%s" % (
                        row.get("uid"), row.get("type"), key, "; there are %s" % ", ".join(known) if known else ""))
                if uid not in uids:
                    raise ConcernError("datasources: %s: links: %s: no data source %s is declared" % (row.get("uid"), key, uid))
            made = {"prometheus": _metrics, "loki": _logs}.get(row["type"], _traces)(wanted, version, uids)
            found.append(dict(row, json_data=dict(made, **(row.get("json_data") or {}))))
        elif isinstance(row, dict) and row.get("type") == "alertmanager":
            found.append(dict(row, json_data=dict({"implementation": "prometheus"}, **(row.get("json_data") or {}))))
        else:
            found.append(row)
    return found


def _metrics(wanted, _version, _uids):
    made = {}
    if "traces" in wanted:
        # Grafana's own exemplars, and Loki's, have the other name.
        made["exemplarTraceIdDestinations"] = [{"name": name, "datasourceUid": wanted["traces"]} for name in (TRACE_ID, "traceID")]
    if "alerts" in wanted:
        made["alertmanagerUid"] = wanted["alerts"]
    return made


def _logs(wanted, version, _uids):
    made = {}
    if "traces" in wanted:
        fields = [{"name": "trace", "matcherRegex": TRACE_IN_LINE, "url": "${__value.raw}", "datasourceUid": wanted["traces"],
                   "urlDisplayLabel": "Trace"}]
        if version >= (10, 2):
            # Structured metadata and labels are not in the line.
            fields.append({"name": "trace of label", "matcherType": "label", "matcherRegex": TRACE_ID, "url": "${__value.raw}",
                           "datasourceUid": wanted["traces"], "urlDisplayLabel": "Trace"})
        made["derivedFields"] = fields
    if "alerts" in wanted:
        made["alertmanagerUid"] = wanted["alerts"]
    return made


def _traces(wanted, version, _uids):
    made = {"nodeGraph": {"enabled": True}}
    tags = [{"key": span, "value": log} for span, log in TAGS]
    if "logs" in wanted:
        made["tracesToLogsV2"] = {"datasourceUid": wanted["logs"], "tags": tags, "filterByTraceID": True, "filterBySpanID": False,
                                  "spanStartTimeShift": "-5m", "spanEndTimeShift": "5m", "customQuery": False}
        if version < (10, 0):
            made["tracesToLogs"] = {"datasourceUid": wanted["logs"], "mapTagNamesEnabled": True, "mappedTags": tags,
                                    "filterByTraceID": True, "spanStartTimeShift": "-5m", "spanEndTimeShift": "5m"}
    if "metrics" in wanted:
        made["tracesToMetrics"] = {
            "datasourceUid": wanted["metrics"], "tags": [{"key": "service.name", "value": "service_name"}],
            "spanStartTimeShift": "-5m", "spanEndTimeShift": "5m",
            "queries": [{"name": "Requests per second", "query": "sum(rate(traces_span_metrics_calls_total{$__tags}[5m]))"},
                        {"name": "Duration, 95th percentile", "query": "histogram_quantile(0.95, sum by (le) (rate("
                         "traces_span_metrics_duration_milliseconds_bucket{$__tags}[5m])))"}]}
    return made
