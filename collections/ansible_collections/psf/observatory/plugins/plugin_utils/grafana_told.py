# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform's Grafana is told beside the bundle: data sources by the inventory, a folder for each owner. And what a sync leaves
behind for Prometheus."""

from __future__ import annotations

import json
import re
from typing import Any

from .estate import EstateError, endpoints, regions

# Service to how Grafana calls it, and to what of the same region it leads.
SOURCES: dict[str, dict[str, Any]] = {
    "prometheus": {"name": "Prometheus", "links": {"traces": "jaeger", "alerts": "alertmanager"}},
    "loki": {"name": "Loki", "links": {"traces": "jaeger", "alerts": "alertmanager"}},
    "jaeger": {"name": "Jaeger", "links": {"logs": "loki", "metrics": "prometheus"}},
    "alertmanager": {"name": "Alertmanager", "links": {}},
}
UID = 40
Rows = list[dict[str, Any]]


def datasources(hosts: Any, groups: dict[str, list[str]], host: str, options: dict[str, Any]) -> Rows:
    """The data sources for the module grafana_content: Prometheus, Loki, Jaeger and Alertmanager of the host's region, or of all.

    options: everywhere (all regions), default_region (whose Prometheus is the default; else the first), machine_user,
    machine_password, certificate ({ca, cert, key}, PEM texts), read (a host's own [ca, cert, key] as JSON, for what certificate does
    not have; empty where there is none), scrape_interval.
    Services that people log in to are asked with the account of the machines, the others with the certificate.
    """
    own = dict(zip(("ca", "cert", "key"), json.loads(options.get("read") or '["", "", ""]'), strict=True))
    options = {**options, **own, **{key: text for key, text in options["certificate"].items() if text}}
    by_region: dict[str, dict[str, Rows]] = {}
    for service in SOURCES:
        for row in endpoints(hosts, groups, host, service, everywhere=bool(options.get("everywhere"))):
            by_region.setdefault(str(row["region"]), {}).setdefault(service, []).append(row)
    order = [region for region in regions(groups) if region in by_region]
    first = options.get("default_region") or (order[0] if order else None)
    if first and order and first not in order:
        raise EstateError(f"grafana_content_default_region: {first!r} is not one of {', '.join(order)}")
    found: Rows = []
    for region in order:
        here = by_region[region]
        for service, rows in here.items():
            for number, row in enumerate(rows):
                source = _source(service, region, row, number, options)
                links = {key: _uid(other, region) for key, other in SOURCES[service]["links"].items() if other in here}
                found.append(source | ({"links": links} if links else {})
                             | ({"is_default": True} if service == "prometheus" and region == first and not number else {}))
    return found


def _uid(service: str, region: str, host: str = "") -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", f"{service}-{region}" + (f"-{host}" if host else ""))[:UID]


def _source(service: str, region: str, row: dict[str, Any], number: int, options: dict[str, Any]) -> dict[str, Any]:
    """One data source, without what it leads to. The first of a region has the region's name, a further one also its host's."""
    host = row["host"] if number else ""
    json_data: dict[str, Any] = {}
    secure: dict[str, Any] = {}
    source: dict[str, Any] = {"uid": _uid(service, region, host), "name": f"{SOURCES[service]['name']} {region} {host}".strip(),
                              "type": service, "url": row["url"]}
    if row["scheme"] == "https":
        json_data |= {"serverName": row["host"]}
        if options["ca"]:
            json_data["tlsAuthWithCACert"] = True
            secure["tlsCACert"] = options["ca"]
        if row["auth"] == "certificate":
            if not (options["cert"] and options["key"]):
                raise EstateError(f"grafana_content: {service} of {row['host']} wants a certificate of its client, and there is none; give "
                                  "grafana_content_certificate with ca, cert and key")
            json_data["tlsAuth"] = True
            secure |= {"tlsClientCert": options["cert"], "tlsClientKey": options["key"]}
    if row["auth"] == "basic" and options["machine_password"]:
        source["basic_auth_user"] = options["machine_user"]
        secure["basicAuthPassword"] = options["machine_password"]
    json_data |= {
        "prometheus": {"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": options.get("scrape_interval") or "15s"},
        "loki": {"maxLines": 1000},
        "jaeger": {"nodeGraph": {"enabled": True}},
        "alertmanager": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False}}[service]
    return source | {"json_data": json_data} | ({"secure_json_data": secure} if secure else {})


def folders(owners: Any, permissions: Rows) -> Rows:
    """A folder for each owner: uid psf-<owner>, all with the same permissions. `owners` is a list, or a mapping by owner."""
    names = sorted(str(owner) for owner in owners or ["platform"])
    return [{"uid": _uid("psf", name), "title": f"{name[:1].upper()}{name[1:].replace('_', ' ')}", "permissions": list(permissions)}
            for name in names]


def placement(owners: Any) -> dict[str, str]:
    """Owner to the uid of the folder of its dashboards."""
    return {str(owner): _uid("psf", str(owner)) for owner in owners or ["platform"]}


METRICS = {
    "psf_grafana_sync_timestamp_seconds": "When Grafana was last synchronised, whether or not that succeeded, in Unix time",
    "psf_grafana_sync_success": "1 when the last sync succeeded, 0 when it did not",
    "psf_grafana_sync_failed_objects": "Objects that failed in the last sync",
    "psf_grafana_sync_owned_objects": "Objects in Grafana that the sync owns",
    "psf_grafana_sync_drifted_objects": "Objects that the last sync found edited or deleted by hand, by what was done about them",
    "psf_grafana_sync_success_timestamp_seconds": "When a sync last succeeded, in Unix time",
}


def bringers(hosts: Any, groups: dict[str, list[str]]) -> list[str]:
    """The hosts that bring content to a Grafana: of each region the first that has one, as the others of the region share it. A Grafana
    that others run (grafana_content_url) is told by the first Prometheus."""
    first = (groups.get("prometheus") or [""])[0]
    found = [first] if first and hosts[first].get("grafana_content_url") else []
    for names in regions(groups).values():
        rows = endpoints(hosts, groups, names[0], "grafana") if names else []
        if rows and not hosts[rows[0]["host"]].get("grafana_content_url"):
            found.append(rows[0]["host"])
    return found


def sync_metrics(result: dict[str, Any], url: str, scope: str, now: float) -> dict[str, str]:
    """What a run of grafana_content leaves for the textfile collector: file name to text. `now` is Unix time.

    A sync that failed does not know when one last succeeded, so that is a file of its own, which it leaves as it is.
    """
    ok = not result.get("failed")
    labels = f'grafana="{_escaped(url)}",scope="{_escaped(scope)}"'
    failures = result.get("failures") or []
    rows: dict[str, list[tuple[str, float]]] = {
        "psf_grafana_sync_timestamp_seconds": [(labels, round(now, 3))],
        "psf_grafana_sync_success": [(labels, int(ok))],
        "psf_grafana_sync_failed_objects": [(labels, len(failures))]}
    if "objects" in result:
        rows["psf_grafana_sync_owned_objects"] = [(labels, result["objects"]["owned"])]
        done = [row.get("done") for row in result.get("drift") or []]
        rows["psf_grafana_sync_drifted_objects"] = [(f'{labels},done="{word}"', done.count(word)) for word in ("left", "overwritten")]
    name = f"psf_grafana_sync_{re.sub(r'[^A-Za-z0-9_-]', '-', scope)}"
    files = {f"{name}.prom": _exposition(rows)}
    if ok:
        files[f"{name}_success.prom"] = _exposition({"psf_grafana_sync_success_timestamp_seconds": [(labels, round(now, 3))]})
    return files


def _exposition(rows: dict[str, list[tuple[str, float]]]) -> str:
    return "".join(f"# HELP {name} {METRICS[name]}\n# TYPE {name} gauge\n"
                   + "".join(f"{name}{{{labels}}} {value}\n" for labels, value in found) for name, found in rows.items())


def _escaped(text: str) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
