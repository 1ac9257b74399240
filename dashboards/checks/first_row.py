"""Every dashboard begins with the same row, so that one knows where to look; and a system whose lines and traces are kept shows them on
the dashboard of its numbers, where rates and latencies link to them."""

from dashboards.checks import Found
from dashboards.grafana import LOGS_KEY
from dashboards.load import Content
from dashboards.panels import GOLDEN


def check(content: Content) -> Found:
    for loaded in content.systems:
        for dashboard in loaded.dashboards:
            where = f"{loaded.system.id}: dashboard {dashboard.key}"
            first = dashboard.rows[0]
            if first.title != GOLDEN or first.collapsed or not first.panels:
                yield where, f"begins with {first.title!r}; the first row is golden(...), open and with panels"
            if loaded.system.logs and not any(panel.key == LOGS_KEY and panel.kind == "logs" for panel in dashboard.panels()):
                yield where, f"has no panel {LOGS_KEY!r}, though the system has lines; add logs_row(SYSTEM)"
            if loaded.system.traces and not any(panel.kind == "traces" for panel in dashboard.panels()):
                yield where, "has no panel of traces, though the system traces; add traces_row(SYSTEM)"
