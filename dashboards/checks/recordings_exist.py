"""A name with a colon is a recording rule's: an alert on one that nobody records never fires, and nothing says so. Names say level, metric
and operations, as Prometheus' own guide has them."""

import re

from dashboards import checks
from dashboards.checks import Found
from dashboards.load import Content

FORM = re.compile(r"[a-zA-Z_]\w*:[a-zA-Z_]\w*:[a-zA-Z_]\w*\Z")


def check(content: Content) -> Found:
    known = content.series()
    recorded: dict[str, str] = {}
    for loaded in content.systems:
        for recording in loaded.recordings:
            where = f"{loaded.system.id}: recording {recording.record}"
            if not FORM.match(recording.record):
                yield where, "is not level:metric:operations, such as instance:node_cpu_utilisation:ratio_rate5m"
            if recording.record in recorded:
                yield where, f"is recorded by {recorded[recording.record]} too"
            recorded.setdefault(recording.record, loaded.system.id)
    for _loaded, row, found in checks.used(content):
        for name in sorted(found.names()):
            if ":" in name and name not in known:
                yield row.where, f"uses {name}, which no rule records; there are {', '.join(sorted(recorded)) or 'none'}"
