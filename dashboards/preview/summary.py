"""What differs between two bundles as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dashboards.preview.compare import ADDED, CHANGED, REMOVED, BoardChange, Change, Difference, RuleChange

ROWS = 60  # of all tables together; a comment is read, not scrolled
LONGEST = 160  # characters of a cell
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
PLURAL = {"dashboard": "dashboards", "panel": "panels", "alert": "alerts", "recording": "recordings", "file": "other files"}


def markdown(found: Difference) -> str:
    """Counts, then dashboards with their panels, then rules and files; what is left out is counted."""
    if not found:
        return "### Dashboards and rules\n\nNothing differs.\n"
    left = [ROWS]
    parts = ["### Dashboards and rules", counted(found)]
    if found.environments[0] != found.environments[1]:
        parts.append(f"These are bundles of two environments: {plain(found.environments[0])} and {plain(found.environments[1])}.")
    for board in found.boards:
        parts += _board(board, left)
    if found.rules:
        parts += ["#### Rules", *_table(("rule", "what", "before", "after"), _rules(found.rules), left)]
    if found.files:
        rows = [(code(one.what), "lines", plain(one.old) or "new", plain(one.new) or "gone") for one in found.files]
        parts += ["#### Other files", *_table(("file", "what", "removed", "added"), rows, left)]
    return "\n\n".join(parts) + "\n"


def counted(found: Difference) -> str:
    """One sentence of counts."""
    words = []
    for name, row in found.counts().items():
        numbers = [f"{row[status]} {status}" for status in (ADDED, CHANGED, REMOVED) if row[status]]
        words.append(f"**{PLURAL[name]}**: {', '.join(numbers)}")
    return " · ".join(words)


def _board(board: BoardChange, left: list[int]) -> list[str]:
    head = f"#### {plain(board.title)} ({code(board.uid)})"
    if board.status != CHANGED:
        return [head, f"The whole dashboard is {board.status}: {len(board.panels)} panels."]
    rows = [("", *cells(change)) for change in board.changes]
    for panel in board.panels:
        name = plain(panel.title)
        rows += [(name, *cells(change)) for change in panel.changes] if panel.changes else [(name, f"**{panel.status}**", "", "")]
    return [head, *_table(("panel", "what", "before", "after"), rows, left)]


def _rules(rules: Iterable[RuleChange]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for rule in rules:
        name = f"{rule.kind} {code(rule.name)}"
        if rule.status != CHANGED:
            rows.append((name, f"**{rule.status}**", "", ""))
        else:
            rows += [(name, *cells(change)) for change in rule.changes]
    return rows


def cells(change: Change) -> tuple[str, str, str]:
    return plain(change.what), code(change.old), code(change.new)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], left: list[int]) -> list[str]:
    shown = rows[: left[0]]
    left[0] -= len(shown)
    found = []
    if shown:
        lines = [head, ["---"] * len(head), *shown]
        found.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    if len(shown) < len(rows):
        found.append(f"and {len(rows) - len(shown)} more, on the pages")
    return found


def plain(text: str) -> str:
    """Text that stays text: no markup, no mention of anybody."""
    return SPECIAL.sub(r"\\\1", _cut(text)).replace("@", "&#64;")


def code(text: str) -> str:
    """Text as code within a table, whatever backquotes and bars it has."""
    text = _cut(text)
    if not text:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
