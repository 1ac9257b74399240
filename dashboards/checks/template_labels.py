"""$labels.x in a summary, or {{x}} in a legend, is empty when the expression's result has no label x (a sum without by loses all of them):
the one who is woken reads "host  in  is down"."""

import re

from dashboards import checks, expressions, logql, promql
from dashboards.checks import Found
from dashboards.load import Content, Loaded
from dashboards.model import Alert, ContentError, Dashboard, Prom

# As Prometheus' templates name a label, and as Grafana's legends do.
LABEL = re.compile(r"""(?:\$labels|\.Labels)\.([a-zA-Z_]\w*)|index\s+(?:\$labels|\.Labels)\s+["`]([^"`]+)["`]""")
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check(content: Content) -> Found:
    for loaded in content.systems:
        known = checks.labels(content, loaded)
        values = loaded.thresholds()
        for dashboard in loaded.dashboards:
            yield from _legends(loaded, dashboard, known)
        for alert in loaded.alerts:
            where = f"{loaded.system.id}: alert {alert.name}"
            said = {one or other for one, other in LABEL.findall(alert.summary + alert.description)}
            try:
                labels = _labels(alert, promql.thresholds(alert.expr, values, where), where, known)
            except ContentError:
                continue
            for name in sorted(said - labels) if labels is not None else ():
                had = ", ".join(sorted(labels or ())) or "no labels"
                yield where, f"its text says $labels.{name}, but the result of its expression has only {had}"


def _legends(loaded: Loaded, dashboard: Dashboard, known: dict[str, set[str]]) -> Found:
    for panel in dashboard.panels():
        where = f"{loaded.system.id}: dashboard {dashboard.key}: panel {panel.key}"
        for query in panel.queries:
            said = set(LEGEND.findall(query.legend))
            if not said or not isinstance(query, Prom):
                continue
            try:
                labels = promql.result_labels(expressions.panel_expression(query.expr, loaded.thresholds(), where), where, known)
            except ContentError:
                continue
            for name in sorted(said - labels) if labels is not None else ():
                had = ", ".join(sorted(labels or ())) or "no labels"
                yield where, f"its legend says {name}, but the result of its query has only {had}"


def _labels(alert: Alert, expr: str, where: str, known: dict[str, set[str]]) -> set[str] | None:
    if alert.source == "loki":
        return logql.result_labels(expr, where)
    return promql.result_labels(expr, where, known)
