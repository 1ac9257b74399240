"""The estate: what the inventory says of the environment that content is rendered for. Read from the file that the
collection writes (playbooks/render.yml); refused with the key and what would be right."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboards.model import ContentError, require

FORMAT = 1
DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w)\Z")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MOST = 1e18
KNOWN = ("format", "environment", "regions", "systems", "owners", "thresholds", "urls", "scrape_interval", "evaluation_interval",
         "slo_period")


@dataclass(frozen=True)
class Estate:
    environment: str
    regions: tuple[str, ...]
    systems: tuple[str, ...]
    owners: tuple[str, ...]
    thresholds: dict[str, dict[str, float]] = field(default_factory=dict)
    pages: str = ""
    grafana: str = ""
    scrape_interval: str = "15s"
    evaluation_interval: str = "15s"
    slo_period: str = "30d"


def seconds(duration: str, where: str) -> float:
    """A duration of Prometheus with one unit, in seconds."""
    match = DURATION.match(duration) if isinstance(duration, str) else None
    require(match, where, f"{duration!r} is not a duration such as 15s or 1m")
    assert match  # noqa: S101 (for the type checker)
    return int(match[1]) * SECONDS[match[2]]


def read(path: Path) -> Estate:
    """The estate file (JSON, see docs/bundle.md). Raises ContentError."""
    try:
        return loads(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ContentError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ContentError(f"{path}: is not UTF-8: {error}") from error


def loads(text: str, where: str) -> Estate:
    """The text of an estate file. Raises ContentError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{where}: is not JSON: {error}") from error
    require(isinstance(data, dict), where, "must be an object")
    return parse(data, where)


def parse(data: dict[str, Any], where: str) -> Estate:
    unknown = sorted(set(data) - set(KNOWN))
    require(not unknown, where, f"unknown keys {', '.join(unknown)}; known are {', '.join(KNOWN)}")
    require(data.get("format") == FORMAT, f"{where}: format", f"{data.get('format')!r} is not {FORMAT}, which this version reads")
    for key in ("regions", "systems", "owners"):
        value = data.get(key)
        require(isinstance(value, list) and value and all(isinstance(item, str) for item in value), f"{where}: {key}",
                "must be a list of at least one name")
    require(isinstance(data.get("environment"), str) and data["environment"], f"{where}: environment", "must be a name")
    for key in ("urls", "thresholds"):
        require(isinstance(data.get(key, {}), dict), f"{where}: {key}", "must be an object")
    urls = data.get("urls", {})
    for name, url in urls.items():
        require(name in ("pages", "grafana"), f"{where}: urls.{name}", "unknown; known are pages, grafana")
        require(url is None or re.match(r"https?://[^\s/]+(/\S*)?\Z", str(url)), f"{where}: urls.{name}", f"{url!r} is not an http(s) URL")
    thresholds = data.get("thresholds", {})
    for system, values in thresholds.items():
        require(isinstance(values, dict), f"{where}: thresholds.{system}", "must map threshold ids to numbers")
        for name, value in values.items():
            require(isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < MOST,
                    f"{where}: thresholds.{system}.{name}", f"{value!r} is not a number that a value can be compared with")
    for key in ("scrape_interval", "evaluation_interval", "slo_period"):
        if key in data:
            seconds(data[key], f"{where}: {key}")
    return Estate(
        environment=data["environment"], regions=tuple(data["regions"]), systems=tuple(data["systems"]), owners=tuple(data["owners"]),
        thresholds={system: dict(values) for system, values in thresholds.items()},
        pages=(urls.get("pages") or "").rstrip("/"), grafana=(urls.get("grafana") or "").rstrip("/"),
        scrape_interval=data.get("scrape_interval", "15s"), evaluation_interval=data.get("evaluation_interval", "15s"),
        slo_period=data.get("slo_period", "30d"))


def everything(systems: tuple[str, ...], owners: tuple[str, ...]) -> Estate:
    """An estate in which every system is present, for checks that need no inventory."""
    return Estate(environment="all", regions=("eu", "us"), systems=systems, owners=owners)
