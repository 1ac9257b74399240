"""A dashboard of a hundred panels is read by nobody and asks its servers a hundred questions every half minute. More than this is two
dashboards; rows that are seldom needed are collapsed, so their queries run only when they are opened."""

from dashboards.checks import Found
from dashboards.load import Content

PANELS = 45
QUERIES = 80
OPEN_ROWS = 12


def check(content: Content) -> Found:
    for loaded in content.systems:
        for dashboard in loaded.dashboards:
            panels = dashboard.panels()
            numbers = ((len(panels), PANELS, "panels"), (sum(len(panel.queries) for panel in panels), QUERIES, "queries"),
                       (sum(not row.collapsed for row in dashboard.rows), OPEN_ROWS, "open rows"))
            for number, limit, what in numbers:
                if number > limit:
                    yield f"{loaded.system.id}: dashboard {dashboard.key}", (
                        f"has {number} {what}, more than {limit}; split it, or collapse rows")
