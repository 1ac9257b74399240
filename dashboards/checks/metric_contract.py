"""A query may use only series and labels that are declared: a name that no exporter gives shows nothing, and nobody sees why."""

from dashboards import checks
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import TARGET_LABELS


def check(content: Content) -> Found:
    known = content.series()
    for _loaded, row, used in checks.used(content):
        labels = set(TARGET_LABELS)
        for name, matchers in used.selectors:
            if name not in known:
                yield row.where, f"uses {name or 'a selector without a name'}, which no metrics.py declares"
                continue
            own = {*known[name][1], *TARGET_LABELS}
            labels |= own
            for label in sorted(set(matchers) - own):
                yield row.where, f"selects {name} by {label}, which is not one of its labels ({', '.join(sorted(own))})"
        for label in sorted(used.grouped - labels - used.made):
            yield row.where, f"groups by {label}, which is a label of none of its series"
