"""A query may use only series and labels that are declared: a name that no exporter gives shows nothing, and nobody sees why. That holds
for panels, rules and the queries of objectives."""

from dashboards import checks, promql
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import TARGET_LABELS


def check(content: Content) -> Found:
    # Behind a view of all regions every series has the region, as a label of the Prometheus that it came from.
    labels = {loaded.system.id: {name: own | {"region"} for name, own in checks.labels(content, loaded).items()}
              for loaded in content.systems}
    for loaded, row, used in checks.used(content):
        known = labels[loaded.system.id]
        for name, matchers in used.selectors:
            if name not in known:
                yield row.where, f"uses {name or 'a selector without a name'}, which no metrics.py declares"
                continue
            own = {*known[name], *TARGET_LABELS}
            for label in sorted(set(matchers) - own):
                yield row.where, f"selects {name} by {label}, which is not one of its labels ({', '.join(sorted(own))})"
        for text in promql.unknown_labels(row.expr, row.where, known):
            yield row.where, text
