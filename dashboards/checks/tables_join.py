"""A table joins its queries where their labels agree. A label that the table does not show (the metric's name above all) differs from query
to query and keeps the rows apart, so each query of several is an aggregation by the labels that are shown."""

from dashboards import promql
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import ContentError, Prom


def check(content: Content) -> Found:
    for loaded in content.systems:
        for dashboard in loaded.dashboards:
            for panel in dashboard.panels():
                if panel.kind != "table" or len(panel.queries) < 2:
                    continue
                for query in panel.queries:
                    where = f"{loaded.system.id}: dashboard {dashboard.key}: panel {panel.key}"
                    try:
                        labels = promql.result_labels(query.expr, where, {}) if isinstance(query, Prom) else None
                    except ContentError:  # promql_parses tells
                        continue
                    if labels is None:
                        yield where, (f"{query.expr} keeps every label of its series, which do not agree with those of the other queries; "
                                      f"write max by (LABELS THAT ARE SHOWN) (...)")
