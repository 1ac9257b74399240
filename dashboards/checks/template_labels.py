"""$labels.x in a summary is empty when the expression's result has no label x (a sum without by loses all of them): the one who is woken
reads "host  in  is down"."""

import re

from dashboards import logql, promql
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import TARGET_LABELS, Alert, ContentError
from dashboards.slo_metrics import RECORDED

LABEL = re.compile(r"\$labels\.([a-zA-Z_]\w*)")
NO_TARGET = frozenset(metric.name for metric in RECORDED)


def check(content: Content) -> Found:
    known = {name: {*labels, *(() if name in NO_TARGET else TARGET_LABELS)} for name, (_metric, labels) in content.series().items()}
    for loaded in content.systems:
        values = loaded.thresholds()
        for alert in loaded.alerts:
            where = f"{loaded.system.id}: alert {alert.name}"
            said = set(LABEL.findall(alert.summary + alert.description))
            try:
                labels = _labels(alert, promql.thresholds(alert.expr, values, where), where, known)
            except ContentError:
                continue
            for name in sorted(said - labels) if labels is not None else ():
                had = ", ".join(sorted(labels or ())) or "no labels"
                yield where, f"its text says $labels.{name}, but the result of its expression has only {had}"


def _labels(alert: Alert, expr: str, where: str, known: dict[str, set[str]]) -> set[str] | None:
    if alert.source == "loki":
        return logql.result_labels(expr, where)
    return promql.result_labels(expr, where, known)
