"""A rate needs several scrapes in its window. In a panel Grafana knows how many: $__rate_interval follows the zoom and the scrape interval
($__range where the whole shown time is meant); a fixed window loses peaks or shows nothing. An increase "in the last hour" says its own
window, and may have one of ten minutes or more. In a rule the window is at least four scrape
intervals, so that one lost scrape leaves a rate."""

from dashboards import checks, promql
from dashboards.checks import Found
from dashboards.estate import Estate, seconds
from dashboards.expressions import Expression
from dashboards.load import Content

SCRAPES = 4
SAID = 600.0  # seconds from which a fixed window of increase() is a statement, not a resolution
# Stand-ins for what Grafana puts in, by which they are known again in the tree.
MARKS = {"$__rate_interval": 7919.0, "$__range": 7927.0}


def check(content: Content) -> Found:
    least = SCRAPES * seconds(Estate.scrape_interval, "estate")
    for _loaded, row, found in checks.used(content):
        if not any(function in promql.COUNTER_FUNCTIONS for function, _name in found.functions):
            continue
        for function, window in _windows(row):
            if function not in promql.COUNTER_FUNCTIONS:
                continue
            said = function == "increase" and window >= SAID
            if row.panel is not None and window not in MARKS.values() and not said:
                yield row.where, (
                    f"{function}() over a fixed window of {promql.number(window)} s; "
                    "write [$__rate_interval], or [$__range] for all that is shown")
            elif row.panel is None and window < least:
                yield row.where, (
                    f"{function}() over {promql.number(window)} s, less than {SCRAPES} scrapes; write at least [{promql.number(least)}s]")


def _windows(row: Expression) -> list[tuple[str, float]]:
    expr = row.expr
    for name, mark in MARKS.items():
        expr = expr.replace(f"[{name}", f"[{promql.number(mark)}s")
    return promql.use(expr, row.where).windows
