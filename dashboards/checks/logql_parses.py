"""LogQL is parsed here, and gives what its place shows: numbers in a rule or a graph, lines in a panel of lines."""

from dashboards import expressions, logql
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import ContentError


def check(content: Content) -> Found:
    for loaded in content.systems:
        if loaded.system.logs:
            where = f"{loaded.system.id}: system: logs"
            try:
                logql.use(loaded.system.logs, where)
            except ContentError as error:
                yield where, str(error).removeprefix(f"{where}: ")
        for row in expressions.of(loaded):
            if row.source != "loki":
                continue
            try:
                found = logql.use(row.expr, row.where)
            except ContentError as error:
                yield row.where, str(error).removeprefix(f"{row.where}: ")
                continue
            lines = row.panel is not None and row.panel.kind == "logs"
            if found.metric == lines:
                yield row.where, ("shows lines, but the query gives numbers; take the aggregation away" if lines
                                  else "needs numbers, but the query gives lines; count them: sum(count_over_time(... [5m]))")
