"""Two bundles as pages for a review: an index of what differs, and of each changed dashboard the old and the new drawings side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from dashboards.preview import bundle as bundles
from dashboards.preview import compare, frames, queries, summary
from dashboards.preview.ask import Estate
from dashboards.preview.bundle import Board, Bundle, Panel
from dashboards.preview.compare import ADDED, REMOVED, BoardChange, Change, Difference, PanelChange, RuleChange
from dashboards.preview.pages import Pages
from dashboards.preview.queries import Window

SUMMARY = "summary.md"
MANY = 200  # panels of a dashboard that came or went as a whole and are drawn
Drawings = dict[tuple[str, int], frames.Frame]  # side ("old", "new") and panel


def draw(
    found: BoardChange, old: Bundle, new: Bundle, estate: Estate, chosen: Mapping[str, list[str]], at: Window
) -> tuple[Drawings, frames.Frame | None]:
    """The frames of the panels that differ, on each side where they are, and what fires (of the new dashboard, or of the old one)."""
    drawings: Drawings = {}
    firing: frames.Frame | None = None
    place = next(iter(estate.places))
    for side, of, absent in (("old", old, ADDED), ("new", new, REMOVED)):
        board = of.boards.get(found.uid)
        if board is None:
            continue
        selected = queries.selection(board, {name: value for name, value in chosen.items() if name in board.names()})
        ids = [panel.id for panel in found.panels[:MANY] if panel.status != absent and board.panels[panel.id].targets]
        for frame in estate.panels(board, ids, selected, at, place):
            drawings[side, frame["id"]] = frame
        firing = next((line for line in estate.firing(board, selected, at, place)), firing)
    return drawings, firing


def judged(found: BoardChange, old: Board | None, new: Board | None, drawings: Drawings) -> BoardChange:
    """With a change "data" where a panel lost or won its data, or where a new one has none and should."""
    panels = []
    for panel in found.panels:
        states = [
            _state(board.panels.get(panel.id) if board else None, drawings.get((side, panel.id)))
            for side, board in (("old", old), ("new", new))
        ]
        bad = states[1].startswith(("no data, and", "fails"))
        if panel.status != REMOVED and ((states[0] != states[1] and "" not in states) or bad):
            panel = replace(panel, changes=(*panel.changes, Change("data", *states)))  # noqa: PLW2901 (the same panel with more)
        panels.append(panel)
    return replace(found, panels=tuple(panels))


def _state(panel: Panel | None, frame: frames.Frame | None) -> str:
    """How a panel is drawn; "" where that is not known."""
    if panel is None or frame is None or frame["error"].startswith(frames.NOT_RECORDED):
        return ""
    if frame["error"]:
        return f"fails: {frame['error']}"
    if frame.get("empty"):
        return "no data" if panel.may_be_empty else "no data, and should have some"
    return "drawn"


def board_page(
    pages: Pages,
    found: BoardChange,
    old: Bundle,
    new: Bundle,
    drawings: Drawings | None,
    firing: frames.Frame | None,
    recorded: Mapping[str, Any],
) -> str:
    """A dashboard's page: each panel that differs, old and new. `drawings` None: what differs in words alone."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    boards = old.boards.get(found.uid), new.boards.get(found.uid)
    rows: list[dict[str, Any]] = []
    lines: list[frames.Frame] = []
    for panel in found.panels:
        sides: list[dict[str, Any] | None] = [None, None]
        if drawings is not None:
            for index, (side, board) in enumerate(zip(("old", "new"), boards, strict=True)):
                own = board.panels.get(panel.id) if board else None
                if own is None:
                    continue
                key = panel.id if index else -panel.id
                spec = bundles.panel_spec(own, markdown) | {"id": key}
                sides[index] = spec
                if (side, panel.id) in drawings:
                    lines.append(drawings[side, panel.id] | {"id": key})
        rows.append(
            {
                "id": panel.id,
                "title": panel.title,
                "row": panel.row,
                "status": panel.status,
                "collapsed": False,
                "changes": changes(panel.changes),
                "sides": sides,
                "panels": [side for side in sides if side],
            }
        )
    either = boards[1] or boards[0]
    assert either  # noqa: S101 (a dashboard that differs is in one of them)
    spec = {
        "kind": "difference",
        "up": "../",
        "uid": found.uid,
        "system": found.system,
        "title": found.title,
        "status": found.status,
        "environment": new.environment,
        "variables": [],
        "links": [],
        "dashboards": [],
        "runbook": "",
        "refresh": "",
        "time": either.data.get("time", {"from": "now-1h", "to": "now"}),
        "rows": rows,
        "unchanged": found.unchanged,
        "changes": changes(found.changes),
        "drawn": drawings is not None,
    }
    lines = [*recorded["frames"], *lines, *([firing] if firing else [])]
    return pages.page(f"{found.title}: what differs", spec, {**recorded, "frames": lines})


def index_page(pages: Pages, found: Difference, recorded: Mapping[str, Any]) -> str:
    spec = {
        "kind": "differences",
        "up": "",
        "uid": "",
        "title": "What differs",
        "environment": found.environments[1],
        "environments": list(found.environments),
        "variables": [],
        "links": [],
        "rows": [],
        "refresh": "",
        "dashboards": [],
        "time": {"from": "now-1h", "to": "now"},
        "counts": {summary.PLURAL[name]: row for name, row in found.counts().items()},
        "boards": [_board(board) for board in found.boards],
        "rules": [_rule(rule) for rule in found.rules],
        "files": changes(found.files),
    }
    return pages.page("What differs between two bundles", spec, {**recorded, "frames": []})


def _board(board: BoardChange) -> dict[str, Any]:
    return {
        "uid": board.uid,
        "title": board.title,
        "system": board.system,
        "status": board.status,
        "unchanged": board.unchanged,
        "changes": [change.what for change in board.changes],
        "panels": [{"id": panel.id, "title": panel.title, "status": panel.status, "what": _nouns(panel)} for panel in board.panels],
    }


def _nouns(panel: PanelChange) -> list[str]:
    return list(dict.fromkeys(change.what if change.what != "data" else f"data: {change.new}" for change in panel.changes))


def _rule(rule: RuleChange) -> dict[str, Any]:
    return {
        "status": rule.status,
        "kind": rule.kind,
        "name": rule.name,
        "source": rule.source,
        "system": rule.system,
        "changes": changes(rule.changes),
    }


def changes(found: Iterable[Change]) -> list[dict[str, Any]]:
    """For the page: both texts in pieces, each with whether it differs."""
    rows = []
    for change in found:
        old, new = compare.marked(change.old, change.new)
        rows.append({"what": change.what, "old": old, "new": new})
    return rows


def write(
    work: Path,
    pages: Pages,
    found: Difference,
    old: Bundle,
    new: Bundle,
    estate: Estate | None,
    chosen: Mapping[str, list[str]],
    windows: Callable[[Board], Window],
    recorded: Mapping[str, Any],
) -> Difference:
    """All pages and the summary into a directory; without an estate in words alone. Returns the difference with what the drawings told."""
    (work / "dashboards").mkdir()
    boards = []
    for board in found.boards:
        sides = old.boards.get(board.uid), new.boards.get(board.uid)
        either = sides[1] or sides[0]
        assert either  # noqa: S101 (as above)
        drawings, firing, head = None, None, dict(recorded)
        one = board
        if estate:
            at = windows(either)
            drawings, firing = draw(board, old, new, estate, chosen, at)
            one = judged(board, *sides, drawings)
            head["frames"] = [{"window": {"start": at.start, "end": at.end, "step": at.step}}]
        boards.append(one)
        (work / "dashboards" / f"{board.uid}.html").write_text(board_page(pages, one, old, new, drawings, firing, head), encoding="utf-8")
    full = replace(found, boards=tuple(boards))
    (work / "index.html").write_text(index_page(pages, full, recorded), encoding="utf-8")
    (work / SUMMARY).write_text(summary.markdown(full), encoding="utf-8")
    return full
