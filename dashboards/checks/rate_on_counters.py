"""rate, irate, increase and resets are right for what only grows, delta, deriv and predict_linear for what also falls: the other way
round a reset becomes a rate, or a rate becomes nonsense, and the graph looks plausible."""

from dashboards import checks, promql
from dashboards.checks import Found
from dashboards.load import Content


def check(content: Content) -> Found:
    series = {loaded.system.id: content.series(loaded) for loaded in content.systems}
    for loaded, row, found in checks.used(content):
        known = series[loaded.system.id]
        for function, name in found.functions:
            if not name and function in promql.COUNTER_FUNCTIONS:
                yield row.where, (f"{function}() of a subquery over more than a selector; a sum of counters falls when one of them starts "
                                  f"anew, so take the {function}() first and sum then")
            if name not in known:
                continue
            counts = known[name][0].counts(name)
            if function in promql.COUNTER_FUNCTIONS and not counts:
                yield row.where, f"{function}() of {name}, which is a {known[name][0].type}; use delta() or deriv()"
            elif function in promql.GAUGE_FUNCTIONS and counts:
                yield row.where, f"{function}() of {name}, which only grows; use rate() or increase()"
