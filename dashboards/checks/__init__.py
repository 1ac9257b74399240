"""The laws of content, one a file: a docstring that gives the reason, and `check(content)`, which yields what breaks it.

A law is found by its file; its id is the file's name. tests/dashboards/checks has an example that fails for each."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards import estate, expressions, grafana, promql, render
from dashboards.load import Content, Loaded
from dashboards.model import TARGET_LABELS, ContentError, Dashboard
from dashboards.slo import SloError
from dashboards.slo_metrics import RECORDED

Found = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Problem:
    """law (its id), where (system and key), what is wrong and what would be right."""

    law: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text} [{self.law}]" if self.where else f"{self.text} [{self.law}]"


def laws() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def run(content: Content) -> list[Problem]:
    """Every law on all content, in the order of the laws. What stops several laws (a declaration that no one can read) is said once."""
    found: dict[tuple[str, str], Problem] = {}
    for law in laws():
        try:
            for where, text in importlib.import_module(f"dashboards.checks.{law}").check(content):
                found.setdefault((law + where, text), Problem(law, where, text))
        except (ContentError, SloError) as error:
            found.setdefault(("", str(error)), Problem(law, "", str(error)))
    return list(found.values())


def digest() -> str:
    """A name for all that the laws' verdict depends on: content, laws and what reads them. Equal names, equal verdicts."""
    package = Path(__file__).parents[1]
    known = hashlib.sha256(sys.version.encode())
    for name in ("grafanalib", "lark", "promql-parser", "pyyaml"):
        known.update(f"{name} {importlib.metadata.version(name)}\0".encode())
    for path in sorted(path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        known.update(f"{path.relative_to(package)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return known.hexdigest()


# -- what several laws look at -----------------------------------------------------------------------------------------------
def used(content: Content) -> Iterator[tuple[Loaded, expressions.Expression, promql.Use]]:
    """Every PromQL expression that parses, with what it uses; promql_parses tells of those that do not."""
    for loaded in content.systems:
        for row in expressions.of(loaded):
            if row.source == "prometheus":
                try:
                    found = promql.use(row.expr, row.where)
                except ContentError:
                    continue
                yield loaded, row, found


NO_TARGET = frozenset(metric.name for metric in RECORDED)


def labels(content: Content, loaded: Loaded) -> dict[str, set[str]]:
    """Every series that a system's queries may use, with its labels, those of the target too."""
    return {name: {*own, *(() if name in NO_TARGET else TARGET_LABELS)} for name, (_metric, own) in content.series(loaded).items()}


@dataclass(frozen=True)
class Rendered:
    """A dashboard as Grafana gets it, rendered for an estate that has every system and no URLs."""

    loaded: Loaded
    dashboard: Dashboard
    data: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.loaded.system.id}: dashboard {self.dashboard.key}"

    def panels(self) -> Iterator[dict[str, Any]]:
        """Every panel but the rows, those of collapsed rows too."""
        for panel in self.data["panels"]:
            if panel["type"] == "row":
                yield from panel["panels"]
            else:
                yield panel


_LAST: list[tuple[Content, tuple[Rendered, ...]]] = []


def rendered(content: Content) -> tuple[Rendered, ...]:
    """All dashboards, rendered once for all laws."""
    if not _LAST or _LAST[0][0] is not content:
        whole = everywhere(content)
        context = render.context(content, content.systems)
        _LAST[:] = [(content, tuple(Rendered(loaded, dashboard, grafana.render(loaded, dashboard, whole, context))
                                    for loaded in content.systems for dashboard in loaded.dashboards))]
    return _LAST[0][1]


def everywhere(content: Content) -> estate.Estate:
    """An estate that has every system and knows every owner."""
    return estate.everything(tuple(content.by_id), tuple(sorted({loaded.system.owner for loaded in content.systems})))


def strings(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a JSON value with the way to it (a.b.c, without indexes)."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from strings(value, f"{path}.{key}")
    elif isinstance(data, list):
        for value in data:
            yield from strings(value, path)
    elif isinstance(data, str):
        yield path, data
