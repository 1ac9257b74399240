# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls as the controller reads them, which of them a host answers for, and what the inventory knows that they may refer to.

A host answers for a control per host when it is in one of the control's groups. For a control per region, the region's first host in one
of the groups answers, as it can reach what it judges. A control whose groups have no host at all is answered once in each region, by its
first host: not applicable. So a control has an answer in every region, and never one for each host that has nothing to do with it
twice.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from ..module_utils.governance import control, expect, registry
from ..module_utils.governance.control import ControlError
from . import estate, observed

CONTROLS = estate.ROLES / "governance" / "controls"
# Those that no host can judge: over the waivers and over the assessment itself.
OF_THE_RUN = estate.ROLES / "governance_report" / "controls"
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Row = dict[str, Any]


# -- reading -----------------------------------------------------------------------------------------------------------
def load(directories: list[str] | tuple[str, ...] = ()) -> dict[str, Row]:
    """Every control by id: the collection's, then those of the directories. An id that is there twice is refused."""
    found: dict[str, Row] = {}
    places: dict[str, Path] = {}
    for directory in (CONTROLS, *map(Path, directories)):
        if not directory.is_dir():
            raise ControlError(f"{directory}: no such directory of controls")
        for path in sorted(directory.iterdir()):
            if path.suffix not in (".yml", ".yaml"):
                continue
            row = read(path)
            if row["id"] in found:
                raise ControlError(f"{path}: id: {row['id']} is taken by {places[row['id']]}")
            found[row["id"]], places[row["id"]] = row, path
    return found


def read(path: Path) -> Row:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 (a safe one)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ControlError(f"{path}: {' '.join(str(error).split())}") from error
    result: Row = control.control(data, str(path), registry.ARGUMENTS, registry.JUDGES, expect.vocabulary)
    return result


# -- choosing ----------------------------------------------------------------------------------------------------------
def choose(controls: dict[str, Row], wanted: list[str], where: str = "controls") -> dict[str, Row]:
    """Those that an id, a pattern of ids (`TLS-*`) or a domain names; all of them where nothing is named."""
    if not wanted:
        return controls
    chosen: dict[str, Row] = {}
    for word in wanted:
        names = [name for name, row in controls.items() if fnmatchcase(name, word) or row["domain"] == word]
        if not names:
            raise ControlError(f"{where}: {word!r} is no control, pattern or domain; known domains are "
                               f"{', '.join(sorted(set(control.DOMAINS.values())))}, known controls {', '.join(controls)}")
        chosen.update({name: controls[name] for name in names})
    return {name: controls[name] for name in controls if name in chosen}


def tagged(controls: dict[str, Row], tags: list[str]) -> list[str]:
    """What Ansible's tags choose: `all` and the like choose nothing in particular; a tag like TLS-05 must be a control."""
    for tag in tags:
        if control.ID.match(tag) and tag not in controls:
            raise ControlError(f"--tags {tag}: there is no such control; known are {', '.join(controls)}")
    domains = set(control.DOMAINS.values())
    return [tag for tag in tags if tag in controls or tag in domains]


def overrides(controls: dict[str, Row], given: Any, where: str = "governance_parameters") -> Row:
    """The overrides by control; every one must name a control and parameter that are there, whether it is assessed or not."""
    if not isinstance(given, dict):
        raise ControlError(f"{where}: {given!r} is no mapping of control to parameters")
    known = {**controls, **of_the_run()}
    for name, values in given.items():
        if name not in known:
            raise ControlError(f"{where}.{name}: there is no such control; known are {', '.join(known)}")
        control.parameters(known[name], values or {}, f"{where}.{name}")
    return given


def of_the_run() -> dict[str, Row]:
    """The controls that are judged once for the whole run, by id."""
    rows = [yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) for path in sorted(OF_THE_RUN.glob("*.yml"))]  # noqa: S506
    return {row["id"]: {**row, "params": row.get("params") or {}} for row in rows}


# -- what a host gets --------------------------------------------------------------------------------------------------
def plan(controls: dict[str, Row], given: Row, hosts: Any, groups: dict[str, list[str]], host: str, extra_targets: Any = None,
         environment: str = "") -> Row:
    """The plan of module_utils/governance/assess.py for one host."""
    region = estate.region_of(groups, host)
    rows = []
    for row in controls.values():
        reason = answers(row, groups, host, region)
        if reason is None:
            continue
        effective, changed = control.parameters(row, given.get(row["id"]) or {}, f"governance_parameters.{row['id']}")
        rows.append({"id": row["id"], "mode": row["mode"], "per": row["applies_to"]["per"], "params": effective, "overridden": changed,
                     "kinds": {name: spec["type"] for name, spec in row["params"].items()}, "reason": reason,
                     "machine": row["applies_to"]["machine"],
                     "check": {} if reason else row["check"]})
    return {"host": host, "region": region, "controls": rows, "context": context(rows, hosts, groups, host, extra_targets, environment)}


def answers(row: Row, groups: dict[str, list[str]], host: str, region: str) -> str | None:
    """"" where the host evaluates a control, the reason where it does not apply to it, None where another host answers."""
    wanted = row["applies_to"]["groups"]
    here = groups[estate.REGION + region]
    running = [name for name in here if any(name in groups.get(group, []) for group in wanted)]
    if row["applies_to"]["per"] == "region":
        if running:
            return "" if host == running[0] else None
    elif host in running:
        return ""
    elif any(groups.get(group) for group in wanted):
        return f"this host is in none of the groups {', '.join(wanted)}"
    if host != here[0]:
        return None
    return f"region {region} has no host in the groups {', '.join(wanted)}"


def context(rows: list[Row], hosts: Any, groups: dict[str, list[str]], host: str, extra_targets: Any, environment: str) -> Row:
    """What $context means: see module_utils/governance/world.py. What costs a look at every host only where a control needs it."""
    region = estate.region_of(groups, host)
    used = {name.split(".")[1] for row in rows for name in control.references(row["check"]) if name.startswith("context.")}
    asks = any(row["per"] == "region" and not row["reason"] and row["mode"] == "automated" for row in rows)
    own = [service for service in estate.services().values() if host in estate.members(groups, service)]
    # Ansible puts a host's variables together anew with every look, so there is one; and this host alone is asked about itself.
    variables, alone = hosts[host], {name: [host] for name, members in groups.items() if host in members}
    listening = [dict(row, service=service["id"]) for service in own if estate.MAIN_PORT in service["ports"]
                 for row in estate.endpoints({host: variables}, alone, host, service["id"])]
    found: Row = {"host": host, "region": region, "environment": environment, "hosts": list(groups[estate.REGION + region]),
                  "services": listening, "login": [row for row in listening if row["auth"] == "basic"],
                  "mutual": [row for row in listening if row["auth"] == "certificate"],
                  "ports": sorted({estate.port(variables, service, name) for service in own for name in service["ports"]})}
    if asks:
        found["endpoints"] = {service: rows for service in estate.services()
                              if estate.MAIN_PORT in estate.services()[service]["ports"]
                              and (rows := estate.endpoints(hosts, groups, host, service))}
    if "instances" in used:
        jobs = observed.targets(hosts, groups, host, extra_targets)
        found["instances"] = sorted({row["labels"]["instance"] for targets in jobs.values() for row in targets})
    return found
