"""A link that leads nowhere is found at 3 a.m.: every dashboard and panel that a link, a data link or an alert names is in the bundle."""

import re

from dashboards import checks
from dashboards.checks import Found
from dashboards.load import Content

DASHBOARD = re.compile(r"/d/([^/?#&]+)")
PANEL = re.compile(r"[?&]viewPanel=(?:panel-)?(\d+)")


def check(content: Content) -> Found:
    panels = {str(made.data["uid"]): {panel["id"] for panel in made.panels()} for made in checks.rendered(content)}
    for made in checks.rendered(content):
        for path, text in checks.strings(made.data):
            match = DASHBOARD.search(text) if path.endswith("url") else None
            if not match:
                continue
            uid = re.compile(re.sub(r"\\\$\\\{.*?\\\}", "[a-z0-9_-]+", re.escape(match[1])) + r"\Z")
            found = [known for known in panels if uid.match(known)]
            if not found:
                yield made.where, f"{path.lstrip('.')} leads to {match[0]}, which is not in the bundle"
            panel = PANEL.search(text)
            if panel and found and int(panel[1]) not in panels[found[0]]:
                yield made.where, f"{path.lstrip('.')} leads to panel {panel[1]} of {match[1]}, which is not there"
    for loaded in content.systems:
        keys = {(dashboard.key, panel.key) for dashboard in loaded.dashboards for panel in dashboard.panels()}
        for alert in loaded.alerts:
            if tuple(alert.panel.split("/")) not in keys:
                yield f"{loaded.system.id}: alert {alert.name}", f"panel {alert.panel} is on none of the system's dashboards"
