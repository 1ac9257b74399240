# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a region looks at: the targets of its Prometheus, and what its blackbox exporters ask. Pure functions."""

from __future__ import annotations

from typing import Any

from . import estate, inventory


def targets(hosts: Any, groups: dict[str, list[str]], host: str, extra_targets: Any = None) -> dict[str, list[dict[str, Any]]]:
    """What the Prometheus on `host` scrapes: job to file_sd groups, for the hosts of its own region.

    A job is a service's id. Labels: region, system, instance (host:port), host. Each target is a group of its own, so that
    a diff shows one host per line.
    """
    own = estate.region_of(groups, host)
    here = set(estate.regions(groups)[own])
    problems = inventory.check_extra(extra_targets, estate.regions(groups))
    if problems:
        raise estate.EstateError("; ".join(problems))
    # One look at the variables of each host (see inventory.py); then jobs and targets in an order of their own.
    found: dict[str, list[dict[str, Any]]] = {}
    for name, running_here in estate.running(groups).items():
        metered = [service for service in running_here if "metrics" in service] if name in here else []
        variables = hosts[name] if metered else {}
        for service in metered:
            if estate.missing(variables, service, name):
                continue
            number = estate.port(variables, service, service["metrics"]["port"])
            found.setdefault(service["id"], []).append(
                {"targets": [estate.join(estate.address(variables, name), number)],
                 "labels": {"region": own, "system": service["system"], "instance": estate.join(name, number), "host": name}})
    jobs = {job: sorted(found[job], key=lambda row: row["labels"]["instance"]) for job in estate.services() if job in found}
    for row in extra_targets or []:
        if row["region"] == own:
            jobs.setdefault(row.get("job") or row["system"], []).extend(
                {"targets": [str(target)],
                 "labels": {"region": own, "system": row["system"], "instance": str(target),
                            "host": str(target).rsplit(":", 1)[0], **(row.get("labels") or {})}}
                for target in row["targets"])
    return jobs


def probes(hosts: Any, groups: dict[str, list[str]], host: str) -> list[dict[str, Any]]:
    """What the blackbox exporters of a region ask: the TLS handshake of every main port of its services."""
    own = estate.region_of(groups, host)
    rows = [_probe(row, service, own) for service in estate.services().values() if estate.MAIN_PORT in service["ports"]
            for row in estate.endpoints(hosts, groups, host, service["id"])]
    return sorted(rows, key=lambda row: row["labels"]["instance"])


def peer_probes(hosts: Any, groups: dict[str, list[str]], host: str) -> list[dict[str, Any]]:
    """What they ask of other regions: the handshake of the services that say `front_door`. region is from where, peer_region to where."""
    own = estate.region_of(groups, host)
    rows = [_probe(row, service, own, peer_region=row["region"]) for service in estate.services().values() if service.get("front_door")
            for row in estate.peers(hosts, groups, host, service["id"])]
    return sorted(rows, key=lambda row: row["labels"]["instance"])


def _probe(row: dict[str, Any], service: dict[str, Any], own: str, **more: str) -> dict[str, Any]:
    return {"targets": [row["target"]],
            "labels": {"region": own, "system": service["system"], "host": row["host"], "instance": estate.join(row["host"], row["port"]),
                       "module": "tls" if row["scheme"] == "https" else "tcp_connect", **more}}
