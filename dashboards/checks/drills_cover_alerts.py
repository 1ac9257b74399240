"""Every alert is raised by a fire drill, or its system's drills.yml says why not: an alert that nobody saw arrive is a hope."""

from collections.abc import Iterator

from dashboards import drills, estate, slos
from dashboards.checks import Found
from dashboards.load import Content, Loaded


def names(loaded: Loaded, everything: estate.Estate) -> Iterator[str]:
    """Every alert of a system, those of its objectives too."""
    yield from (alert.name for alert in loaded.alerts)
    own = slos.of(loaded, everything)
    if own:
        yield from own.alert_names()


def check(content: Content) -> Found:
    whole = estate.everything(tuple(content.by_id), tuple(sorted({loaded.system.owner for loaded in content.systems})))
    alerts = {loaded.system.id: list(dict.fromkeys(names(loaded, whole))) for loaded in content.systems}
    known = {name for row in alerts.values() for name in row}
    drilled = drills.drilled(content)
    for loaded in content.systems:
        found = drills.of(loaded)
        where = f"{loaded.system.id}: drills.yml"
        reasons = found.not_drilled or {}
        for name in alerts[loaded.system.id]:
            if name not in drilled and name not in reasons:
                yield where, f"alert {name} has neither a drill nor a reason under not_drilled"
        for name in reasons:
            if name not in alerts[loaded.system.id]:
                yield f"{where}: not_drilled.{name}", "is not an alert of this system"
            elif name in drilled:
                yield f"{where}: not_drilled.{name}", "is drilled all the same; one of the two is not true"
        for drill in found.drills:
            for name in sorted({*drill.alerts, *(drill.silent or {})} - known):
                yield f"{where}: {drill.id}", f"there is no alert {name}"
