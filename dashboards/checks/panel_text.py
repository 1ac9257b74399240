"""Who is woken reads a panel without its author: what it shows is a sentence, and its numbers have a unit that Grafana knows (an unknown
one is written behind the number as it is). Units are base units, so that one graph does not show milliseconds beside seconds."""

from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import Panel

# Ids of Grafana's value formats (grafana-data, valueFormats/categories.ts) that servers need.
UNITS = frozenset({
    "none", "string", "short", "percent", "percentunit", "locale", "sci", "bool", "bool_yes_no", "bool_on_off",
    "bits", "bytes", "decbits", "decbytes", "pps", "bps", "Bps", "binbps", "binBps",
    "s", "ms", "µs", "ns", "m", "h", "d", "hertz", "dtdurations", "dthms", "dtdhms", "clocks", "timeticks",
    "dateTimeAsIso", "dateTimeAsIsoNoDateIfToday", "dateTimeFromNow",
    "cps", "ops", "reqps", "rps", "wps", "iops", "eps", "mps", "cpm", "opm", "reqpm", "rpm", "wpm", "recps", "rowsps",
    "celsius", "watt", "volt", "amp", "rotrpm", "currencyEUR", "currencyUSD"})


def check(content: Content) -> Found:
    for loaded in content.systems:
        for dashboard in loaded.dashboards:
            for panel in dashboard.panels():
                where = f"{loaded.system.id}: dashboard {dashboard.key}: panel {panel.key}"
                for text in _problems(panel):
                    yield where, text


def _problems(panel: Panel) -> list[str]:
    found = []
    if panel.unit and panel.unit not in UNITS:
        found.append(f"unit {panel.unit!r} is not one that Grafana knows and servers need; see dashboards/checks/panel_text.py, or take "
                     f"short")
    units = panel.options.get("units") or {}
    if isinstance(units, dict):
        found += [f"unit {unit!r} of column {column} is not one that Grafana knows" for column, unit in units.items() if unit not in UNITS]
    text = panel.description.strip()
    if not text.endswith((".", "?", "!")) or not (text[0].isupper() or text[0].isdigit()):
        found.append(f"description {text!r} is not a sentence; say what is shown, beginning with a capital or a number and ending with a "
                     f"full stop")
    if text.rstrip(".").lower() == panel.title.lower():
        found.append("description says no more than the title; say what the numbers mean")
    return found
