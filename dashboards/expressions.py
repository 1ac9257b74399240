"""What a law looks at: every PromQL and LogQL expression of a system, those of its objectives too, with where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboards import promql, slo
from dashboards.load import Loaded
from dashboards.model import Alert, Panel, Prom, Source

# What is put in for the window of an objective's queries.
SHORTEST = "5m"


@dataclass(frozen=True)
class Expression:
    """where: system and key. expr: thresholds put in. panel or alert: whose it is (None for a recording rule or an objective)."""

    where: str
    expr: str
    source: Source
    panel: Panel | None = None
    alert: Alert | None = None


def of(loaded: Loaded) -> Iterator[Expression]:
    values = loaded.thresholds()
    for dashboard in loaded.dashboards:
        for panel in dashboard.panels():
            for query in panel.queries:
                where = f"{loaded.system.id}: dashboard {dashboard.key}: panel {panel.key}"
                expr = panel_expression(query.expr, values, where) if isinstance(query, Prom) else query.expr
                yield Expression(where, expr, query.source, panel=panel)
    for alert in loaded.alerts:
        where = f"{loaded.system.id}: alert {alert.name}"
        yield Expression(where, promql.thresholds(alert.expr, values, where), alert.source, alert=alert)
    for recording in loaded.recordings:
        yield Expression(f"{loaded.system.id}: recording {recording.record}", recording.expr, "prometheus")
    for objective in slo.load(loaded.slos, f"systems/{loaded.system.id}/slos.yml") if loaded.slos else ():
        source: Source = "loki" if objective.source == "loki" else "prometheus"
        for name in ("error", "total", "ratio"):
            if query_text := getattr(objective, name):
                yield Expression(f"{loaded.system.id}: objective {objective.name}: {name} query", slo.fill(query_text, SHORTEST), source)


def panel_expression(expr: str, values: Mapping[str, float], where: str) -> str:
    """A panel's query with thresholds put in; Grafana's own variables stay. Raises ContentError."""
    for name in ("__rate_interval", "__range", "__interval"):
        expr = expr.replace(f"${name}", f"$${name}")
    return promql.thresholds(expr, values, where)
