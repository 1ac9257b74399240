"""PromQL is parsed here, by a real grammar: a query with a mistake shows an empty panel, and a rule with one stops a whole file of rules
from being loaded. What it gives is a number for each series, not a range of values or a text."""

from dashboards import expressions, promql
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import ContentError


def check(content: Content) -> Found:
    for loaded in content.systems:
        for row in expressions.of(loaded):
            if row.source == "prometheus":
                try:
                    found = promql.use(row.expr, row.where)
                except ContentError as error:
                    yield row.where, str(error).removeprefix(f"{row.where}: ")
                    continue
                if found.result in ("matrix", "string"):
                    yield row.where, (f"gives a {'range of values' if found.result == 'matrix' else 'text'}, not a number for each series: "
                                      f"{row.expr}")
