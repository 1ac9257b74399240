"""Where an alert begins is for the site to say: a number in the expression cannot be set for an environment, a threshold ($name) can. 0 and
1 are states, and a length of time that is one of the expression's own windows says only that there was such a window. A threshold that its
alert does not use promises a choice that is none."""

import re

from dashboards import logql, promql
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import Alert, ContentError

# At the end of a metric query of LogQL: what its result is compared with.
COMPARED = re.compile(r"\)\s*(?:>=?|<=?|==|!=)\s*(-?[\d.]+)\s*\Z")
STATES = (0.0, 1.0)


def check(content: Content) -> Found:
    for loaded in content.systems:
        seen: dict[str, tuple[float, str]] = {}
        for alert in loaded.alerts:
            where = f"{loaded.system.id}: alert {alert.name}"
            for threshold in alert.thresholds:
                if not re.search(rf"\$(?:{threshold.id}\b|\{{{threshold.id}\}})", alert.expr):
                    yield where, f"its expression does not use the threshold {threshold.id}; take it out, or write ${threshold.id}"
                default, other = seen.setdefault(threshold.id, (threshold.default, alert.name))
                if default != threshold.default:
                    yield where, f"threshold {threshold.id} is {promql.number(default)} for {other}; one id has one default"
            # With 0 in every threshold's place, what is left are numbers that no site can set.
            try:
                found = _numbers(alert, promql.thresholds(alert.expr, dict.fromkeys(loaded.thresholds(), 0.0), where), where)
            except ContentError:  # promql_parses tells
                continue
            for number in found:
                yield where, f"compares with {promql.number(number)}; make it a Threshold, and write its $name"


def _numbers(alert: Alert, expr: str, where: str) -> list[float]:
    if alert.source == "loki":
        logql.parse(expr, where)
        return [number for number in map(float, COMPARED.findall(expr)) if number not in STATES]
    windows = promql.use(expr, where).ranges
    return [number for number in promql.compared(expr, where) if number not in (*STATES, *windows)]
