# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The estate: which service runs on which host of which region, and how it is reached. Pure functions over the inventory.

A service is described once, in roles/<role>/services/<id>.yml, of the collection or of the site (Ansible's roles_path): id,
system, groups, artifact, ports, auth, health, metrics. One that is `optional` is done without where its program cannot be had.
`hosts` is any mapping from inventory name to that host's variables; only ansible_host, observatory_tls and port overrides
(`<id>_port`, `<id>_<port name>_port`) are read, and of a host with an optional service the facts psf_components and
psf_unavailable. `groups` is Ansible's own variable.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible import constants  # type: ignore[import-untyped]

ROLES = Path(__file__).resolve().parents[2] / "roles"
REGION = "region_"
MAIN_PORT = "web"
AUTH = ("basic", "certificate")


class EstateError(Exception):
    """An inventory that cannot be right; the message names every host and group concerned."""


def site_roles() -> tuple[Path, ...]:
    """Where the site's own roles lie: Ansible's configured roles_path."""
    return tuple(Path(path) for path in constants.DEFAULT_ROLES_PATH)


def services() -> dict[str, dict[str, Any]]:
    """Every service by id, those of the collection's roles first, then those of the site's."""
    return services_in((ROLES, *site_roles()))


@cache
def services_in(directories: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    """Every service of the roles in these directories; an id that disagrees with its file's name is refused.

    Beside the collection's there may be roles that have nothing to do with it: what does not say id, groups and ports is theirs.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in [path for directory in directories for path in sorted(directory.glob("*/services/*.yml"))]:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not (isinstance(data, dict) and {"id", "groups", "ports"} <= set(data)) and path.parents[2] != ROLES:
            continue
        if data.get("id") != path.stem:
            raise EstateError(f"{path}: id is {data.get('id')!r}, but the file is {path.stem!r}")
        if data["id"] in found:
            raise EstateError(f"{path}: service {data['id']!r} is described twice")
        if data.get("front_door") and MAIN_PORT not in data["ports"]:
            raise EstateError(f"{path}: front_door is the port {MAIN_PORT!r}, which it does not have")
        if data["auth"] not in AUTH:
            raise EstateError(f"{path}: auth is {data['auth']!r}, not one of {', '.join(AUTH)}")
        data.setdefault("system", data["id"])
        data["role"] = path.parents[1].name
        found[data["id"]] = data
    if not found:
        raise EstateError(f"no service is described under {', '.join(map(str, directories))}")
    return found


def regions(groups: dict[str, list[str]]) -> dict[str, list[str]]:
    """Region id to its hosts, from the groups region_<id>."""
    return {name[len(REGION):]: list(members) for name, members in groups.items() if name.startswith(REGION)}


def region_of(groups: dict[str, list[str]], host: str) -> str:
    found = [region for region, members in regions(groups).items() if host in members]
    if len(found) != 1:
        raise EstateError(f"host {host} is in {len(found)} region groups ({', '.join(found) or 'none'}); "
                          f"it must be in exactly one {REGION}<id> group")
    return found[0]


def members(groups: dict[str, list[str]], service: dict[str, Any]) -> list[str]:
    """The hosts that run a service, in inventory order."""
    seen: dict[str, None] = {}
    for group in service["groups"]:
        seen.update(dict.fromkeys(groups.get(group, [])))
    return list(seen)


def component(service: dict[str, Any]) -> str:
    """The name of a service's component on a host."""
    return f"{service['id']}_exporter" if "exporter" in service else str(service["id"])


def missing(variables: Any, service: dict[str, Any], host: str) -> bool:
    """Whether a host does without an optional service that the inventory gives it: it has none, and none can be had.

    psf_unavailable (component to hosts, from the modules artifacts and component) says what cannot be had. Before they have looked,
    what component_facts did not find is missing; a host that nobody has read is as the inventory says.
    """
    facts = (variables.get("ansible_facts") or {}) if service.get("optional") else {}
    name = component(service)
    if (facts.get("psf_components") or {}).get(name):
        return False
    if "psf_unavailable" in facts:
        return host in (facts["psf_unavailable"].get(name) or [])
    return "psf_components" in facts


def running(groups: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    """Each host to the services that it runs."""
    found: dict[str, list[dict[str, Any]]] = {}
    for service in services().values():
        for name in members(groups, service):
            found.setdefault(name, []).append(service)
    return found


def port(variables: dict[str, Any], service: dict[str, Any], name: str) -> int:
    """A port of a service on a host: the variable `<id>_<name>_port` (`<id>_port` for the main one), else the default."""
    if name not in service["ports"]:
        raise EstateError(f"{service['id']} has no port {name!r}; it has {', '.join(service['ports'])}")
    key = f"{service['id']}_port" if name == MAIN_PORT else f"{service['id']}_{name}_port"
    value = variables.get(key)
    if value is None:
        return int(service["ports"][name])
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if not 0 < number < 65536:
        raise EstateError(f"{key}: {value!r} is not a port (1 to 65535)")
    return number


def address(variables: dict[str, Any], host: str) -> str:
    return str(variables.get("ansible_host") or host)


def join(name: str, number: int) -> str:
    """host:port, an IPv6 address in brackets."""
    return f"[{name}]:{number}" if ":" in name else f"{name}:{number}"


def described(service_id: str) -> dict[str, Any]:
    """The service of that id."""
    known = services()
    if service_id not in known:
        raise EstateError(f"there is no service {service_id!r}; known are {', '.join(known)}")
    return known[service_id]


def endpoints(hosts: Any, groups: dict[str, list[str]], host: str, service_id: str, port_name: str = MAIN_PORT,
              everywhere: bool = False, declared: bool = False) -> list[dict[str, Any]]:
    """How a service is reached from a host: those of its own region (of all regions with `everywhere`).

    An optional one that a host does without is not among them, but with `declared`.

    Each entry: host, region, address, port, target (address:port), scheme, url, health (URL), auth.
    """
    service = described(service_id)
    by_host = {name: region for region, names in regions(groups).items() for name in names}
    own = by_host.get(host)
    rows = []
    for name in members(groups, service):
        if not everywhere and by_host.get(name) != own:
            continue
        variables = hosts[name]
        if not declared and missing(variables, service, name):
            continue
        number = port(variables, service, port_name)
        target = join(address(variables, name), number)
        scheme = "https" if tls(variables) else "http"
        rows.append({
            "host": name, "region": by_host.get(name), "address": address(variables, name), "port": number, "target": target,
            "scheme": scheme, "url": f"{scheme}://{target}", "health": f"{scheme}://{target}{service.get('health', '/')}",
            "auth": service["auth"]})
    return rows


def peers(hosts: Any, groups: dict[str, list[str]], host: str, service_id: str) -> list[dict[str, Any]]:
    """How a service of the other regions is reached from a host; entries as those of endpoints()."""
    own = region_of(groups, host)
    return [row for row in endpoints(hosts, groups, host, service_id, everywhere=True) if row["region"] not in (own, None)]


def tls(variables: dict[str, Any]) -> bool:
    """Whether the parts on a host speak TLS; plain text only where `observatory_tls: false` asks for it."""
    value = variables.get("observatory_tls", True)
    return value if isinstance(value, bool) else str(value).strip().lower() not in ("false", "no", "0", "off")


def check(hosts: Any, groups: dict[str, list[str]], extra_targets: Any = None) -> list[str]:
    """Everything that cannot be right in an inventory, one sentence each; empty when nothing is wrong."""
    problems: list[str] = []
    by_host: dict[str, list[str]] = {}
    for region, names in regions(groups).items():
        for name in names:
            by_host.setdefault(name, []).append(region)
    everyone = [name for name in groups.get("all", []) if name != "localhost"]
    if not everyone:
        problems.append("the inventory has no host")
    for name in everyone:
        found = by_host.get(name, [])
        if len(found) != 1:
            problems.append(f"host {name} is in {'no region' if not found else 'the regions ' + ', '.join(sorted(found))}; "
                            f"it must be in exactly one {REGION}<id> group")
    problems += _unknown_groups(groups)
    problems += _host_problems(hosts, groups, everyone)
    problems += _one_per_region(hosts, groups)
    problems += check_extra(extra_targets, regions(groups))
    return problems


def _one_per_region(hosts: Any, groups: dict[str, list[str]]) -> list[str]:
    """Services of which the others use just one in a region: a second would be installed and never asked. Some may be several
    where a variable, `unless`, says what they share."""
    problems = []
    for service in services().values():
        rule = service.get("one_per_region")
        unless = rule.get("unless") if isinstance(rule, dict) else None
        for region, names in sorted(regions(groups).items()) if rule else []:
            found = [name for name in members(groups, service) if name in names]
            if len(found) > 1 and not (unless and all(hosts[name].get(unless) for name in found)):
                problems.append(f"region {region} has {service['id']} on {', '.join(found)}; " + (
                    f"several of a region need what they share: set {unless} on all of them" if unless
                    else "only one host of a region can have it"))
    return problems


def _unknown_groups(groups: dict[str, list[str]]) -> list[str]:
    """A group that looks like a service's but is none's, so a slip of the pen does not silently install nothing."""
    known = {group for service in services().values() for group in service["groups"]} | {"all", "ungrouped"}
    names = set(groups)
    problems = []
    for name in sorted(names - known):
        if name.startswith(REGION):
            continue
        near = sorted(k for k in known if _near(name, k))
        if near:
            problems.append(f"group {name} is not one that this collection knows; did you mean {near[0]}?")
    return problems


def _near(left: str, right: str) -> bool:
    """One letter more, less or other, or another separator."""
    left, right = left.lower().replace("-", "_"), right.lower()
    if abs(len(left) - len(right)) > 1 or min(len(left), len(right)) < 4:
        return False
    if left == right:
        return True
    if len(left) > len(right):
        left, right = right, left
    for index, letter in enumerate(left):
        if letter != right[index]:
            return left[index + (len(left) == len(right)):] == right[index + 1:]
    return True


def _host_problems(hosts: Any, groups: dict[str, list[str]], everyone: list[str]) -> list[str]:
    """Addresses that two hosts have and ports that two services of a host want. One look at the variables of each host:
    Ansible puts them together anew with every look, which at thousands of hosts is all the time there is."""
    addresses: dict[str, str] = {}
    doubles: list[str] = []
    clashes: list[str] = []
    by_host = running(groups)
    for name in everyone:
        variables = hosts[name]
        if variables.get("ansible_connection") != "local":
            where = address(variables, name)
            if variables.get("ansible_port"):
                where = f"{where} port {variables['ansible_port']}"
            if where in addresses:
                doubles.append(f"hosts {addresses[where]} and {name} have the same address {where}")
            addresses[where] = name
        clashes += _port_clashes(variables, name, by_host.get(name, []))
    return doubles + clashes


def _port_clashes(variables: dict[str, Any], host: str, own: list[dict[str, Any]]) -> list[str]:
    used: dict[int, str] = {}
    problems = []
    for service in own:
        for port_name in service["ports"]:
            try:
                number = port(variables, service, port_name)
            except EstateError as error:
                problems.append(f"host {host}: {error}")
                continue
            here = f"{service['id']} ({port_name})"
            other = used.setdefault(number, here)
            if other != here:
                problems.append(f"host {host}: port {number} is wanted by {other} and by {here}; "
                                f"set {service['id']}_{'' if port_name == MAIN_PORT else port_name + '_'}port")
    return problems


def check_extra(extra: Any, known_regions: Any) -> list[str]:
    """Targets from outside Ansible: [{system, region, targets: [host:port], labels: {}}]."""
    problems = []
    for index, row in enumerate(extra or []):
        where = f"observatory_targets[{index}]"
        if not isinstance(row, dict) or not row.get("system") or not row.get("targets"):
            problems.append(f"{where}: needs system and targets (a list of host:port)")
            continue
        if row.get("region") not in known_regions:
            problems.append(f"{where}: region {row.get('region')!r} is not one of {', '.join(sorted(known_regions))}")
        for target in row["targets"]:
            if ":" not in str(target) or not str(target).rsplit(":", 1)[1].isdigit():
                problems.append(f"{where}: {target!r} is not host:port")
    return problems


def targets(hosts: Any, groups: dict[str, list[str]], host: str, extra_targets: Any = None) -> dict[str, list[dict[str, Any]]]:
    """What the Prometheus on `host` scrapes: job to file_sd groups, for the hosts of its own region.

    A job is a service's id. Labels: region, system, instance (host:port), host. Each target is a group of its own, so that
    a diff shows one host per line.
    """
    own = region_of(groups, host)
    here = set(regions(groups)[own])
    problems = check_extra(extra_targets, regions(groups))
    if problems:
        raise EstateError("; ".join(problems))
    # One look at the variables of each host (see _host_problems); then jobs and targets in an order of their own.
    found: dict[str, list[dict[str, Any]]] = {}
    for name, running_here in running(groups).items():
        metered = [service for service in running_here if "metrics" in service] if name in here else []
        variables = hosts[name] if metered else {}
        for service in metered:
            if missing(variables, service, name):
                continue
            number = port(variables, service, service["metrics"]["port"])
            found.setdefault(service["id"], []).append(
                {"targets": [join(address(variables, name), number)],
                 "labels": {"region": own, "system": service["system"], "instance": join(name, number), "host": name}})
    jobs = {job: sorted(found[job], key=lambda row: row["labels"]["instance"]) for job in services() if job in found}
    for row in extra_targets or []:
        if row["region"] == own:
            jobs.setdefault(row.get("job") or row["system"], []).extend(
                {"targets": [str(target)],
                 "labels": {"region": own, "system": row["system"], "instance": str(target),
                            "host": str(target).rsplit(":", 1)[0], **(row.get("labels") or {})}}
                for target in row["targets"])
    return jobs


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
    optional = {service["system"] for service in services().values() if service.get("optional")}
    found = {service["system"] for service in services().values() if _runs(hosts, groups, service, known)} | {"observatory"}
    if "node" in found:
        found.add("systemd")
        if "prometheus" in found:
            found.add("governance")
    owners = options.get("owners") or ["platform"]
    urls = options.get("urls") or {}
    for name in urls:
        if name not in ("pages", "grafana"):
            raise EstateError(f"observatory_urls.{name}: unknown; known are pages, grafana")
    return {
        "format": 1,
        "environment": str(options["environment"]),
        "regions": sorted(regions(groups)),
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
    names = members(groups, service)
    if not service.get("optional") or hosts is None or not names:
        return bool(names)
    read = [name for name in names if {"psf_components", "psf_unavailable"} & set(hosts[name].get("ansible_facts") or {})]
    if any(not missing(hosts[name], service, name) for name in read):
        return True
    return len(read) < len(names) and (service["system"] in before if before is not None else not read)


def probes(hosts: Any, groups: dict[str, list[str]], host: str) -> list[dict[str, Any]]:
    """What the blackbox exporters of a region ask: the TLS handshake of every main port of its services."""
    own = region_of(groups, host)
    rows = [_probe(row, service, own) for service in services().values() if MAIN_PORT in service["ports"]
            for row in endpoints(hosts, groups, host, service["id"])]
    return sorted(rows, key=lambda row: row["labels"]["instance"])


def peer_probes(hosts: Any, groups: dict[str, list[str]], host: str) -> list[dict[str, Any]]:
    """What they ask of other regions: the handshake of the services that say `front_door`. region is from where, peer_region to where."""
    own = region_of(groups, host)
    rows = [_probe(row, service, own, peer_region=row["region"]) for service in services().values() if service.get("front_door")
            for row in peers(hosts, groups, host, service["id"])]
    return sorted(rows, key=lambda row: row["labels"]["instance"])


def _probe(row: dict[str, Any], service: dict[str, Any], own: str, **more: str) -> dict[str, Any]:
    return {"targets": [row["target"]],
            "labels": {"region": own, "system": service["system"], "host": row["host"], "instance": join(row["host"], row["port"]),
                       "module": "tls" if row["scheme"] == "https" else "tcp_connect", **more}}
