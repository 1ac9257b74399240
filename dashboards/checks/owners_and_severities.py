"""An alert reaches somebody by its severity and its owner: both are of a known set, or it falls through to the default route."""

import re

from dashboards import checks, rules
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import SEVERITIES

OWNER = re.compile(r"[a-z][a-z0-9-]*\Z")
LABELS = {"severity", "owner", "system"}


def check(content: Content) -> Found:
    owners = {loaded.system.owner for loaded in content.systems}
    for loaded in content.systems:
        if not OWNER.match(loaded.system.owner):
            yield f"{loaded.system.id}: system", f"owner {loaded.system.owner!r} is not a name of lower case letters, digits and -"
        for alert in loaded.alerts:
            where = f"{loaded.system.id}: alert {alert.name}"
            if alert.owner and alert.owner not in owners:
                yield where, f"owner {alert.owner!r} owns no system; known are {', '.join(sorted(owners))}"
            if alert.severity not in SEVERITIES:
                yield where, f"severity {alert.severity!r} is not one of {', '.join(SEVERITIES)}"
            made = rules.rule(loaded, alert, checks.everywhere(content))["labels"]
            wanted = LABELS | ({"told_elsewhere"} if alert.elsewhere else set())
            if set(made) != wanted or not all(made.values()):
                yield where, f"has the labels {', '.join(sorted(made))}; an alert has {', '.join(sorted(wanted))}"
