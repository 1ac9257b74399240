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
