"""Alerts, links and bookmarks name a dashboard by uid and a panel by number: both are unique, keep Grafana's limits, and follow from keys,
so they stay when a title changes."""

import re
from collections import Counter

from dashboards import checks, naming
from dashboards.checks import Found
from dashboards.load import Content

LIMIT = 40
FORM = re.compile(rf"{naming.PREFIX}-[a-z0-9_-]+\Z")


def check(content: Content) -> Found:
    seen: dict[str, str] = {}
    for made in checks.rendered(content):
        uid = str(made.data["uid"])
        full = f"{naming.PREFIX}-{made.loaded.system.id}-{made.dashboard.key}"
        if len(full) > LIMIT:
            yield made.where, f"its uid {full} has {len(full)} characters, and Grafana takes {LIMIT}; take a shorter key"
        if not FORM.match(uid):
            yield made.where, f"its uid {uid!r} is not {naming.PREFIX}-<system>-<key> of lower case letters, digits, - and _"
        if uid in seen:
            yield made.where, f"its uid {uid} is that of {seen[uid]} too"
        seen.setdefault(uid, made.where)
        numbers = Counter(_numbers(made))
        for number, times in numbers.items():
            if times > 1:
                yield made.where, f"{times} panels have the number {number}; rename the key of one"


def _numbers(made: checks.Rendered) -> list[int]:
    return [panel["id"] for panel in made.panels()] + [panel["id"] for panel in made.data["panels"] if panel["type"] == "row"]
