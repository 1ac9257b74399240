"""A declared metric must be in the recorded scrape, with its labels and its type: what was not read is not claimed.

A system that cannot be recorded says why (`unrecorded` in system.py), and its sample says which metrics these are and from where they are
known. One without the other is refused, so the exception ends with the first recording."""

from dashboards import sample
from dashboards.checks import Found
from dashboards.load import Content, Loaded


def check(content: Content) -> Found:
    for loaded in content.systems:
        yield from _marked(loaded)
        for metric in loaded.metrics:
            where = f"{loaded.system.id}: metric {metric.name}"
            for series, labels in metric.series().items():
                if series not in loaded.sample.labels:
                    yield where, f"{series} is not in metrics.sample; record it (make record SYSTEM={loaded.system.id}) or leave it out"
                    continue
                missing = set(labels) - sample.beyond_target(loaded.sample.labels[series])
                if missing:
                    yield where, f"{series} has no label {', '.join(sorted(missing))} in metrics.sample"
            found = loaded.sample.type_of(metric.name)
            if not found:  # some exporters give none for what they seldom have; then only the name can say it
                said = metric.type == "counter" and metric.name.endswith("_total")
                if not said and set(metric.series()) <= set(loaded.sample.labels):
                    yield where, f"has no type in metrics.sample; record it anew (make record SYSTEM={loaded.system.id})"
            elif found not in (metric.type, "unknown") and not (metric.type == "info" and found == "gauge"):
                yield where, f"is a {found} in metrics.sample, not a {metric.type}"


def _marked(loaded: Loaded) -> Found:
    """Whether what was not recorded is said to be so, in both places, and is of use."""
    name, found = loaded.system.id, loaded.sample
    if found.rest and not loaded.system.unrecorded:
        yield f"{name}: metrics.sample", ("has metrics that were not recorded; record them (make record SYSTEM="
                                          f"{name}), or say in system.py why that cannot be done (unrecorded)")
    if loaded.system.unrecorded and not found.unrecorded:
        yield f"{name}: system.py", "says unrecorded, but metrics.sample is recorded; take it out"
    declared = {series for metric in loaded.metrics for series in metric.series()}
    for series in sorted(found.unrecorded - declared):
        yield f"{name}: metrics.sample", f"{series} was not recorded and is not declared; take it out"
