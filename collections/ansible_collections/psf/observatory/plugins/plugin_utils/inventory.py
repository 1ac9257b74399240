# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be right in an inventory: each problem is one sentence that names hosts and groups. Pure functions."""

from __future__ import annotations

from typing import Any

from . import estate


def check(hosts: Any, groups: dict[str, list[str]], extra_targets: Any = None) -> list[str]:
    """Everything that cannot be right in an inventory, one sentence each; empty when nothing is wrong."""
    problems: list[str] = []
    by_host: dict[str, list[str]] = {}
    for region, names in estate.regions(groups).items():
        for name in names:
            by_host.setdefault(name, []).append(region)
    everyone = [name for name in groups.get("all", []) if name != "localhost"]
    if not everyone:
        problems.append("the inventory has no host")
    for name in everyone:
        found = by_host.get(name, [])
        if len(found) != 1:
            problems.append(f"host {name} is in {'no region' if not found else 'the regions ' + ', '.join(sorted(found))}; "
                            f"it must be in exactly one {estate.REGION}<id> group")
    problems += _unknown_groups(groups)
    problems += _host_problems(hosts, groups, everyone)
    problems += _one_per_region(hosts, groups)
    problems += check_extra(extra_targets, estate.regions(groups))
    return problems


def _one_per_region(hosts: Any, groups: dict[str, list[str]]) -> list[str]:
    """Services of which the others use just one in a region: a second would be installed and never asked. Some may be several
    where a variable, `unless`, says what they share."""
    problems = []
    for service in estate.services().values():
        rule = service.get("one_per_region")
        unless = rule.get("unless") if isinstance(rule, dict) else None
        for region, names in sorted(estate.regions(groups).items()) if rule else []:
            found = [name for name in estate.members(groups, service) if name in names]
            if len(found) > 1 and not (unless and all(hosts[name].get(unless) for name in found)):
                problems.append(f"region {region} has {service['id']} on {', '.join(found)}; " + (
                    f"several of a region need what they share: set {unless} on all of them" if unless
                    else "only one host of a region can have it"))
    return problems


def _unknown_groups(groups: dict[str, list[str]]) -> list[str]:
    """A group that looks like a service's but is none's, so a slip of the pen does not silently install nothing."""
    known = {group for service in estate.services().values() for group in service["groups"]} | {"all", "ungrouped"}
    names = set(groups)
    problems = []
    for name in sorted(names - known):
        if name.startswith(estate.REGION):
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
    by_host = estate.running(groups)
    for name in everyone:
        variables = hosts[name]
        if variables.get("ansible_connection") != "local":
            where = estate.address(variables, name)
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
                number = estate.port(variables, service, port_name)
            except estate.EstateError as error:
                problems.append(f"host {host}: {error}")
                continue
            here = f"{service['id']} ({port_name})"
            other = used.setdefault(number, here)
            if other != here:
                problems.append(f"host {host}: port {number} is wanted by {other} and by {here}; "
                                f"set {service['id']}_{'' if port_name == estate.MAIN_PORT else port_name + '_'}port")
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
