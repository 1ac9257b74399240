"""Every name that is derived: uids, panel ids, label sets, paths in the bundle, URLs. Nothing else makes one."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashboards.estate import Estate

PREFIX = "psf"
# Where each region's Prometheus serves the bundle's pages (--web.user-assets), and how a rule says its own address.
# Prometheus has its address as a variable (its promtool knows no function of that name), Loki's ruler as a function.
OWN_PAGES = {"prometheus": "{{ $externalURL }}/user", "loki": "{{ externalURL }}/user"}
LANDING = f"{PREFIX}-observatory-landing"
DATASOURCES = {"prometheus": "prometheus", "loki": "loki", "jaeger": "jaeger"}


def dashboard_uid(system: str, key: str) -> str:
    """At most 40 characters, as Grafana wants; the same for ever."""
    return f"{PREFIX}-{system}-{key}"[:40]


def panel_id(key: str) -> int:
    """A panel's number, from its key: it stays when panels are added or moved, so links to it stay good. 1 to 999,999."""
    return zlib.crc32(key.encode()) % 999_999 + 1


def rules_path(system: str, source: str, slo: str = "") -> str:
    """`slo`: the name of an objective, whose rules have a file of their own."""
    return f"{source}/rules/{system}{f'-slo-{slo}' if slo else ''}.yml"


def tests_path(system: str, source: str, slo: str = "") -> str:
    return f"{source}/tests/{system}{f'-slo-{slo}' if slo else ''}.{'yml' if source == 'prometheus' else 'json'}"


def dashboard_path(uid: str) -> str:
    return f"grafana/dashboards/{uid}.json"


def runbook_path(system: str) -> str:
    return f"runbooks/{system}.md"


def runbook_page(system: str) -> str:
    return f"pages/runbooks/{system}.html"


def dashboard_page(uid: str) -> str:
    return f"pages/dashboards/{uid}.html"


def anchor(alert: str) -> str:
    """The place of an alert in its runbook's page."""
    return alert.lower()


def group(system: str, part: str = "alerts") -> str:
    """Name of a rule group."""
    return f"{PREFIX}-{system}-{part}"


def alert_labels(system: str, severity: str, owner: str, elsewhere: bool = False) -> dict[str, str]:
    """`elsewhere`: Prometheus sends it to other regions' Alertmanagers too."""
    return {"severity": severity, "owner": owner, "system": system} | ({"told_elsewhere": "true"} if elsewhere else {})


def runbook_url(estate: Estate, system: str, alert: str, source: str = "prometheus") -> str:
    """`source`: whose rule it is."""
    return f"{estate.pages or OWN_PAGES[source]}/runbooks/{system}.html#{anchor(alert)}"


def dashboard_url(estate: Estate, uid: str, panel: int, labels: tuple[str, ...] = ("region", "instance"),
                  source: str = "prometheus") -> str:
    """The panel itself, with the alert's own region and instance: in Grafana where there is one, else the bundle's page."""
    variables = "&".join(f"var-{label}={{{{ $labels.{label} }}}}" for label in labels)
    if estate.grafana:
        return f"{estate.grafana}/d/{uid}?viewPanel={panel}" + (f"&{variables}" if variables else "")
    return f"{estate.pages or OWN_PAGES[source]}/dashboards/{uid}.html" + (f"?{variables}" if variables else "") + f"#panel-{panel}"


def panel_link(uid: str, panel: int) -> str:
    """A relative link inside Grafana to a panel, carrying variables and time range along."""
    return f"/d/{uid}?viewPanel={panel}&${{__all_variables}}&${{__url_time_range}}"
