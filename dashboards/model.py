"""What a system declares: metrics, alerts with their proofs, dashboards of rows of panels. Frozen data, checked when made.

Expressions are plain PromQL and LogQL as one would paste them into a query page, with two additions:
`$name` stands for a threshold of the same system, and `$__rate_interval`, `$__range` for Grafana's in panels.
The selectors of region and instance are put into panels by the renderer, never written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

ID = re.compile(r"[a-z][a-z0-9_]*\Z")
KEY = re.compile(r"[a-z][a-z0-9-]*\Z")
ALERT = re.compile(r"[A-Z][A-Za-z0-9]+\Z")

MetricType = Literal["counter", "gauge", "histogram", "summary", "info"]
Severity = Literal["critical", "warning", "info"]
Source = Literal["prometheus", "loki", "jaeger"]
Kind = Literal["timeseries", "stat", "gauge", "bargauge", "table", "heatmap", "state-timeline", "logs", "traces", "nodeGraph", "text"]

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
# The labels that every target has (docs/targets: inventory -> file_sd); declared once for all metrics.
TARGET_LABELS = ("job", "instance", "region", "system", "host")
# The labels of streams in Loki: those of the resource that the platform's collectors send; everything else of a line is metadata beside it.
STREAM_LABELS = ("host", "region", "service_name", "unit")


class ContentError(Exception):
    """A declaration that is refused. The message says where (file and key), what is wrong and what would be right."""


def require(condition: object, where: str, problem: str) -> None:
    """Refuse a declaration: `where` is file or name and key, `problem` what is wrong and what would be right."""
    if not condition:
        raise ContentError(f"{where}: {problem}")


@dataclass(frozen=True)
class Metric:
    """One metric family as its exporter gives it. For a histogram or summary `name` has no suffix. Unit in the base units of
    Prometheus (seconds, bytes, ratio, celsius) or what is counted ("requests"); labels beyond those of the target."""

    name: str
    type: MetricType
    unit: str
    help: str
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(self.unit and self.help, f"metric {self.name}", "needs a unit and a help text")
        double = set(self.labels) & set(TARGET_LABELS)
        require(not double, f"metric {self.name}", f"labels {sorted(double)} are those of every target; leave them out")

    def series(self) -> dict[str, tuple[str, ...]]:
        """The names under which it is stored, each with its labels."""
        if self.type == "histogram":
            return {f"{self.name}_bucket": (*self.labels, "le"), f"{self.name}_sum": self.labels, f"{self.name}_count": self.labels}
        if self.type == "summary":
            return {self.name: (*self.labels, "quantile"), f"{self.name}_sum": self.labels, f"{self.name}_count": self.labels}
        return {self.name: self.labels}

    def counts(self, series: str) -> bool:
        """Whether a stored series only grows, so that rate() is right for it."""
        return self.type == "counter" or (self.type in ("histogram", "summary") and series != self.name)


@dataclass(frozen=True)
class Threshold:
    """A number of an alert that a site may change: in the inventory `observatory_thresholds: {<system>: {<id>: value}}`."""

    id: str
    default: float
    unit: str
    meaning: str

    def __post_init__(self) -> None:
        require(ID.match(self.id), f"threshold {self.id!r}", "an id is lower case letters, digits and _")
        require(self.unit and self.meaning, f"threshold {self.id}", "needs a unit and a meaning")


@dataclass(frozen=True)
class Proof:
    """The series under which a Prometheus alert fires, and those under which it stays silent, one minute a step.

    A value is "5" (constant), "0+60" (from 0, 60 more each minute), "10-1", "flap" (1, 0, 1...) or "_" (absent);
    "0 1" is 0 once, then 1; "0+60@90 5400" grows for 90 minutes and stays. `count` alerts fire. The
    phase lasts `minutes` (None: `for` + the longest range of the expression + 5). The test then goes on from the first
    to the second, and back: it must fire, resolve, and never fire under the second alone."""

    firing: dict[str, str]
    silent: dict[str, str]
    count: int = 1
    minutes: int | None = None


@dataclass(frozen=True)
class LogProof:
    """Lines of one stream (its labels) under which a LogQL alert fires, and those that leave it silent."""

    labels: dict[str, str]
    firing: tuple[str, ...]
    silent: tuple[str, ...]

    def __post_init__(self) -> None:
        require(self.firing and self.silent, "log proof", "needs lines that fire and lines that stay silent")


@dataclass(frozen=True)
class Inhibit:
    """While this alert fires, those named are not notified where the labels in `equal` agree. `system`: of which system
    they are (default: the same; "*": of any); alerts ("*",) means all of that system but this one."""

    alerts: tuple[str, ...]
    equal: tuple[str, ...]
    system: str = ""


@dataclass(frozen=True)
class Alert:
    """An alert, with everything that the one who is woken needs. `panel` is "<dashboard key>/<panel key>" of the same system.
    `summary` says what is wrong and the value; `description` what it means here. Both are Prometheus' templates.
    `elsewhere`: other regions' Alertmanagers are told too, for the region's own may not be able to tell anybody."""

    name: str
    severity: Severity
    expr: str
    for_: str
    summary: str
    description: str
    panel: str
    proof: Proof | LogProof
    thresholds: tuple[Threshold, ...] = ()
    inhibits: tuple[Inhibit, ...] = ()
    owner: str = ""
    keep_firing_for: str = ""
    source: Source = "prometheus"
    may_be_empty: str = ""
    elsewhere: bool = False

    def __post_init__(self) -> None:
        where = f"alert {self.name}"
        require(not (self.elsewhere and self.source == "loki"), where,
                "only Prometheus can tell other regions; Loki's ruler sends every alert to the same Alertmanagers")
        require(ALERT.match(self.name), where, "a name is in CamelCase")
        require(self.severity in SEVERITIES, where, f"severity {self.severity!r} is not one of {', '.join(SEVERITIES)}")
        require("$value" in self.summary, where, "summary must say the value ({{ $value }})")
        require(self.description, where, "needs a description")
        require(self.panel.count("/") == 1, where, "panel is '<dashboard key>/<panel key>'")
        require(isinstance(self.proof, LogProof) == (self.source == "loki"), where,
                "a Loki alert needs a LogProof, a Prometheus alert a Proof")


@dataclass(frozen=True)
class Recording:
    """A recording rule; `record` is level:metric:operations, labels those of the result beyond what every target has."""

    record: str
    expr: str
    unit: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prom:
    """A PromQL query of a panel. `legend` is a template ({{instance}}); `instant` for the last value only (tables, stats).

    `may_be_empty` says why this query, of several on a panel, may have no series in a healthy estate."""

    expr: str
    legend: str = "__auto"
    instant: bool = False
    source: Source = "prometheus"
    may_be_empty: str = ""


@dataclass(frozen=True)
class Loki:
    """A LogQL query of a panel: lines, or a metric over lines."""

    expr: str
    legend: str = "__auto"
    instant: bool = False
    source: Source = "loki"
    may_be_empty: str = ""


@dataclass(frozen=True)
class Jaeger:
    """A search for traces: of `service` (a name, or a variable of the dashboard), or the graph of services ("dependencies")."""

    expr: str
    legend: str = ""
    instant: bool = False
    source: Source = "jaeger"
    may_be_empty: str = ""


Query = Prom | Loki | Jaeger


@dataclass(frozen=True)
class Panel:
    """A panel. `unit` is a Grafana unit id (s, bytes, percentunit, reqps, short...). Width in 24ths, height in Grafana's rows.

    `options` sets per kind: stack (bool), min, max, decimals, calc (lastNotNull, mean, max, sum), values {value: text, colour}.
    `steps` are (from value, colour) of the thresholds drawn; those of alerts on this panel are added by the renderer.
    `may_be_empty` says why the panel may have no series in a healthy estate; without it an empty one is dead."""

    key: str
    kind: Kind
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 8
    height: int = 8
    steps: tuple[tuple[float | None, str], ...] = ()
    options: dict[str, object] = field(default_factory=dict)
    may_be_empty: str = ""

    def __post_init__(self) -> None:
        where = f"panel {self.key}"
        require(KEY.match(self.key), where, "a key is lower case letters, digits and -")
        require(self.title and self.description, where, "needs a title and a description")
        require(self.unit or self.kind in ("logs", "traces", "nodeGraph", "text"), where, "needs a unit (short, if it has none)")
        require(self.queries or self.kind == "text", where, "needs a query")
        require(1 <= self.width <= 24, where, f"width {self.width} is not 1 to 24")


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True)
class Variable:
    """A variable of a dashboard: values of `label` of the series `metric` ("up{system=...}"). It is put as a selector
    into every query whose metric has that label."""

    name: str
    label: str
    metric: str
    title: str
    multi: bool = True


@dataclass(frozen=True)
class Dashboard:
    """A dashboard of a system; the first row is "Golden signals". `instances`: whether it has the variable `instance`."""

    key: str
    title: str
    description: str
    rows: tuple[Row, ...]
    instances: bool = True
    variables: tuple[Variable, ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # (title, uid) of further dashboards
    refresh: str = "30s"
    since: str = "1h"

    def __post_init__(self) -> None:
        where = f"dashboard {self.key}"
        require(KEY.match(self.key), where, "a key is lower case letters, digits and -")
        require(self.rows and self.description, where, "needs a description and rows")
        keys = [panel.key for row in self.rows for panel in row.panels]
        double = sorted({key for key in keys if keys.count(key) > 1})
        require(not double, where, f"panel keys used twice: {', '.join(double)}")

    def panels(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row.panels]


@dataclass(frozen=True)
class System:
    """A system of the estate. `id` is the inventory group, the folder, the label `system` of its alerts.

    jobs: Prometheus jobs whose series it owns. logs: the LogQL stream selector of its lines, without region and host. traces: its
    services in Jaeger. passing: selectors of series that it makes for others, under their jobs; they are recorded with its own.
    left_out: what an expert might miss, and why it is not here. unrecorded: why some of its metrics are not recorded but known from
    elsewhere; they stand in metrics.sample after its line "# Not recorded: ..."."""

    id: str
    title: str
    owner: str
    description: str
    jobs: tuple[str, ...]
    logs: str = ""
    traces: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    unrecorded: str = ""

    def __post_init__(self) -> None:
        require(ID.match(self.id), f"system {self.id!r}", "an id is lower case letters, digits and _")
        require(self.title and self.owner and self.description, f"system {self.id}", "needs title, owner and description")


# What Prometheus itself adds to every target, and the alerts' own series.
SCRAPE_METRICS = (
    Metric("up", "gauge", "boolean", "1 when the last scrape of the target succeeded"),
    Metric("scrape_duration_seconds", "gauge", "seconds", "How long the last scrape took"),
    Metric("scrape_samples_scraped", "gauge", "samples", "Samples that the target exposed"),
    Metric("scrape_samples_post_metric_relabeling", "gauge", "samples", "Samples left after relabelling"),
    Metric("scrape_series_added", "gauge", "series", "New series in the last scrape"),
    Metric("ALERTS", "gauge", "boolean", "1 for each alert that is pending or firing",
           ("alertname", "alertstate", "severity", "owner", "sloth_id", "sloth_service", "sloth_slo")),
    Metric("ALERTS_FOR_STATE", "gauge", "seconds", "Since when an alert is active, in Unix time", ("alertname", "severity", "owner")),
)
