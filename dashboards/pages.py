"""Plain pages for what alerts link to: runbooks and dashboards, readable with nothing but a browser. No scripts, nothing from
elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any

from markdown_it import MarkdownIt

from dashboards import naming, promql
from dashboards.estate import Estate
from dashboards.load import Loaded
from dashboards.model import Dashboard

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #2463c2; }
@media (prefers-color-scheme: dark) { :root { --link: #7fb0ff; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
a { color: var(--link); } h1 { font-size: 1.6rem; }
h2 { font-size: 1.25rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1rem; margin-bottom: .2rem; } pre, code { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; }
nav, .meta { font-size: .9rem; opacity: .8; } section:target { outline: 2px solid var(--link); outline-offset: .6rem; border-radius: 4px; }
table { border-collapse: collapse; }
td, th { border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; }
.critical { color: #d33; font-weight: 600; } .warning { color: #c70; font-weight: 600; } .info { color: #27a; font-weight: 600; }
"""


def page(title: str, body: str, up: str = "../") -> str:
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
            f'<nav><a href="{up}index.html">All systems</a></nav>\n{body}\n</body></html>\n')


def runbook(loaded: Loaded, values: Mapping[str, float]) -> str:
    """A system's runbook, each alert a section that its runbook_url points to. `values`: the thresholds of the estate."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    by_name = {alert.name: alert for alert in loaded.alerts}
    parts = []
    for number, section in enumerate(("\n" + loaded.runbook).split("\n## ")):
        if not number:
            parts.append(markdown.render(section))
            continue
        name = section.split("\n", 1)[0].strip()
        alert = by_name.get(name)
        meta = ""
        if alert:
            key, panel = alert.panel.split("/")
            uid = naming.dashboard_uid(loaded.system.id, key)
            expr = promql.thresholds(alert.expr, values, name)
            meta = (f'<p class="meta"><span class="{alert.severity}">{alert.severity}</span>, owner '
                    f'{html.escape(alert.owner or loaded.system.owner)}, '
                    f'<a href="../dashboards/{uid}.html#panel-{naming.panel_id(panel)}">its panel</a></p>'
                    f"<pre>{html.escape(expr)}</pre>")
        title, _newline, rest = section.partition("\n")
        parts.append(f'<section id="{naming.anchor(name)}"><h2>{html.escape(title)}</h2>{meta}{markdown.render(rest)}</section>')
    return page(f"Runbook: {loaded.system.title}", "\n".join(parts))


def dashboard(loaded: Loaded, declared: Dashboard, data: Mapping[str, Any], values: Mapping[str, float]) -> str:
    """What a dashboard shows, panel by panel with its queries: where an alert's dashboard_url leads when there is no Grafana.

    `values`: the thresholds of the estate. What remains of $ is Grafana's: $__rate_interval.
    """
    filled = {name: promql.number(value) for name, value in values.items()}
    rows = [f"<h1>{html.escape(declared.title)}</h1><p>{html.escape(declared.description)}</p>"]
    if loaded.runbook:
        rows.append(f'<p class="meta"><a href="../runbooks/{loaded.system.id}.html">Runbook</a></p>')
    for row in declared.rows:
        rows.append(f"<h2>{html.escape(row.title)}</h2>")
        for panel in row.panels:
            queries = "".join(f"<pre>{html.escape(Template(query.expr).safe_substitute(filled))}</pre>" for query in panel.queries)
            rows.append(f'<section id="panel-{naming.panel_id(panel.key)}"><h3>{html.escape(panel.title)}</h3>'
                        f"<p>{html.escape(panel.description)}</p>{queries}</section>")
    return page(str(data["title"]), "\n".join(rows))


def index(present: Iterable[Loaded], estate: Estate) -> str:
    """All systems with their dashboards and runbooks."""
    rows = []
    for loaded in present:
        links = ", ".join(f'<a href="dashboards/{naming.dashboard_uid(loaded.system.id, item.key)}.html">{html.escape(item.title)}</a>'
                          for item in loaded.dashboards)
        runbook_link = f'<a href="runbooks/{loaded.system.id}.html">{len(loaded.alerts)} alerts</a>' if loaded.runbook else ""
        cells = (html.escape(loaded.system.title), links, runbook_link, html.escape(loaded.system.owner))
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "<tr><th>System</th><th>Dashboards</th><th>Runbook</th><th>Owner</th></tr>"
    return page(f"Observatory: {estate.environment}", f"<h1>{html.escape(estate.environment)}</h1><table>{head}{''.join(rows)}</table>",
                up="")
