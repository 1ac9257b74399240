"""A link that leads nowhere is found at 3 a.m.: every dashboard and panel that a link, a data link, a text or an alert names is in the
bundle, and so is every page and section that a runbook leads to."""

import posixpath
import re

from dashboards import checks, naming
from dashboards.checks import Found
from dashboards.load import Content, Loaded

DASHBOARD = re.compile(r"/d/([^/?#&]+)")
IN_TEXT = re.compile(r"\]\(\s*([^)\s]+)")
SECTION = re.compile(r"^## (.+?)\s*$", re.MULTILINE)
PANEL = re.compile(r"[?&]viewPanel=(?:panel-)?(\d+)")


def check(content: Content) -> Found:
    panels = {str(made.data["uid"]): {panel["id"] for panel in made.panels()} for made in checks.rendered(content)}
    for made in checks.rendered(content):
        for path, text in checks.strings(made.data):
            for link in [text] if path.endswith("url") else IN_TEXT.findall(text) if path.endswith(".content") else ():
                yield from _dashboard(made, path, link, panels)
    pages = _pages(content, panels)
    for loaded in content.systems:
        keys = {(dashboard.key, panel.key) for dashboard in loaded.dashboards for panel in dashboard.panels()}
        for alert in loaded.alerts:
            if tuple(alert.panel.split("/")) not in keys:
                yield f"{loaded.system.id}: alert {alert.name}", f"panel {alert.panel} is on none of the system's dashboards"
        yield from _runbook(loaded, pages)


def _dashboard(made: checks.Rendered, path: str, text: str, panels: dict[str, set[int]]) -> Found:
    match = DASHBOARD.search(text)
    if not match:
        return
    uid = re.compile(re.sub(r"\\\$\\\{.*?\\\}", "[a-z0-9_-]+", re.escape(match[1])) + r"\Z")
    found = [known for known in panels if uid.match(known)]
    if not found:
        yield made.where, f"{path.lstrip('.')} leads to {match[0]}, which is not in the bundle"
    panel = PANEL.search(text)
    if panel and found and int(panel[1]) not in panels[found[0]]:
        yield made.where, f"{path.lstrip('.')} leads to panel {panel[1]} of {match[1]}, which is not there"


def _runbook(loaded: Loaded, pages: dict[str, set[str]]) -> Found:
    """Links of a runbook to sections of its own, to those of others, and to pages of dashboards."""
    own = naming.runbook_page(loaded.system.id)
    for link in IN_TEXT.findall(loaded.runbook):
        if "://" in link:
            continue
        path, _hash, anchor = link.partition("#")
        page = posixpath.normpath(posixpath.join(posixpath.dirname(own), path)) if path else own
        if page not in pages:
            yield f"{loaded.system.id}: runbook.md", f"leads to {link}, which is not a page of the bundle"
        elif anchor and anchor not in pages[page]:
            yield f"{loaded.system.id}: runbook.md", f"leads to {link}, but {page} has no section of that name"


def _pages(content: Content, panels: dict[str, set[int]]) -> dict[str, set[str]]:
    """Path of every page in the bundle, with its anchors."""
    found = {"pages/index.html": set[str]()}
    for uid, numbers in panels.items():
        found[naming.dashboard_page(uid)] = {f"panel-{number}" for number in numbers}
    for loaded in content.systems:
        if loaded.runbook:
            found[naming.runbook_page(loaded.system.id)] = {naming.anchor(title) for title in SECTION.findall(loaded.runbook)}
    return found
