"""A declared metric must be in the recorded scrape, with its labels and its type: what was not read is not claimed."""

from dashboards import sample
from dashboards.checks import Found
from dashboards.load import Content


def check(content: Content) -> Found:
    for loaded in content.systems:
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
