"""Grafana migrates what is old when it opens it, differently in each release; a null or a dead key is where that goes wrong. What is
rendered is schema 42 and has neither."""

from collections.abc import Iterator
from typing import Any, get_args

from dashboards import checks
from dashboards.checks import Found
from dashboards.grafana import LEGACY_DASHBOARD, LEGACY_PANEL, SCHEMA, WIDTH
from dashboards.load import Content
from dashboards.model import Kind

KINDS = frozenset(get_args(Kind))


def check(content: Content) -> Found:
    for made in checks.rendered(content):
        if made.data.get("schemaVersion") != SCHEMA:
            yield made.where, f"schemaVersion is {made.data.get('schemaVersion')!r}, not {SCHEMA}"
        for key in sorted(set(made.data) & set(LEGACY_DASHBOARD)):
            yield made.where, f"has the key {key}, which schema {SCHEMA} does not know"
        for path in _nulls(made.data):
            yield made.where, f"{path} is null; leave the key out"
        for panel in made.panels():
            where = f"{made.where}: panel {panel.get('title')}"
            if panel["type"] not in KINDS:
                yield where, f"is of the type {panel['type']!r}; known are {', '.join(sorted(KINDS))}"
            for key in sorted(set(panel) & set(LEGACY_PANEL)):
                yield where, f"has the key {key}, which schema {SCHEMA} does not know"
            place = panel["gridPos"]
            if place["x"] + place["w"] > WIDTH:
                yield where, f"reaches over the right edge: x {place['x']}, width {place['w']} of {WIDTH}"
            refs = [target.get("refId") for target in panel.get("targets", ())]
            if None in refs or len(set(refs)) != len(refs):
                yield where, f"its queries have the ids {refs}; each needs its own"


def _nulls(data: Any, path: str = "") -> Iterator[str]:
    """The way to every null, but that of a first threshold, which means minus infinity."""
    if isinstance(data, dict):
        for key, value in data.items():
            if value is None and not (key == "value" and "color" in data):
                yield f"{path}.{key}".lstrip(".")
            yield from _nulls(value, f"{path}.{key}")
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _nulls(value, f"{path}[{index}]")
