"""Discovery of systems/<id>/: every folder is a system, its modules are read by their fixed names; nothing is listed elsewhere."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from dashboards import sample
from dashboards.model import SCRAPE_METRICS, Alert, ContentError, Dashboard, Metric, Recording, System, require
from dashboards.slo_metrics import RECORDED

SYSTEMS = Path(__file__).parent / "systems"
T = TypeVar("T")


@dataclass(frozen=True)
class Loaded:
    """A system with all that its folder declares."""

    system: System
    folder: Path
    metrics: tuple[Metric, ...]
    alerts: tuple[Alert, ...]
    recordings: tuple[Recording, ...]
    dashboards: tuple[Dashboard, ...]
    runbook: str
    slos: str  # slos.yml as text, or empty
    sample: sample.Sample

    def series(self) -> dict[str, tuple[Metric, tuple[str, ...]]]:
        """Stored series name to its metric and labels."""
        return {name: (metric, labels) for metric in self.metrics for name, labels in metric.series().items()}

    def thresholds(self) -> dict[str, float]:
        return {threshold.id: threshold.default for alert in self.alerts for threshold in alert.thresholds}


@dataclass(frozen=True)
class Content:
    """All systems, and what they declare together."""

    systems: tuple[Loaded, ...]
    by_id: dict[str, Loaded] = field(default_factory=dict)

    def series(self, own: Loaded | None = None) -> dict[str, tuple[Metric, tuple[str, ...]]]:
        """Every series that a query may use: of all systems, those of every scrape, recording rules. Exporters of one kind give the same
        names with labels of their own; what the system `own` declares is what its queries mean."""
        found = {name: (metric, labels) for metric in (*SCRAPE_METRICS, *RECORDED) for name, labels in metric.series().items()}
        for loaded in self.systems:
            found |= loaded.series()
            for recording in loaded.recordings:
                metric = Metric(recording.record, "gauge", recording.unit, recording.help, recording.labels)
                found[recording.record] = (metric, recording.labels)
        return found | (own.series() if own else {})

    def only(self, present: Sequence[str]) -> tuple[Loaded, ...]:
        """The systems that an estate has; an id without a folder is refused."""
        unknown = sorted(set(present) - set(self.by_id))
        require(not unknown, "estate: systems", f"there is no folder dashboards/systems/{unknown[0] if unknown else ''}; "
                f"known are {', '.join(self.by_id)}")
        return tuple(loaded for loaded in self.systems if loaded.system.id in present)


def _module(folder: Path, name: str, needed: bool) -> ModuleType | None:
    if not (folder / f"{name}.py").is_file():
        require(not needed, str(folder), f"{name}.py is missing")
        return None
    return importlib.import_module(f"dashboards.systems.{folder.name}.{name}")


def _tuple(module: ModuleType | None, name: str, kind: type[T]) -> tuple[T, ...]:
    values: Any = getattr(module, name, ()) if module else ()
    require(isinstance(values, tuple) and all(isinstance(value, kind) for value in values),
            str(module.__file__ if module else ""), f"{name} must be a tuple of {kind.__name__}")
    return tuple(values)


def one(folder: Path) -> Loaded:
    """Read a system's folder. Raises ContentError with the file and what would be right."""
    module = _module(folder, "system", needed=True)
    system = getattr(module, "SYSTEM", None)
    require(isinstance(system, System), f"{folder}/system.py", "must define SYSTEM, a System")
    assert isinstance(system, System)  # noqa: S101 (for the type checker)
    require(system.id == folder.name, f"{folder}/system.py", f"id is {system.id!r}, but the folder is {folder.name!r}")
    alerts = _module(folder, "alerts", needed=False)
    runbook = folder / "runbook.md"
    slos = folder / "slos.yml"
    recorded = folder / "metrics.sample"
    return Loaded(
        system=system, folder=folder,
        metrics=_tuple(_module(folder, "metrics", needed=False), "METRICS", Metric),
        alerts=_tuple(alerts, "ALERTS", Alert), recordings=_tuple(alerts, "RECORDINGS", Recording),
        dashboards=_tuple(_module(folder, "dashboard", needed=True), "DASHBOARDS", Dashboard),
        runbook=runbook.read_text(encoding="utf-8") if runbook.is_file() else "",
        slos=slos.read_text(encoding="utf-8") if slos.is_file() else "",
        sample=sample.parse(recorded.read_text(encoding="utf-8"), str(recorded)) if recorded.is_file() else sample.Sample())


@cache
def everything(root: Path = SYSTEMS) -> Content:
    """All systems, in the order of their ids."""
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and re.match(r"[a-z]", path.name)]
    require(folders, str(root), "no system is declared")
    systems = tuple(one(folder) for folder in folders)
    names: dict[str, str] = {}
    for loaded in systems:
        for alert in loaded.alerts:
            if alert.name in names:
                raise ContentError(f"alert {alert.name} is declared by {names[alert.name]} and by {loaded.system.id}; names are unique")
            names[alert.name] = loaded.system.id
    return Content(systems, {loaded.system.id: loaded for loaded in systems})
