"""The dashboards of a bundle as the preview needs them: what to ask for each panel, and what the page must know to draw it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from dashboards import naming
from dashboards.model import ContentError, require

FORMAT = 1
KINDS = ("timeseries", "stat", "gauge", "bargauge", "table", "heatmap", "state-timeline", "logs", "traces", "nodeGraph", "text")
LABEL_VALUES = re.compile(r"label_values\((?:(.*),)?\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\)\Z", re.DOTALL)
ALERTS = re.compile(r"^Alerts: (.+)$", re.MULTILINE)
ALERTS_FRAME = "alerts"  # the id under which the state of a dashboard's alerts is asked for


@dataclass(frozen=True)
class Target:
    """One query. `source` is prometheus, loki or jaeger; `mode` range, instant, logs, search (expr is a service) or graph."""

    ref: str
    source: str
    mode: str
    expr: str
    legend: str = "__auto"
    exemplars: bool = False


@dataclass(frozen=True)
class Panel:
    id: int
    kind: str
    title: str
    data: dict[str, Any]
    targets: tuple[Target, ...]
    alerts: tuple[str, ...] = ()
    may_be_empty: str = ""


@dataclass(frozen=True)
class Variable:
    """Values of `label` of the series `selector` ("" for any series); an expression may name the variables before it."""

    name: str
    title: str
    label: str
    selector: str
    multi: bool
    all_value: str


@dataclass(frozen=True)
class Board:
    uid: str
    system: str
    title: str
    data: dict[str, Any]
    rows: tuple[tuple[str, int, bool, tuple[Panel, ...]], ...]  # title, id, collapsed, panels
    variables: tuple[Variable, ...]
    alerts: Target | None = None
    panels: dict[int, Panel] = field(default_factory=dict)

    def names(self) -> list[str]:
        return [variable.name for variable in self.variables]


@dataclass(frozen=True)
class Bundle:
    directory: Path
    environment: str
    boards: dict[str, Board]  # by uid, the landing page first
    runbooks: dict[str, str]  # system -> page (HTML)


def read(directory: Path) -> Bundle:
    """The bundle in a directory. Raises ContentError: no bundle, of another format, a file that is missing or cannot be read."""
    manifest = _json(directory / "manifest.json")
    require(
        isinstance(manifest, dict) and manifest.get("format") == FORMAT,
        f"{directory / 'manifest.json'}: format",
        f"{manifest.get('format') if isinstance(manifest, dict) else None!r} is not {FORMAT}, which this version reads",
    )
    files = manifest.get("files")
    require(isinstance(files, list), f"{directory / 'manifest.json'}: files", "must be a list of files")
    reasons = {
        (row["dashboard"], row["title"]): row["may_be_empty"] for row in _json(directory / "queries.json") if row.get("may_be_empty")
    }
    boards: dict[str, Board] = {}
    runbooks: dict[str, str] = {}
    for row in files:
        path = directory / str(row["path"])
        if row["kind"] == "grafana_dashboard":
            found = board(_json(path), str(row["owner"]), reasons, str(path))
            require(found.uid not in boards, str(path), f"uid {found.uid} is that of another dashboard too")
            boards[found.uid] = found
        elif row["kind"] == "page" and str(row["path"]).startswith("pages/runbooks/"):
            runbooks[path.stem] = _text(path)
    require(boards, str(directory), "has no dashboards; `observatory render` writes them")
    order = sorted(
        boards.values(),
        key=lambda item: (
            item.uid != naming.LANDING,
            not item.uid.startswith(f"{naming.PREFIX}-observatory-"),
            item.system,
            not item.uid.endswith("-overview"),
            item.title,
        ),
    )
    return Bundle(directory, str(manifest.get("environment", "")), {item.uid: item for item in order}, runbooks)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContentError(f"{path}: cannot be read: {error.strerror}; render the bundle again") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise ContentError(f"{path}: is not JSON: {error}") from error


def board(data: Any, system: str, reasons: dict[tuple[str, str], str], where: str) -> Board:
    """A dashboard of schema 42 as Grafana takes it. Raises ContentError for a panel or a variable of an unknown kind."""
    require(
        isinstance(data, dict) and isinstance(data.get("uid"), str) and isinstance(data.get("panels"), list),
        where,
        "is no dashboard: it needs uid and panels",
    )
    rows: list[tuple[str, int, bool, list[Panel]]] = []
    for raw in data["panels"]:
        if raw["type"] == "row":
            rows.append(
                (
                    raw["title"],
                    raw["id"],
                    bool(raw.get("collapsed")),
                    [_panel(inner, data["uid"], reasons, where) for inner in raw.get("panels", ())],
                )
            )
        else:
            if not rows:
                rows.append(("", 0, False, []))
            rows[-1][3].append(_panel(raw, data["uid"], reasons, where))
    frozen = tuple((title, key, collapsed, tuple(panels)) for title, key, collapsed, panels in rows)
    annotation = next((item for item in data.get("annotations", {}).get("list", ()) if item.get("expr")), None)
    return Board(
        uid=data["uid"],
        system=system,
        title=data["title"],
        data=data,
        rows=frozen,
        variables=tuple(_variable(item, where) for item in data.get("templating", {}).get("list", ()) if item["type"] != "datasource"),
        alerts=Target("alerts", "prometheus", "range", annotation["expr"], "{{alertname}}") if annotation else None,
        panels={panel.id: panel for _t, _k, _c, panels in frozen for panel in panels},
    )


def _panel(raw: dict[str, Any], uid: str, reasons: dict[tuple[str, str], str], where: str) -> Panel:
    kind = raw["type"]
    require(kind in KINDS, f"{where}: panel {raw.get('title')!r}", f"type {kind!r} cannot be drawn; known are {', '.join(KINDS)}")
    found = ALERTS.search(raw.get("description", ""))
    return Panel(
        id=raw["id"],
        kind=kind,
        title=raw["title"],
        data=raw,
        targets=tuple(_target(item, kind) for item in raw.get("targets", ())),
        alerts=tuple(name.strip() for name in found[1].split(",")) if found else (),
        may_be_empty=reasons.get((uid, raw["title"]), ""),
    )


def _target(raw: dict[str, Any], kind: str) -> Target:
    source = raw["datasource"]["type"]
    if source == "jaeger":
        graph = raw.get("queryType") == "dependencyGraph"
        return Target(raw["refId"], source, "graph" if graph else "search", "" if graph else raw["service"])
    instant = raw.get("instant") or raw.get("queryType") == "instant"
    mode = "instant" if instant else "logs" if kind == "logs" else "range"
    return Target(raw["refId"], source, mode, raw["expr"], raw.get("legendFormat", "__auto"), bool(raw.get("exemplar")))


def _variable(raw: dict[str, Any], where: str) -> Variable:
    query = raw["query"]["query"] if isinstance(raw.get("query"), dict) else raw.get("query", "")
    match = LABEL_VALUES.match(query.strip())
    require(raw["type"] == "query" and match, f"{where}: variable {raw['name']}", f"{query!r} is not label_values(SERIES, LABEL)")
    assert match  # noqa: S101 (for the type checker)
    return Variable(
        raw["name"],
        raw.get("label") or raw["name"],
        match[2],
        (match[1] or "").strip(),
        bool(raw.get("multi")),
        raw.get("allValue") or ".*",
    )


# -- what the page knows -----------------------------------------------------------------------------------------------
def spec(found: Board, bundle: Bundle) -> dict[str, Any]:
    """All that the page needs to draw a dashboard, without its data."""
    data = found.data
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return {
        "uid": found.uid,
        "system": found.system,
        "title": found.title,
        "description": data.get("description", ""),
        "environment": bundle.environment,
        "time": data.get("time", {"from": "now-1h", "to": "now"}),
        "refresh": data.get("refresh", ""),
        "variables": [{"name": v.name, "title": v.title, "multi": v.multi} for v in found.variables],
        "links": _links(found, bundle),
        "landing": found.uid == naming.LANDING,
        "runbook": found.system if found.system in bundle.runbooks else "",
        "dashboards": [{"uid": other.uid, "title": other.title, "system": other.system} for other in bundle.boards.values()],
        "rows": [
            {"title": title, "id": key, "collapsed": collapsed, "panels": [panel_spec(panel, markdown) for panel in panels]}
            for title, key, collapsed, panels in found.rows
        ],
    }


def _links(found: Board, bundle: Bundle) -> list[dict[str, str]]:
    """Links of the dashboard's head: each once, to other dashboards of the bundle (the runbook has its own page)."""
    seen: dict[str, str] = {}
    for link in found.data.get("links", ()):
        uid = link.get("url", "").removeprefix("/d/").partition("?")[0]
        if link["type"] == "link" and uid in bundle.boards and uid != found.uid:
            seen.setdefault(link["url"], link["title"])
    return [{"title": title, "url": url} for url, title in seen.items()]


def panel_spec(panel: Panel, markdown: MarkdownIt) -> dict[str, Any]:
    """What the page needs to draw a panel."""
    data = panel.data
    defaults = data.get("fieldConfig", {}).get("defaults", {})
    description = ALERTS.sub("", data.get("description", "")).strip()
    found = {
        "id": panel.id,
        "kind": panel.kind,
        "title": panel.title,
        "description": description,
        "alerts": list(panel.alerts),
        "grid": data["gridPos"],
        "field": {
            key: defaults[key] for key in ("unit", "decimals", "min", "max", "mappings", "thresholds", "links", "custom") if key in defaults
        },
        "color": defaults.get("color", {}).get("mode", "palette-classic"),
        "options": {key: value for key, value in data.get("options", {}).items() if key != "content"},
        "queries": [{"ref": item.ref, "source": item.source, "expr": item.expr or "dependencies"} for item in panel.targets],
        "links": data.get("links", []),
        "reason": panel.may_be_empty,
    }
    if panel.kind == "text":
        found["html"] = markdown.render(data.get("options", {}).get("content", ""))
    return found
