# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates: may a phase be left? Go or no-go from the last assessment, and from objectives and queries answered by every region's Prometheus.

A gate is a file, roles/governance_report/gates/<id>.yml:

    id: launch
    title: Launch
    description: what leaving this phase means
    assessment: {max_age: 24h, coverage: 0.95}
    controls:                       # every row must find something to judge, and all that it finds must pass
      - {domain: identity-and-access, severity: [critical, high]}
      - {id: [TLS-05, TLS-06], waived: refuse}      # a waiver counts as a pass unless it is refused
      - {id: BCK-01, optional: true}                # may be about nothing that is here
    slos:                           # the budget is used no faster than `burn` times over `window`, all of which must be recorded
      - {id: psf-web-uptime, window: 1d, burn: 1}
    queries:                        # PromQL with one number, compared with `value`
      - {id: requests, expr: 'sum(rate(x[1h]))', op: ">=", value: 10, description: there is traffic}

What could not be read is a no-go: a result with an error, a query without an answer, an assessment that is too old or not whole.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from .model import ERROR, FAIL, MANUAL, PASS, SEVERITIES, GovernanceError, moment, seconds, stamp

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
OPS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
TOP = {"id": str, "title": str, "description": str, "assessment": dict, "controls": list, "slos": list, "queries": list}
ROW = ("id", "domain", "severity", "waived", "optional")
SLO = ("id", "window", "burn")
QUERY = ("id", "expr", "op", "value", "description")
NAME = re.compile(r"[a-z][a-z0-9_]*")
SLO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
WINDOW = re.compile(r"\d+[smhdwy]")
# Names in one reason; the record has all.
NAMED = 6


@dataclass(frozen=True)
class Row:
    """Which controls, and what is asked of them."""

    ids: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    waived: bool = True
    optional: bool = False

    @property
    def text(self) -> str:
        parts = [", ".join(self.ids), ", ".join(self.domains), ", ".join(self.severities)]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Query:
    """One number that a region's Prometheus must give."""

    id: str
    expr: str
    op: str
    value: float
    description: str


@dataclass(frozen=True)
class Gate:
    """A gate as declared. `max_age` in seconds."""

    id: str
    title: str
    description: str
    max_age: int
    coverage: float
    rows: tuple[Row, ...]
    queries: tuple[Query, ...]


# -- reading -----------------------------------------------------------------------------------------------------------
def load(path: Path) -> Gate:
    """A gate's file. Raises GovernanceError with file, key and reason."""
    data = _top(path)
    rows = [_row(f"{path}: controls[{index}]", row) for index, row in enumerate(data.get("controls") or ())]
    queries = [query for index, row in enumerate(data.get("slos") or ()) for query in _slo(f"{path}: slos[{index}]", row)]
    queries += [_query(f"{path}: queries[{index}]", row) for index, row in enumerate(data.get("queries") or ())]
    if not rows and not queries:
        raise GovernanceError(f"{path}: controls: neither controls nor slos nor queries; it would always be a go")
    if len({query.id for query in queries}) != len(queries):
        raise GovernanceError(f"{path}: queries: two have the same id")
    assessment = data.get("assessment") or {}
    _known(f"{path}: assessment", assessment, ("max_age", "coverage"))
    try:
        max_age = seconds(assessment.get("max_age", "24h"))
    except ValueError as error:
        raise GovernanceError(f"{path}: assessment.max_age: {error}") from error
    coverage = _number(f"{path}: assessment.coverage", assessment.get("coverage", 0.95))
    if not 0 <= coverage <= 1:
        raise GovernanceError(f"{path}: assessment.coverage: {coverage} is not between 0 and 1")
    description = " ".join(str(data.get("description") or "").split())
    return Gate(data["id"], data["title"], description, max_age, coverage, tuple(rows), tuple(queries))


def _top(path: Path) -> Mapping[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 (a safe loader)
    except (OSError, UnicodeDecodeError) as error:
        raise GovernanceError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except yaml.YAMLError as error:
        raise GovernanceError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, Mapping):
        raise GovernanceError(f"{path}: not a mapping with {', '.join(TOP)}")
    for key, value in data.items():
        if key not in TOP:
            raise GovernanceError(f"{path}: {key}: unknown; known are {', '.join(TOP)}")
        if not isinstance(value, TOP[key]):
            raise GovernanceError(f"{path}: {key}: {value!r} is no {TOP[key].__name__}")
    for key in ("id", "title"):
        if not data.get(key):
            raise GovernanceError(f"{path}: {key}: missing")
    if data["id"] != path.stem or not NAME.fullmatch(data["id"]):
        raise GovernanceError(f"{path}: id: {data['id']!r}, but the file is named {path.stem!r}; a-z, 0-9 and _")
    return data


def _known(where: str, row: Any, keys: Iterable[str]) -> None:
    if not isinstance(row, Mapping):
        raise GovernanceError(f"{where}: {row!r} is not a mapping")
    for key in row:
        if key not in keys:
            raise GovernanceError(f"{where}.{key}: unknown; known are {', '.join(keys)}")


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise GovernanceError(f"{where}: {value!r} is not a number")
    return float(value)


def _texts(where: str, value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise GovernanceError(f"{where}: {value!r} is not a text or a list of texts")
    return tuple(items)


def _row(where: str, row: Any) -> Row:
    _known(where, row, ROW)
    found = {key: _texts(f"{where}.{key}", row[key]) for key in ("id", "domain", "severity") if key in row}
    if not found:
        raise GovernanceError(f"{where}: id, domain or severity is needed")
    for name in found.get("severity", ()):
        if name not in SEVERITIES:
            raise GovernanceError(f"{where}.severity: {name!r} is not one of {', '.join(SEVERITIES)}")
    if row.get("waived", "accept") not in ("accept", "refuse"):
        raise GovernanceError(f"{where}.waived: {row['waived']!r} is not accept or refuse")
    if not isinstance(row.get("optional", False), bool):
        raise GovernanceError(f"{where}.optional: {row['optional']!r} is not true or false")
    return Row(
        found.get("id", ()),
        found.get("domain", ()),
        found.get("severity", ()),
        row.get("waived", "accept") == "accept",
        row.get("optional", False),
    )


def _slo(where: str, row: Any) -> list[Query]:
    """The burn rate over the window, from the records that the bundle has for each objective (names as Sloth's).

    The records must go back to the beginning of the window: an hour of good luck is not three days.
    """
    _known(where, row, SLO)
    name, window, burn = row.get("id"), row.get("window"), _number(f"{where}.burn", row.get("burn", 1))
    if not isinstance(name, str) or not SLO_ID.fullmatch(name):
        raise GovernanceError(f"{where}.id: {name!r} is not the id of an objective, <service>-<name>")
    if not isinstance(window, str) or not WINDOW.fullmatch(window):
        raise GovernanceError(f"{where}.window: {window!r} is not a window such as 1d")
    ratio = f'max by (sloth_id) (slo:sli_error:ratio_rate{window}{{sloth_id="{name}"}})'
    budget = f'max by (sloth_id) (slo:error_budget:ratio{{sloth_id="{name}"}})'
    recorded = f'count(slo:error_budget:ratio{{sloth_id="{name}"}} offset {window})'
    return [
        Query(f"slo:{name}:{window}", f"{ratio} / {budget}", "<=", burn, f"{name} over {window}: times faster than the budget allows"),
        Query(f"slo:{name}:{window}:recorded", recorded, ">=", 1, f"{name} was recorded {window} ago"),
    ]


def _query(where: str, row: Any) -> Query:
    _known(where, row, QUERY)
    for key in ("id", "expr", "op"):
        if not isinstance(row.get(key), str) or not row[key]:
            raise GovernanceError(f"{where}.{key}: missing, or no text")
    if row["op"] not in OPS:
        raise GovernanceError(f"{where}.op: {row['op']!r} is not one of {', '.join(OPS)}")
    return Query(row["id"], row["expr"], row["op"], _number(f"{where}.value", row.get("value")), str(row.get("description") or row["id"]))


# -- judging -----------------------------------------------------------------------------------------------------------
def evaluate(
    gate: Gate, run: Mapping[str, Any] | None, answers: Mapping[str, Mapping[str, Any]], regions: Iterable[str], now: datetime
) -> dict[str, Any]:
    """Go or no-go, as plain data: {"gate", "title", "go", "reasons", "checks", "run", ...}.

    run: results.json of the last assessment, None without one; answers: region to query id to {"values": [numbers]} or
    {"error": words}; regions: those that must answer.
    """
    checks = [*_assessment(gate, run, now)]
    if run is not None:
        checks += [_controls(row, run) for row in gate.rows]
    for region in sorted(regions):
        checks += [_answer(query, region, answers.get(region, {}).get(query.id)) for query in gate.queries]
    if gate.queries and not list(regions):
        checks.append(_check("query", "regions", False, "no region has a Prometheus to ask"))
    reasons = [f"{check['what']}: {check['detail']}" for check in checks if not check["ok"]]
    return {
        "gate": gate.id,
        "title": gate.title,
        "description": gate.description,
        "go": not reasons,
        "reasons": reasons,
        "checks": checks,
        "run": run.get("run") if run else None,
        "environment": run.get("environment") if run else None,
        "evaluated_at": stamp(now),
    }


def _check(kind: str, what: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"kind": kind, "what": what, "ok": ok, "detail": detail}


def _assessment(gate: Gate, run: Mapping[str, Any] | None, now: datetime) -> list[dict[str, Any]]:
    if run is None:
        return [_check("assessment", "assessment", False, "there is none; run playbooks/assess.yml first")]
    finished = moment(run.get("finished"))
    age = int((now - finished).total_seconds()) if finished else None
    covered = run.get("coverage")
    rows = [
        _check(
            "assessment",
            "age of the assessment",
            age is not None and 0 <= age <= gate.max_age,
            f"{run.get('run')} is {age} s old, at most {gate.max_age} s are allowed",
        ),
        _check(
            "assessment",
            "coverage",
            isinstance(covered, (int, float)) and covered >= gate.coverage,
            f"{'unknown' if covered is None else format(covered, '.1%')}, at least {gate.coverage:.0%} is wanted",
        ),
    ]
    if run.get("silent"):
        rows.append(_check("assessment", "hosts", False, f"no results from {', '.join(sorted(run['silent']))}"))
    if not run.get("complete"):
        rows.append(_check("assessment", "hosts", False, "only a part was assessed (a limit or tags); assess the whole environment"))
    return rows


def _controls(row: Row, run: Mapping[str, Any]) -> dict[str, Any]:
    known = {control["id"]: control for control in run["controls"]}
    what = f"controls {row.text}"
    if missing := sorted(set(row.ids) - set(known)):
        return _check("controls", what, row.optional, f"not among those that were assessed: {', '.join(missing)}")
    chosen = {
        name
        for name, control in known.items()
        if (not row.ids or name in row.ids)
        and (not row.domains or control["domain"] in row.domains)
        and (not row.severities or control["severity"] in row.severities)
    }
    results = [result for result in run["results"] if result["control"] in chosen]
    bad, judged = [], 0
    for result in results:
        waived = bool(result.get("waiver"))
        judged += result["status"] in (PASS, FAIL)
        if result["status"] == MANUAL or result["status"] == ERROR or (result["status"] == FAIL and not (waived and row.waived)):
            words = {MANUAL: "waits for a person", ERROR: "could not be read", FAIL: "fails"}[result["status"]]
            bad.append(f"{result['control']} on {result['subject']['name']} {words}{' (waived)' if waived else ''}")
    if bad:
        more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        return _check("controls", what, False, "; ".join(sorted(bad)[:NAMED]) + more)
    if not judged:
        return _check("controls", what, row.optional, f"{len(chosen)} controls, none of which has anything here to judge")
    return _check("controls", what, True, f"{judged} results of {len(chosen)} controls pass")


def _answer(query: Query, region: str, answer: Mapping[str, Any] | None) -> dict[str, Any]:
    what = f"{query.id} in {region}"
    if answer is None:
        return _check("query", what, False, "was not asked or not answered")
    if answer.get("error"):
        return _check("query", what, False, f"could not be read: {answer['error']}")
    values = [float(value) for value in answer.get("values") or ()]
    if not values:
        return _check("query", what, False, "found nothing")
    # NaN compares false with everything, so it is no pass.
    ok = all(OPS[query.op](value, query.value) for value in values)
    found = ", ".join(f"{value:.4g}" for value in values[:NAMED])
    return _check("query", what, ok, f"{found}; wanted {query.op} {query.value:g} ({query.description})")


def markdown(found: Mapping[str, Any]) -> str:
    """The answer for people."""
    lines = [f"# Gate {found['title']}: {'go' if found['go'] else 'no-go'}", "", f"Assessment {found['run']}, {found['evaluated_at']}.", ""]
    lines += [f"- {'ok' if check['ok'] else '**no**'}: {check['what']}: {check['detail']}" for check in found["checks"]]
    return "\n".join(lines) + "\n"
