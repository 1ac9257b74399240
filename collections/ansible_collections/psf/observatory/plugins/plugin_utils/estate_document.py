# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The estate file, for which content is rendered: regions, systems, owners, thresholds, addresses."""

from __future__ import annotations

import json
from typing import Any

from . import estate


def document(groups: dict[str, list[str]], options: dict[str, Any], hosts: Any = None, before: str = "") -> dict[str, Any]:
    """The estate file: what content is rendered for (format: docs/adr/0010-bundle.md). Equal inventories give equal documents.

    Its systems are those of the services that some host runs; the platform as a whole (observatory), the units (systemd) of hosts
    that have a node exporter, and what the assessment brings there (governance). With `hosts`, an optional service is left out where they
    do without it. When a run does not read those hosts, because of its limit, it is in the document where it was `before`, in the text
    of the last one.

    options: environment; owners (a list, or a mapping by owner as observatory_owners); systems (ids that no service of the collection
    has), elsewhere (ids of systems that others run, and of which something is known here all the same), thresholds (system to id to
    number), urls (pages, grafana), scrape_interval, evaluation_interval, slo_period.
    """
    known = _systems_before(before)
    optional = {service["system"] for service in estate.services().values() if service.get("optional")}
    found = {service["system"] for service in estate.services().values() if _runs(hosts, groups, service, known)} | {"observatory"}
    if "node" in found:
        found.add("systemd")
        if "prometheus" in found:
            found.add("governance")
    owners = options.get("owners") or ["platform"]
    urls = options.get("urls") or {}
    for name in urls:
        if name not in ("pages", "grafana"):
            raise estate.EstateError(f"observatory_urls.{name}: unknown; known are pages, grafana")
    return {
        "format": 1,
        "environment": str(options["environment"]),
        "regions": sorted(estate.regions(groups)),
        "systems": sorted(found | {str(system) for system in options.get("systems") or []} - optional
                          | {str(system) for system in options.get("elsewhere") or []}),
        "owners": sorted(str(owner) for owner in owners),
        "thresholds": {str(system): dict(values) for system, values in sorted((options.get("thresholds") or {}).items())},
        "urls": {name: urls.get(name) or None for name in ("pages", "grafana")},
        "scrape_interval": str(options.get("scrape_interval") or "15s"),
        "evaluation_interval": str(options.get("evaluation_interval") or "15s"),
        "slo_period": str(options.get("slo_period") or "30d"),
    }


def _systems_before(text: str) -> list[str] | None:
    """The systems of an earlier estate file; None where there is none that can be read."""
    try:
        return list(json.loads(text)["systems"])
    except (ValueError, KeyError, TypeError):
        return None


def _runs(hosts: Any, groups: dict[str, list[str]], service: dict[str, Any], before: list[str] | None) -> bool:
    """Whether some host runs a service, as far as that is known."""
    names = estate.members(groups, service)
    if not service.get("optional") or hosts is None or not names:
        return bool(names)
    read = [name for name in names if {"psf_components", "psf_unavailable"} & set(hosts[name].get("ansible_facts") or {})]
    if any(not estate.missing(hosts[name], service, name) for name in read):
        return True
    return len(read) < len(names) and (service["system"] in before if before is not None else not read)
