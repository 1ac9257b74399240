"""Pages: one HTML file each with everything in it: script, style, charting library, the dashboard and recorded data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboards import naming
from dashboards.preview import bundle as bundles
from dashboards.preview import charts
from dashboards.preview.bundle import Bundle

PAGE = Path(__file__).parent / "page"


class Pages:
    """Writes the pages of a bundle; reads script and style once."""

    def __init__(self, bundle: Bundle, library: dict[str, str], places: Sequence[str] = ("",)) -> None:
        self.bundle = bundle
        self.places = list(places)
        self.styles = [library["dist/uPlot.min.css"], (PAGE / "preview.css").read_text(encoding="utf-8")]
        self.scripts = [library["dist/uPlot.iife.min.js"], (PAGE / "preview.js").read_text(encoding="utf-8")]
        self.notice = f"uPlot {charts.VERSION}. {' '.join(library['LICENSE'].split())}"

    def dashboard(self, uid: str, recorded: dict[str, Any] | None = None) -> str:
        """A dashboard's page. `recorded`: {"at": seconds, "window": {...}, "frames": [...]}; None: the page asks its server."""
        board = self.bundle.boards[uid]
        return self.page(board.title, {"kind": "dashboard", "up": "../", **bundles.spec(board, self.bundle)}, recorded)

    def index(self, recorded: dict[str, Any] | None = None) -> str:
        """All dashboards with a search, under the first row of the landing dashboard."""
        landing = self.bundle.boards.get(naming.LANDING)
        spec: dict[str, Any] = (
            bundles.spec(landing, self.bundle)
            if landing
            else {
                "rows": [],
                "variables": [],
                "uid": "",
                "time": {"from": "now-1h", "to": "now"},
                "links": [],
                "refresh": "30s",
                "environment": self.bundle.environment,
            }
        )
        boards = [
            {
                "uid": board.uid,
                "title": board.title,
                "system": board.system,
                "description": board.data.get("description", ""),
                "panels": [panel.title for panel in board.panels.values()],
                "alerts": sorted({name for p in board.panels.values() for name in p.alerts}),
                "runbook": board.system in self.bundle.runbooks,
            }
            for board in self.bundle.boards.values()
        ]
        return self.page(
            f"{self.bundle.environment}: dashboards",
            {**spec, "kind": "index", "up": "", "rows": spec["rows"][:1], "boards": boards},
            recorded,
        )

    def page(self, title: str, spec: dict[str, Any], recorded: dict[str, Any] | None) -> str:
        """Any page: what the script draws, and the data that it has; None: it asks its server."""
        spec = {**spec, "places": self.places, "live": recorded is None}
        scripts = " ".join(f"'sha256-{_digest(script)}'" for script in self.scripts)
        connect = "'self'" if recorded is None else "'none'"
        policy = (
            f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
            f"base-uri 'none'; form-action 'none'; "
            f"connect-src {connect}"
        )
        style = "\n".join(self.styles)
        body = "".join(f"<script>{script}</script>\n" for script in self.scripts)
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            f"<title>{html.escape(title)}</title><style>{style}</style></head>\n<body>\n<!-- {self.notice} -->\n"
            f'<script type="application/json" id="spec">{embedded(spec)}</script>\n'
            f'<script type="application/json" id="recorded">{embedded(recorded)}</script>\n{body}</body></html>\n'
        )


def embedded(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return (
        json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
