"""Asks the services for the panels of a dashboard, many at a time, and hands out each panel as it is there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

from dashboards.preview import frames, queries
from dashboards.preview.bundle import ALERTS_FRAME, Board, Panel, Target, Variable
from dashboards.preview.queries import Window
from dashboards.preview.sources import Service, SourceError

AT_ONCE = 8
Chosen = Mapping[str, Sequence[str]]


@dataclass
class Estate:
    """The services of each place that can be looked from (a region, or "" when there is but one): place -> source -> service."""

    places: Mapping[str, Mapping[str, Service]]
    scrape: int = 15
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ask"))

    def get(self, place: str, asked: queries.Request) -> Any:
        source = self.places.get(place, {}).get(asked.source)
        if source is None:
            raise SourceError(f"no --{asked.source} was given")
        return source.get(asked.path, asked.params)

    def panels(self, board: Board, ids: Iterable[int], chosen: Chosen, at: Window, place: str = "") -> Iterator[frames.Frame]:
        """Each panel's frame, the variables' values, and the state of the alerts, in the order in which they arrive."""
        jobs: list[Future[frames.Frame]] = [self._pool.submit(self._panel, board, board.panels[key], chosen, at, place) for key in ids]
        yield from self._as_they_come(jobs)

    def frame(self, board: Board, chosen: Chosen, at: Window, place: str = "") -> Iterator[frames.Frame]:
        """What stands around the panels: the values of the variables and the alerts."""
        jobs = [self._pool.submit(self._variable, board, variable, chosen, at, place) for variable in board.variables]
        if board.alerts:
            jobs.append(self._pool.submit(self._alerts, board, board.alerts, chosen, at, place))
        yield from self._as_they_come(jobs)

    def firing(self, board: Board, chosen: Chosen, at: Window, place: str = "") -> Iterator[frames.Frame]:
        """The alerts alone; nothing for a dashboard that does not ask for them."""
        if board.alerts:
            yield self._alerts(board, board.alerts, chosen, at, place)

    @staticmethod
    def _as_they_come(jobs: list[Future[frames.Frame]]) -> Iterator[frames.Frame]:
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:  # the reader went away
            for job in jobs:
                job.cancel()

    def _panel(self, board: Board, panel: Panel, chosen: Chosen, at: Window, place: str) -> frames.Frame:
        answers: list[tuple[Target, Any]] = []
        asked: list[frames.Frame] = []
        dots: list[frames.Frame] = []
        for target in panel.targets:
            request = queries.request(target, board, chosen, at)
            row: frames.Frame = {"ref": target.ref, "expr": request.expr, "source": target.source, "error": ""}
            started = time.monotonic()
            try:
                answer = self.get(place, request)
                answers.append((target, answer))
                row["count"] = len(answer.get("result", ()) if isinstance(answer, dict) else answer or ())
                if target.exemplars:
                    dots += frames.exemplars(self.get(place, queries.exemplars(request, at)))
            except SourceError as error:
                row["error"] = str(error)
            row["ms"] = round((time.monotonic() - started) * 1000)
            asked.append(row)
        try:
            made = frames.frame(panel, answers, at)
        except (KeyError, TypeError, ValueError, IndexError) as error:  # an answer of another shape than the service promises
            made = {"empty": True}
            asked.append(
                {
                    "ref": "",
                    "expr": "",
                    "source": "",
                    "count": 0,
                    "ms": 0,
                    "error": f"the answer cannot be read: {type(error).__name__}: {error}",
                }
            )
        return made | {
            "id": panel.id,
            "asked": asked,
            "exemplars": dots,
            "error": "; ".join(dict.fromkeys(row["error"] for row in asked if row["error"])),
        }

    def _variable(self, board: Board, variable: Variable, chosen: Chosen, at: Window, place: str) -> frames.Frame:
        try:
            values = self.get(place, queries.options(variable, board, chosen, at))
        except SourceError as error:
            return {"variable": variable.name, "values": [], "error": str(error)}
        return {"variable": variable.name, "values": sorted(map(str, values or ()), key=frames.natural), "error": ""}

    def _alerts(self, board: Board, target: Target, chosen: Chosen, at: Window, place: str) -> frames.Frame:
        try:
            found = frames.alerts(self.get(place, queries.request(target, board, chosen, at)), at)
        except SourceError as error:
            return {ALERTS_FRAME: {}, "error": str(error)}
        return {ALERTS_FRAME: found, "error": ""}

    def trace(self, place: str, key: str) -> frames.Frame:
        found = self.get(place, queries.Request("jaeger", f"/api/traces/{key}", {}, key))
        if not found:
            raise SourceError(f"there is no trace {key}")
        return frames.trace(found[0])
