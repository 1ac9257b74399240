"""Which drills may run at the same time: each takes some things for itself and needs others undisturbed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# What every drill needs of its region, so that its alert is found, routed and logged.
PATH = ("prometheus", "alertmanager", "alert_log")
WHOLE = "*"
# The ways between regions: who takes them cuts all of them.
WAYS = "ways"
# The region of an alert that another region raises.
OTHER = "$OTHER"


@dataclass(frozen=True)
class Host:
    """A host of the inventory."""

    name: str
    address: str
    region: str
    groups: frozenset[str]


class NotPossible(Exception):
    """A drill that this inventory cannot run, and why."""


@dataclass(frozen=True)
class Task:
    """A drill with the hosts that it runs on. takes and needs: things as "us/loki", "host:obs-us-1", or "*" for the whole estate.
    other: the region that sees what this one cannot tell, the first of the others; "" where there is none."""

    drill: dict[str, Any]
    region: str
    hosts: tuple[Host, ...]
    takes: frozenset[str] = field(default_factory=frozenset)
    needs: frozenset[str] = field(default_factory=frozenset)
    other: str = ""

    @property
    def told_in(self) -> str:
        """The region whose receivers are told."""
        return self.other if self.drill.get("seen_at") == "elsewhere" else self.region

    @property
    def id(self) -> str:
        return f"{self.drill['system']}/{self.drill['id']}"

    @property
    def unit(self) -> str:
        """Name of its timer and directory on the hosts."""
        return f"psf-drill-{self.drill['system']}-{self.drill['id']}"

    def lasts(self) -> int:
        """Seconds at most, for the longest to start first."""
        return int(self.drill["within"]) + int(self.drill.get("clears_within", 0))


def _thing(region: str, name: str) -> str:
    return name if name == WAYS else f"{region}/{name}"


def task(drill: dict[str, Any], hosts: Iterable[Host]) -> Task:
    """Choose region and hosts. Raises NotPossible."""
    every = sorted(hosts, key=lambda host: host.name)
    regions = sorted({host.region for host in every})
    region = regions[-1 if drill.get("region") == "last" else 0]
    found = tuple(host for host in every if host.region == region and drill["on"] in host.groups)
    if not found:
        raise NotPossible(f"no host of region {region} is in group {drill['on']}")
    if drill.get("hosts") != "all":
        found = found[:1]
    takes: set[str] = {WHOLE} if drill.get("alone") else set()
    for name in drill.get("takes", ()):
        takes |= {f"host:{host.name}" for host in found} if name == "host" else {_thing(region, name)}
    other = next((name for name in regions if name != region), "")
    expected = [*drill.get("alerts", {}).values(), *(drill.get("silent") or {}).values()]
    watched = drill.get("seen_at") == "elsewhere" or any(labels.get("region") == OTHER for labels in expected)
    if watched and not other:
        raise NotPossible(f"{drill['system']}/{drill['id']} is seen in another region, and there is just {region}")
    needs = {WHOLE, *(f"host:{host.name}" for host in found), *(_thing(region, name) for name in (*PATH, *drill.get("needs", ()))),
             *(_thing(other, name) for name in (*PATH, "blackbox", WAYS) if watched)}
    return Task(drill, region, found, frozenset(takes), frozenset(needs - takes), other)


def fit(one: Task, other: Task) -> bool:
    """Whether two drills may run at the same time."""
    return not (one.takes & (other.takes | other.needs) or other.takes & one.needs)


def startable(waiting: Iterable[Task], running: Iterable[Task]) -> list[Task]:
    """Those that may start now beside what runs, the longest first."""
    busy = list(running)
    chosen: list[Task] = []
    for candidate in sorted(waiting, key=lambda row: (-row.lasts(), row.id)):
        if all(fit(candidate, other) for other in [*busy, *chosen]):
            chosen.append(candidate)
    return chosen
