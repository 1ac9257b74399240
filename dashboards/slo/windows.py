"""Burn-rate tiers: how long they look, how fast the budget must burn for them to fire, and whether they can fire at all.

A tier compares the error ratio over a short and a long window with factor x (1 - objective). The factor is the speed at which
`percent` of the period's budget is gone within the long window: percent / 100 x period / long window."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from dashboards.slo.reader import Document, SloError, documents
from dashboards.slo.reader import Path as KeyPath

MINUTE, HOUR, DAY = 60, 3600, 86400
MONTH = 30 * DAY  # what a calendar month counts as where a length is needed to scale tiers
NAMES = ("page-quick", "page-slow", "ticket-quick", "ticket-slow")
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")
_UNITS = (365 * DAY, 7 * DAY, DAY, HOUR, MINUTE, 1)


@dataclass(frozen=True, slots=True)
class Tier:
    """A pair of windows (seconds), the burn rate above which it fires, the share of the budget (percent) that this costs in
    the long window, and for how long it must hold (seconds). severity is "page" or "ticket", speed "quick" or "slow"."""

    severity: str
    speed: str
    short: int
    long: int
    factor: float
    percent: float
    hold: int = 0

    @property
    def name(self) -> str:
        return f"{self.severity}-{self.speed}"


def seconds(text: str) -> int:
    """A Prometheus duration ("1h30m", "4w", "90d") in seconds. Raises ValueError."""
    match = _DURATION.match(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration; write a number with s, m, h, d, w or y, such as 5m, 1h30m or 30d")
    return sum(int(value) * unit for value, unit in zip(match.groups(), _UNITS, strict=True) if value)


@lru_cache(maxsize=1024)
def duration(length: int) -> str:
    """Seconds as Prometheus writes a duration: years and weeks only when nothing is left over (28 days are 4w, 30 days 30d)."""
    if length == 0:
        return "0s"
    text = ""
    for unit, size in zip("ywdhms", _UNITS, strict=True):
        if unit in "yw" and length % size:
            continue
        if count := length // size:
            text += f"{count}{unit}"
            length -= count * size
    return text


def number(value: float) -> str:
    """A float as Go prints it with %g: the shortest digits that read back the same, no ".0", 1e+06 and 1e-05 at the ends."""
    text = repr(float(value))
    if text.endswith(".0") and abs(value) < 1e6:
        return text[:-2]
    if abs(value) >= 1e6:
        digits, _, exponent = f"{value:e}".partition("e")
        for precision in range(17):
            digits, _, exponent = f"{value:.{precision}e}".partition("e")
            if float(f"{digits}e{exponent}") == value:
                break
        return f"{digits}e{exponent}"
    return text


def budget(objective: float) -> float:
    """The share of events that may fail (0 to 1), by the same operations as Sloth, so that the digits agree."""
    return (100 - objective) / 100


def _tier(document: Document, path: KeyPath, severity: str, speed: str, period: int) -> Tier:
    spec = _mapping(
        document, path, {"errorBudgetPercent", "shortWindow", "longWindow", "for"}, ("errorBudgetPercent", "shortWindow", "longWindow")
    )
    percent = spec["errorBudgetPercent"]
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 < percent <= 100:
        raise document.error(
            [*path, "errorBudgetPercent"], f"{percent!r} is not a share of the budget; write a number above 0, at most 100"
        )
    short, long = (read_duration(document, [*path, key], spec[key]) for key in ("shortWindow", "longWindow"))
    if not MINUTE <= short < long:
        raise document.error(path, f"shortWindow {duration(short)} must be at least 1m and shorter than longWindow {duration(long)}")
    if long >= period:
        raise document.error(
            [*path, "longWindow"],
            f"{duration(long)} is not shorter than the period, {duration(period)}; shorten the window or lengthen the period",
        )
    hold = read_duration(document, [*path, "for"], spec["for"]) if "for" in spec else 0
    factor = percent * (period / HOUR) / 100 / (long / HOUR)
    return Tier(severity, speed, short, long, factor, float(percent), hold)


def read_duration(document: Document, path: KeyPath, value: Any) -> int:
    """A duration of a document in seconds; raises SloError that names the key."""
    if not isinstance(value, str):
        raise document.error(path, f"is {kind(value)}; write a duration such as 5m, 1h or 30d")
    try:
        return seconds(value)
    except ValueError as error:
        raise document.error(path, str(error)) from error


def kind(value: Any) -> str:
    """What a value is, in the words of a YAML reader: "a list", "the number 2"."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    return f"the text {value!r}" if isinstance(value, str) else "a list" if isinstance(value, list) else "a mapping"


def _mapping(document: Document, path: KeyPath, known: set[str], needed: Iterable[str] = ()) -> dict[str, Any]:
    value = document.value
    for part in path:
        value = value[part]
    if not isinstance(value, dict):
        raise document.error(path, f"is {kind(value)}; it must be a mapping of {', '.join(sorted(known))}")
    for key in value:
        if key not in known:
            raise document.error([*path, key], f"is not known; known are {', '.join(sorted(known))}")
    for key in needed:
        if key not in value:
            raise document.error(path, f"needs {key}")
    return value


def read_tiers(document: Document, path: KeyPath, period: int, complete: bool = False) -> tuple[Tier, ...]:
    """Tiers as {page: {quick: {...}, slow: {...}}, ticket: {...}}, in the order of their speed. `complete`: all four are needed."""
    spec = _mapping(
        document, path, {"page", "ticket", "sloPeriod"} if complete else {"page", "ticket"}, ("page", "ticket") if complete else ()
    )
    tiers = []
    for severity in ("page", "ticket"):
        if severity in spec:
            speeds = _mapping(document, [*path, severity], {"quick", "slow"}, ("quick", "slow") if complete else ())
            tiers += [_tier(document, [*path, severity, speed], severity, speed, period) for speed in ("quick", "slow") if speed in speeds]
    if not tiers:
        raise document.error(path, "names no tier; give at least one of page.quick, page.slow, ticket.quick, ticket.slow")
    return tuple(tiers)


def load_windows(text: str, file: str) -> dict[int, tuple[Tier, ...]]:
    """Tiers by period (seconds) of a file of AlertWindows, one or more documents."""
    found: dict[int, tuple[Tier, ...]] = {}
    for document in documents(text, file):
        head = _mapping(document, [], {"apiVersion", "kind", "spec"}, ("apiVersion", "kind", "spec"))
        for key, wanted in (("apiVersion", "sloth.slok.dev/v1"), ("kind", "AlertWindows")):
            if head[key] != wanted:
                raise document.error([key], f"is {kind(head[key])}; it must be {wanted}")
        if not isinstance(head["spec"], dict) or "sloPeriod" not in head["spec"]:
            raise document.error(["spec"], "needs sloPeriod, such as 30d")
        period = read_duration(document, ["spec", "sloPeriod"], head["spec"]["sloPeriod"])
        tiers = read_tiers(document, ["spec"], period, complete=True)
        if found.get(period, tiers) != tiers:
            raise document.error(["spec", "sloPeriod"], f"{duration(period)} is there twice with other windows; keep one of them")
        found[period] = tiers
    if not found:
        raise SloError(f"{file}: is empty; it must hold a document of kind AlertWindows")
    return found


@lru_cache(maxsize=1)
def defaults() -> Mapping[int, tuple[Tier, ...]]:
    """The tiers of windows.yml."""
    path = Path(__file__).with_name("windows.yml")
    return load_windows(path.read_text(encoding="utf-8"), path.name)


def tiers_for(period: int, catalog: Mapping[int, tuple[Tier, ...]] | None = None) -> tuple[Tier, ...]:
    """The tiers of a period (seconds): from the catalog (a user's own AlertWindows), else ours.

    30 and 28 days are Sloth's. Every other period keeps windows and factors of 30 days: how fast is too fast, and how soon it
    is seen, then do not depend on the period; only the percent does. Raises ValueError for a period that is too short for them, or
    one that a user's own catalog does not have."""
    known = defaults()
    if catalog:
        if period not in catalog:
            have = ", ".join(duration(each) for each in sorted(catalog))
            raise ValueError(f"the windows file has no tiers for a period of {duration(period)}, only for {have}; add a document for it")
        usual = {tier.name: tier.hold for tier in known[MONTH]}
        return tuple(replace(tier, hold=tier.hold or usual[tier.name]) for tier in catalog[period])
    if period in known:
        return known[period]
    base = known[MONTH]
    longest = max(tier.long for tier in base)
    if period <= longest:
        raise ValueError(
            f"a period of {duration(period)} is too short for the default tiers, which look back {duration(longest)}; "
            "take at least 7d or give tiers of your own in x-psf.windows"
        )
    return tuple(replace(tier, percent=tier.factor * tier.long / period * 100) for tier in base)


def impossible(tier: Tier, objective: float) -> bool:
    """Whether not even 100 % errors exceed the tier's threshold."""
    return tier.factor * budget(objective) >= 1


def smallest_objective(tier: Tier) -> float:
    """The objective (percent, rounded up to 0.001) above which a tier can fire; 0 when it always can."""
    return max(0.0, -(-(100 - 100 / tier.factor) * 1000 // 1) / 1000)


def suitable(objective: float, period: int, base: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """Tiers with the windows of `base` that can fire for this objective.

    The largest possible factor is 1 / budget. From fast to slow they take at most 80, 60, 40 and 20 % of it, but no less than 1 (a
    budget that lasts the period is no reason to alert), and never more than the base: at 80 % that is 4, 3, 2, 1."""
    most = 1 / budget(objective)
    result = []
    for tier in base:
        share = (0.8, 0.6, 0.4, 0.2)[NAMES.index(tier.name)]
        factor = min(tier.factor, max(share * most, min(1.0, 0.95 * most)))
        percent = factor * tier.long / period * 100
        percent = float(f"{percent:.4g}")
        result.append(replace(tier, percent=percent, factor=percent * (period / HOUR) / 100 / (tier.long / HOUR)))
    return tuple(result)


def paste(tiers: Iterable[Tier], indent: str = "") -> str:
    """Tiers as the text of x-psf.windows."""
    lines, last = ["x-psf:", "  windows:"], ""
    for tier in tiers:
        if tier.severity != last:
            lines.append(f"    {tier.severity}:")
            last = tier.severity
        lines.append(
            f"      {tier.speed}: {{errorBudgetPercent: {number(tier.percent)}, shortWindow: {duration(tier.short)}, "
            f"longWindow: {duration(tier.long)}}}"
        )
    return "\n".join(indent + line for line in lines)
