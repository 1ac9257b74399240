"""budgets: too many panels, queries, open rows."""

from example_content import content, dashboard, found, panel

from dashboards import panels
from dashboards.checks import budgets
from dashboards.model import Row


def test_panels():
    many = tuple(panel("shop_queue", f"p-{number}") for number in range(budgets.PANELS))
    assert any("panels, more than 45" in text for text in found("budgets", content(dashboards=(dashboard(*many),))))


def test_queries():
    many = panels.timeseries("many", "Many", "Too many.", "short", *(panels.prom("shop_queue") for _ in range(budgets.QUERIES)))
    assert any("queries, more than 80" in text for text in found("budgets", content(dashboards=(dashboard(many),))))


def test_open_rows():
    whole = dashboard()
    rows = tuple(Row(f"Row {number}", (panel("shop_queue", f"r-{number}"),)) for number in range(budgets.OPEN_ROWS))
    assert any("open rows, more than 12" in text for text in found("budgets", content(dashboards=(dashboard(rows=whole.rows + rows),))))
    closed = tuple(Row(row.title, row.panels, collapsed=True) for row in rows)
    assert not found("budgets", content(dashboards=(dashboard(rows=whole.rows + closed),)))
