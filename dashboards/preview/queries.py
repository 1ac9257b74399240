"""From a panel's target to what a service is asked: the time window, Grafana's own variables, and the chosen values.

Only what the bundle declares is ever asked. A value that a reader chooses goes into a quoted string, as a literal in a
regular expression."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dashboards.model import ContentError, require
from dashboards.preview.bundle import Board, Target, Variable

ALL = "$__all"
NAME = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")
RELATIVE = re.compile(r"now(?:-(\d{1,6})([smhdwMy]))?\Z")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
LONGEST = 5 * 366 * 86400
LONGEST_VALUE = 300
LINES, TRACES = 200, 20
# What a regular expression of RE2 reads as more than itself.
SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


@dataclass(frozen=True)
class Window:
    """Start and end in whole seconds since the epoch, both multiples of the step (seconds)."""

    start: int
    end: int
    step: int
    scrape: int = 15

    @property
    def points(self) -> int:
        return (self.end - self.start) // self.step + 1

    def values(self) -> dict[str, str]:
        """Grafana's own variables, as its Prometheus and Loki data sources set them."""
        span = self.end - self.start
        return {
            "__rate_interval": f"{max(self.step + self.scrape, 4 * self.scrape)}s",
            "__interval": f"{self.step}s",
            "__auto": f"{self.step}s",
            "__interval_ms": str(self.step * 1000),
            "__range": f"{span}s",
            "__range_s": str(span),
            "__range_ms": str(span * 1000),
        }


@dataclass(frozen=True)
class Request:
    """A GET of a service: path and parameters. `expr` is the expression as it is sent, for those who want to see it."""

    source: str
    path: str
    params: Mapping[str, str]
    expr: str


def moment(text: object, now: float, where: str) -> float:
    """Seconds since the epoch of "now", "now-6h" or milliseconds since the epoch."""
    match = RELATIVE.match(str(text))
    if match:
        return now - (int(match[1]) * SECONDS[match[2]] if match[1] else 0)
    try:
        return float(str(text)) / 1000
    except ValueError:
        raise ContentError(f"{where}: {text!r} is neither now-6h nor milliseconds since 1970") from None


def window(start: object, end: object, points: int, scrape: int = 15, now: float | None = None) -> Window:
    """The window between two moments with at most `points` steps, none shorter than the scrape interval. Raises ContentError."""
    now = time.time() if now is None else now
    first, last = moment(start, now, "from"), moment(end, now, "to")
    require(math.isfinite(first) and math.isfinite(last) and first < last, "from, to", "the time range is empty; from must be before to")
    require(
        last - first <= LONGEST and first >= 0 and last <= now + LONGEST,
        "from, to",
        "the time range is longer than five years, or far away",
    )
    wanted = max((last - first) / max(min(points, 2000), 10), min(scrape, (last - first) / 10), 1)
    step = next((step for step in STEPS if step >= wanted), STEPS[-1])
    return Window(int(first // step) * step, int(last // step) * step, step, scrape)


def selection(board: Board, chosen: object) -> dict[str, tuple[str, ...]]:
    """The chosen values by variable; what is not said is All. Raises ContentError for unknown names and for what is no list of strings."""
    require(isinstance(chosen, dict), "variables", "must map names to lists of values")
    assert isinstance(chosen, dict)  # noqa: S101 (for the type checker)
    unknown = sorted(set(chosen) - set(board.names()))
    require(not unknown, "variables", f"{board.uid} has no {', '.join(map(str, unknown))}; it has {', '.join(board.names()) or 'none'}")
    found = {}
    for variable in board.variables:
        values = chosen.get(variable.name) or [ALL]
        require(
            isinstance(values, list)
            and len(values) <= LONGEST_VALUE
            and all(isinstance(v, str) and len(v) <= LONGEST_VALUE for v in values),
            f"variables.{variable.name}",
            f"must be a list of at most {LONGEST_VALUE} values of at most {LONGEST_VALUE} characters",
        )
        found[variable.name] = (ALL,) if ALL in values else tuple(dict.fromkeys(values))
    return found


def literal(values: Sequence[str]) -> str:
    """Values as a regular expression that matches them alone, fit for a double-quoted string of PromQL or LogQL."""
    words = [SPECIAL.sub(r"\\\1", value) for value in values]
    return json.dumps(words[0] if len(words) == 1 else f"({'|'.join(words)})", ensure_ascii=False)[1:-1]


def glob(values: Sequence[str]) -> str:
    """Values as they are, as Grafana puts them into a service of Jaeger: of several it finds nothing there."""
    return values[0] if len(values) == 1 else "{%s}" % ",".join(values)


def fill(
    expr: str,
    board: Board,
    chosen: Mapping[str, Sequence[str]],
    own: Mapping[str, str],
    written: Callable[[Sequence[str]], str] = literal,
) -> str:
    """An expression with its variables put in, as `written` says. A name that is no variable stays."""
    every = {variable.name: variable.all_value for variable in board.variables}

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name in own:
            return own[name]
        if name not in every:
            return match[0]
        return every[name] if ALL in chosen.get(name, (ALL,)) else written(chosen[name])

    return NAME.sub(value, expr)


def request(target: Target, board: Board, chosen: Mapping[str, Sequence[str]], at: Window) -> Request:
    """What is asked for one target."""
    start, end, step = str(at.start), str(at.end), str(at.step)
    if target.mode == "graph":
        return Request("jaeger", "/api/dependencies", {"endTs": f"{at.end}000", "lookback": f"{at.end - at.start}000"}, "dependencies")
    if target.mode == "search":
        service = fill(target.expr, board, chosen, at.values(), glob)
        return Request(
            "jaeger",
            "/api/traces",
            {"service": service, "start": f"{start}000000", "end": f"{end}000000", "limit": str(TRACES), "lookback": "custom"},
            service,
        )
    expr = fill(target.expr, board, chosen, at.values())
    if target.source == "loki":
        return _loki(target, expr, at)
    if target.mode == "instant":
        return Request("prometheus", "/api/v1/query", {"query": expr, "time": end}, expr)
    return Request("prometheus", "/api/v1/query_range", {"query": expr, "start": start, "end": end, "step": step}, expr)


def _loki(target: Target, expr: str, at: Window) -> Request:
    nanos = {"start": f"{at.start}000000000", "end": f"{at.end}000000000"}
    if target.mode == "logs":
        return Request("loki", "/loki/api/v1/query_range", {"query": expr, **nanos, "limit": str(LINES), "direction": "backward"}, expr)
    if target.mode == "instant":
        return Request("loki", "/loki/api/v1/query", {"query": expr, "time": nanos["end"]}, expr)
    return Request("loki", "/loki/api/v1/query_range", {"query": expr, **nanos, "step": str(at.step)}, expr)


def exemplars(asked: Request, at: Window) -> Request:
    return Request("prometheus", "/api/v1/query_exemplars", {"query": asked.expr, "start": str(at.start), "end": str(at.end)}, asked.expr)


def options(variable: Variable, board: Board, chosen: Mapping[str, Sequence[str]], at: Window) -> Request:
    """The values that a variable may have."""
    selector = fill(variable.selector, board, chosen, at.values())
    params = {"start": str(at.start), "end": str(at.end), **({"match[]": selector} if selector else {})}
    return Request("prometheus", f"/api/v1/label/{variable.label}/values", params, selector)
