"""What a law looks at: every PromQL and LogQL expression of a system, with where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dashboards import promql
from dashboards.load import Loaded
from dashboards.model import Alert, Panel, Prom, Source


@dataclass(frozen=True)
class Expression:
    """where: system and key. expr: thresholds put in. panel or alert: whose it is (None for a recording rule)."""

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
                expr = query.expr
                if isinstance(query, Prom):
                    for name in ("__rate_interval", "__range", "__interval"):
                        expr = expr.replace(f"${name}", f"$${name}")
                    expr = promql.thresholds(expr, values, where)
                yield Expression(where, expr, query.source, panel=panel)
    for alert in loaded.alerts:
        where = f"{loaded.system.id}: alert {alert.name}"
        yield Expression(where, promql.thresholds(alert.expr, values, where), alert.source, alert=alert)
    for recording in loaded.recordings:
        yield Expression(f"{loaded.system.id}: recording {recording.record}", recording.expr, "prometheus")
