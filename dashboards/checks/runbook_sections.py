"""Who is woken opens the runbook at the alert: every alert has its section, the same five headings in the same order, and a query to
paste. A section that no alert leads to is out of date."""

import re

from dashboards import checks, slos
from dashboards.checks import Found
from dashboards.load import Content, Loaded

HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation")
QUERY = re.compile(r"`[^`\n]+`|^(```|~~~| {4}\S)", re.MULTILINE)


def alerts(loaded: Loaded, content: Content) -> list[str]:
    """Every alert of a system, those of its objectives too."""
    own = slos.of(loaded, checks.everywhere(content))
    return list(dict.fromkeys([*(alert.name for alert in loaded.alerts), *(own.alert_names() if own else ())]))


def check(content: Content) -> Found:
    for loaded in content.systems:
        names = alerts(loaded, content)
        where = f"{loaded.system.id}: runbook.md"
        if not loaded.runbook:
            if names:
                yield where, f"is missing; it needs a section for each of {', '.join(names)}"
            continue
        sections = _parts(loaded.runbook, "## ")
        titles = [title for title, _body in _split(loaded.runbook, "## ")]
        for title in sorted({title for title in titles if titles.count(title) > 1}):
            yield where, f"section {title!r} is there twice; links lead to the first, so make one of both"
        for name in names:
            if name not in sections:
                yield where, f"has no section for alert {name}; add '## {name}'"
        for name, text in sections.items():
            if name not in names:
                yield where, f"section {name!r} is of no alert of the system; rename it or take it out"
                continue
            parts = _parts(text, "### ")
            if tuple(parts) != HEADINGS:
                yield f"{where}: {name}", f"has the headings {', '.join(parts) or 'none'}; they are {', '.join(HEADINGS)}, in this order"
                continue
            for heading, body in parts.items():
                if not body.strip():
                    yield f"{where}: {name}", f"{heading} is empty"
            if not QUERY.search(parts["Diagnosis"]):
                yield f"{where}: {name}", "Diagnosis has no query or command to paste; write one in backquotes"


def _parts(text: str, mark: str) -> dict[str, str]:
    return dict(_split(text, mark))


def _split(text: str, mark: str) -> list[tuple[str, str]]:
    """Each heading of a level with its text. A line of code that looks like one counts as one, as it does in pages.py; indent it."""
    found = []
    for part in ("\n" + text).split(f"\n{mark}")[1:]:
        title, _newline, body = part.partition("\n")
        found.append((title.strip(), body))
    return found
