"""metrics.sample: what a system's targets really expose, as recorded from the lab's Prometheus (`make record SYSTEM=<id>`).

Text in the exposition format, with the labels of the target, after comment lines that say what was recorded. Of each family at most a
few series are kept; every label that any of its series had is among them.

What could not be recorded stands after a line `# Not recorded: ...` that says from where it is known, up to the end of the file. Only a
system that says so itself (`unrecorded` in system.py) may have such a part; the next recording replaces it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from dashboards.model import TARGET_LABELS, ContentError

LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
TYPE = re.compile(r"# TYPE (\S+) (\S+)\Z")
NOT_RECORDED = "# Not recorded: "
KEPT = 4


@dataclass(frozen=True)
class Sample:
    """labels: series name to every label that was seen on it. types: family to type; "unknown" where the exporter says no other.
    unrecorded: the names that nobody has seen. rest: that part of the file as it stands, with the line that begins it."""

    labels: dict[str, set[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    unrecorded: frozenset[str] = frozenset()
    rest: str = ""

    def type_of(self, metric: str) -> str:
        """The type of a family, whose counters are named with or without _total; of a series of a summary or histogram that is declared by
        itself (x_sum, x_count) a counter; "" when the recording does not say."""
        base = re.sub(r"_(sum|count)$", "", metric)
        if base != metric and metric not in self.types and self.types.get(base) in ("summary", "histogram"):
            return "counter"
        return self.types.get(metric) or self.types.get(metric.removesuffix("_total")) or ""


def parse(text: str, where: str) -> Sample:
    found = Sample()
    lines = text.splitlines()
    begins = next((number for number, line in enumerate(lines) if line.startswith(NOT_RECORDED)), len(lines))
    unrecorded: set[str] = set()
    for number, line in enumerate(lines, 1):
        if match := TYPE.match(line):
            found.types[match[1]] = match[2]
        elif line and not line.startswith("#"):
            match = LINE.match(line)
            if not match:
                raise ContentError(f"{where}: line {number} is not of the exposition format: {line[:80]!r}")
            if number > begins:
                if match[1] in found.labels and match[1] not in unrecorded:
                    raise ContentError(f"{where}: line {number}: {match[1]} was recorded; take it out of what was not")
                unrecorded.add(match[1])
            found.labels.setdefault(match[1], set()).update(name for name, _value in LABEL.findall(match[2] or ""))
    return replace(found, unrecorded=frozenset(unrecorded), rest="\n".join([*lines[begins:], ""]) if begins < len(lines) else "")


def write(series: Iterable[tuple[Mapping[str, str], str]], types: Mapping[str, str], header: Iterable[str]) -> str:
    """The text of a sample from (labels with __name__, value) pairs: a few series a family, so chosen that no label is lost."""
    families: dict[str, list[tuple[Mapping[str, str], str]]] = {}
    for labels, value in series:
        families.setdefault(labels["__name__"], []).append((labels, value))
    lines = [f"# {line}" for line in header]
    told: set[str] = set()
    for name in sorted(families):
        family = next((base for base in (name, re.sub(r"_(bucket|sum|count|total)$", "", name)) if types.get(base)), name)
        if types.get(family) and family not in told:
            told.add(family)
            lines.append(f"# TYPE {family} {types[family]}")
        for labels, value in _chosen(families[name]):
            inner = ",".join(f'{key}="{_escape(labels[key])}"' for key in sorted(labels) if key != "__name__")
            lines.append(f"{name}{{{inner}}} {value}")
    return "\n".join(lines) + "\n"


def _chosen(rows: list[tuple[Mapping[str, str], str]]) -> list[tuple[Mapping[str, str], str]]:
    rows = sorted(rows, key=lambda row: sorted(row[0].items()))
    kept: list[tuple[Mapping[str, str], str]] = []
    seen: set[str] = set()
    for row in rows:
        new = set(row[0]) - seen
        if new or len(kept) < KEPT:
            kept.append(row)
            seen |= set(row[0])
    return kept


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def beyond_target(labels: Iterable[str]) -> set[str]:
    return set(labels) - set(TARGET_LABELS)
