"""SLOs: what a file of Sloth's `prometheus/v1` says, read strictly, with our additions under the key `x-psf`.

Sloth reads such a file too: it passes over keys that it does not know (tried with 0.16.0), so `x-psf` may stand beside its own
keys, at the top (for all SLOs of the file) and in an SLO (which wins). A file whose SLO has its SLI from x-psf.latency or
x-psf.spans is ours alone: Sloth asks for `sli`.

    x-psf:
      period: 30d                  # any whole number of days; 30d and 28d have Sloth's tiers, see windows.py
      calendar: month              # instead of period: months in UTC
      windows: {page: {quick: {errorBudgetPercent: 2, shortWindow: 5m, longWindow: 1h}}}     # these tiers and no others
      for: 2m                      # all tiers, or by tier: {page-quick: 1m, ticket-slow: 3h}
      min_events: 100              # page tiers stay silent with fewer events in their long window
      absent: ticket               # severity of the alert that the SLI cannot be measured: page, ticket or off
      absent_for: 10m
      budget_alert: true           # alert when the budget is used up; default: only with calendar
      source: prometheus           # or loki: the queries are LogQL
      latency: {metric: http_request_duration_seconds, threshold_seconds: 0.2, selector: 'job="web"', buckets: [0.1, 0.2]}
      spans: {service: web, kind: server, name: "GET /.*", threshold_seconds: 0.2}
      proof: {good: {'up{job="x"}': 1}, bad: {'up{job="x"}': 0}, gauge: true}"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import promql_parser

from dashboards.slo import logql
from dashboards.slo.reader import Document, Path, SloError, documents
from dashboards.slo.windows import (
    DAY,
    MONTH,
    NAMES,
    Tier,
    budget,
    duration,
    impossible,
    kind,
    number,
    paste,
    read_duration,
    read_tiers,
    smallest_objective,
    suitable,
    tiers_for,
)

VERSION = "prometheus/v1"
EXTENSION = "x-psf"
WINDOW = re.compile(r"{{ *\.window *}}")
_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]\Z")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_SERVED = ("version", "service", "labels", "slos")
_SLO = ("name", "objective", "description", "labels", "sli", "alerting")
_EXTRA_TOP = ("period", "calendar", "windows", "for", "min_events", "absent", "absent_for", "budget_alert", "source")
_EXTRA = (*_EXTRA_TOP, "latency", "spans", "proof")
_KINDS = ("client", "server", "consumer", "producer", "internal")
SPAN_CALLS = "traces_span_metrics_calls_total"
MOST = 1e15  # beyond this, a float no longer tells whole numbers apart
SPAN_DURATION = "traces_span_metrics_duration_milliseconds"

Buckets = Mapping[str, Collection[float]]
LogqlCheck = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Alerting:
    """What Sloth's page_alert or ticket_alert amounts to: labels and annotations merged with those of `alerting`."""

    disabled: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Period:
    """Over which the budget counts: a number of seconds, or the calendar month (UTC), then 30 days of them."""

    seconds: int = MONTH
    month: bool = False

    @property
    def text(self) -> str:
        return "month" if self.month else duration(self.seconds)


@dataclass(frozen=True, slots=True)
class SeriesProof:
    """Series that stand for one good event, and for one bad one: series ('m{a="b"}') to amount. gauge: amounts are values, not
    increments. For LogQL: lines of one stream with `stream` labels."""

    good: Mapping[str, float] = field(default_factory=dict)
    bad: Mapping[str, float] = field(default_factory=dict)
    gauge: bool = False
    stream: Mapping[str, str] = field(default_factory=dict)
    good_lines: tuple[str, ...] = ()
    bad_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective. Either `error` and `total` (queries of events) or `ratio` (a query of the error ratio) is set; they hold
    {{.window}}. objective is a percentage; labels are those of the file and of the SLO, merged."""

    file: str
    service: str
    name: str
    objective: float
    description: str
    labels: Mapping[str, str]
    error: str
    total: str
    ratio: str
    alert: str
    page: Alerting
    ticket: Alerting
    period: Period
    tiers: tuple[Tier, ...]
    min_events: int = 0
    source: str = "prometheus"
    absent: str = "ticket"
    absent_for: int = 600
    budget_alert: bool = False
    proof: SeriesProof | None = None

    @property
    def id(self) -> str:
        return f"{self.service}-{self.name}"

    @property
    def identity(self) -> dict[str, str]:
        """The labels that all series of this SLO have."""
        return {"sloth_id": self.id, "sloth_service": self.service, "sloth_slo": self.name}

    @property
    def budget(self) -> float:
        """The share of events that may fail, 0 to 1."""
        return budget(self.objective)

    def events_factor(self, window: int) -> float | None:
        """What the total query is to be multiplied with to be a number of events in the window; None when that cannot be told."""
        rate = logql.per_second(fill(self.total, "1m")) if self.source == "loki" else _per_second(self.total)
        return None if rate is None else float(window) if rate else 1.0


def fill(query: str, window: str) -> str:
    """The query with {{.window}} put in."""
    return WINDOW.sub(window, query)


def load(
    text: str,
    file: str,
    *,
    period: str = "30d",
    catalog: Mapping[int, tuple[Tier, ...]] | None = None,
    buckets: Buckets | None = None,
    logql_check: LogqlCheck = logql.problem,
) -> list[Slo]:
    """The SLOs of a file; more documents may follow after `---`.

    period: where the file names none. catalog: tiers by period in seconds, of a user's own windows file. buckets: metric (without
    _bucket) to its bounds, where they are known. logql_check: says what is wrong with a LogQL query, "" for nothing.
    Raises SloError with one line for each SLO that is refused."""
    problems: list[str] = []
    found: list[Slo] = []
    seen: dict[str, str] = {}
    parsed = documents(text, file)
    if not parsed:
        raise SloError(f"{file}: is empty; it must be a file of version {VERSION} with service and slos")
    for document in parsed:
        loader = _File(document, period, catalog, buckets or {}, logql_check)
        try:
            entries = loader.head()
        except SloError as error:
            problems.append(str(error))
            continue
        for index in range(entries):
            try:
                slo = loader.slo(index)
                if slo.id in seen:
                    raise document.error(
                        ["slos", index, "name"],
                        f"the id {slo.id!r} (service and name) is there already, in {seen[slo.id]}; ids must differ",
                    )
                seen[slo.id] = f"{file} slos[{index}]"
                found.append(slo)
            except SloError as error:
                problems.append(str(error))
    if problems:
        raise SloError("\n".join(problems))
    return found


class _File:
    """The reading of one document."""

    def __init__(
        self, document: Document, period: str, catalog: Mapping[int, tuple[Tier, ...]] | None, buckets: Buckets, check: LogqlCheck
    ):
        self.document, self.period, self.catalog, self.buckets, self.check = document, period, catalog, buckets, check
        self.error = document.error
        self.labels: Mapping[str, str] = {}
        self.extra: Mapping[str, Any] = {}
        self.service = ""

    # -- values of a type ----------------------------------------------------------------------------------------------
    def mapping(self, value: Any, path: Path, known: Collection[str], needed: Collection[str] = ()) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(path, f"is {kind(value)}; it must be a mapping of {', '.join(known)}")
        for key in value:
            if key not in known and not key.startswith("x-"):
                raise self.error([*path, key], f"is not a known key here; known are {', '.join(known)}" + _meant(key, known))
        for key in needed:
            if key not in value:
                raise self.error(path, f"needs the key {key}")
        return value

    def text(self, value: Any, path: Path, what: str) -> str:
        if not isinstance(value, str):
            hint = f'; write it in quotes: "{_scalar_text(value)}"' if isinstance(value, bool | int | float) else f"; it must be {what}"
            raise self.error(path, f"is {kind(value)}" + hint)
        if not value.strip():
            raise self.error(path, f"is empty; it must be {what}")
        return value

    def name(self, value: Any, path: Path) -> str:
        text = self.text(value, path, "a name")
        if not _NAME.match(text):
            raise self.error(
                path, f"{text!r} is not a name; at least two of letters, digits, `.`, `_`, `-`, with a letter or digit at both ends"
            )
        return text

    def strings(self, value: Any, path: Path, what: str) -> dict[str, str]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error(path, f"is {kind(value)}; it must be a mapping of {what} to text")
        for key, text in value.items():
            if not _LABEL.match(key):
                raise self.error([*path, key], f"{key!r} is not a name of a {what}; letters, digits and _, and no digit first")
            if what == "label" and (key == "__name__" or key.startswith("sloth_")):
                raise self.error([*path, key], f"the label {key} is set by the rules themselves; take another name")
            self.text(text, [*path, key], "text")
        return value

    # -- the document --------------------------------------------------------------------------------------------------
    def head(self) -> int:
        """Read what stands above the SLOs; how many SLOs there are."""
        value = self.document.value
        if not isinstance(value, dict):
            raise self.error([], f"is {kind(value)}; it must be a mapping of {', '.join(_SERVED)}")
        if value.get("version") != VERSION:
            raise self.error(
                ["version"],
                f"is {kind(value.get('version'))}; it must be {VERSION}"
                + ("; OpenSLO and Kubernetes objects are not read here" if "apiVersion" in value else ""),
            )
        if "slo_plugins" in value:
            raise self.error(
                ["slo_plugins"],
                "SLO plugins run Go code inside Sloth and are not run here; remove the key, see x-psf for what is there instead",
            )
        self.mapping(value, [], _SERVED, ("service", "slos"))
        self.service = self.name(value["service"], ["service"])
        self.labels = self.strings(value.get("labels"), ["labels"], "label")
        extra = value.get(EXTENSION)
        self.extra = self.mapping({} if extra is None else extra, [EXTENSION], _EXTRA_TOP)
        slos = value["slos"]
        if not isinstance(slos, list) or not slos:
            raise self.error(["slos"], f"is {kind(slos) if slos != [] else 'an empty list'}; it must be a list of at least one SLO")
        return len(slos)

    def slo(self, index: int) -> Slo:
        """Read one SLO."""
        at: list[str | int] = ["slos", index]
        value = self.document.value["slos"][index]
        if isinstance(value, dict) and "plugins" in value:
            raise self.error([*at, "plugins"], "SLO plugins run Go code inside Sloth and are not run here; remove the key")
        value = self.mapping(value, at, _SLO, ("name", "objective"))
        name = self.name(value["name"], [*at, "name"])
        objective = self.objective(value["objective"], [*at, "objective"])
        description = value.get("description") or ""
        if not isinstance(description, str):
            raise self.error([*at, "description"], f"is {kind(description)}; write it in quotes")
        labels = self.strings(value.get("labels"), [*at, "labels"], "label")
        extra = value.get(EXTENSION)
        own = self.mapping({} if extra is None else extra, [*at, EXTENSION], _EXTRA)
        settings = _Settings(self, own, [*at, EXTENSION])
        source = settings.choice("source", ("prometheus", "loki"), "prometheus")
        error, total, ratio = self.sli(value, at, own, source)
        alert, page, ticket = self.alerting(value.get("alerting"), [*at, "alerting"])
        period, tiers = settings.tiers()
        self.possible(tiers, objective, period, page, ticket, [*at, "objective"])
        slo = Slo(
            self.document.file,
            self.service,
            name,
            objective,
            description.strip(),
            {**self.labels, **labels} if labels else self.labels,
            error,
            total,
            ratio,
            alert,
            page,
            ticket,
            period,
            tiers,
            min_events=settings.min_events(),
            source=source,
            absent=settings.choice("absent", ("page", "ticket", "off"), "ticket"),
            absent_for=settings.duration("absent_for", 600),
            budget_alert=settings.flag("budget_alert", period.month),
            proof=self.proof(own["proof"], [*at, EXTENSION, "proof"], source) if "proof" in own else None,
        )
        if slo.min_events and (not total or slo.events_factor(1) is None):
            raise self.error(
                settings.path("min_events"),
                "needs to count events: the SLI must have a total_query, and it must use either rate "
                "or increase (in LogQL rate or count_over_time)",
            )
        if period.month and source == "loki":
            raise self.error(
                settings.path("calendar"), "a calendar month is counted from recordings in Prometheus; LogQL SLIs have a rolling period"
            )
        return slo

    def objective(self, value: Any, path: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(path, f"is {kind(value)}; it must be a percentage, such as 99.9")
        if not 0 < value < 100 or math.isnan(value):
            hint = "; 100 leaves no budget, so every alert would fire always or never" if value == 100 else ""
            raise self.error(path, f"{value!r} is not between 0 and 100{hint}; write a percentage such as 99.9")
        if value < 1:
            raise self.error(path, f"{value!r} is below 1 %; write a percentage, 99.9 and not 0.999")
        return float(value)

    def possible(self, tiers: tuple[Tier, ...], objective: float, period: Period, page: Alerting, ticket: Alerting, path: Path) -> None:
        """Refuse tiers that not even 100 % errors would set off."""
        off = {severity for severity, alert in (("page", page), ("ticket", ticket)) if alert.disabled}
        never = [tier for tier in tiers if tier.severity not in off and impossible(tier, objective)]
        if not never:
            return
        said = "; ".join(
            f"{tier.name} (fires above {number(tier.factor)} x budget {number(round(budget(objective), 12))} = "
            f"{number(round(tier.factor * budget(objective), 6))}) suits objectives above {number(smallest_objective(tier))}"
            for tier in never
        )
        raise self.error(
            path,
            f"with {number(objective)} % these tiers can never fire, not even when everything fails: {said}. "
            f"Tiers that suit {number(objective)} %, to paste into the SLO:\n"
            f"{paste(suitable(objective, period.seconds, tiers), '      ')}",
        )

    # -- the SLI -------------------------------------------------------------------------------------------------------
    def sli(self, value: Mapping[str, Any], at: Path, own: Mapping[str, Any], source: str) -> tuple[str, str, str]:
        """(error, total, ratio) queries."""
        given = [key for key in ("latency", "spans") if key in own]
        if given:
            if "sli" in value or len(given) > 1:
                raise self.error([*at, EXTENSION, given[-1]], "an SLO has one SLI; keep one of sli, x-psf.latency and x-psf.spans")
            if source == "loki":
                raise self.error([*at, EXTENSION, given[0]], "is made of Prometheus metrics; remove source: loki")
            path = [*at, EXTENSION, given[0]]
            error, total = (self.latency if given[0] == "latency" else self.spans)(own[given[0]], path)
            self.parse(error, path)
            self.parse(total, path)
            return error, total, ""
        if "sli" not in value:
            raise self.error(at, "needs the key sli (or x-psf.latency or x-psf.spans)")
        path = [*at, "sli"]
        if isinstance(value["sli"], dict) and "plugin" in value["sli"]:
            raise self.error(
                [*path, "plugin"],
                "SLI plugins are Go code that Sloth runs and are not run here; write the query that the plugin "
                "makes as sli.events or sli.raw",
            )
        sli = self.mapping(value["sli"], path, ("events", "raw"))
        kinds = [key for key in ("events", "raw") if sli.get(key) is not None]
        if len(kinds) != 1:
            raise self.error(path, f"has {'both events and raw' if kinds else 'no SLI'}; it must have exactly one of events and raw")
        path = [*path, kinds[0]]
        if kinds[0] == "raw":
            raw = self.mapping(sli["raw"], path, ("error_ratio_query",), ("error_ratio_query",))
            return "", "", self.query(raw["error_ratio_query"], [*path, "error_ratio_query"], source)
        events = self.mapping(sli["events"], path, ("error_query", "total_query"), ("error_query", "total_query"))
        error, total = (self.query(events[key], [*path, key], source) for key in ("error_query", "total_query"))
        if error == total:
            raise self.error(path, "error_query and total_query are the same; error_query must count the failed events only")
        return error, total, ""

    def query(self, value: Any, path: Path, source: str) -> str:
        query = self.text(value, path, "a query")
        if "{{" in WINDOW.sub("", query):
            raise self.error(path, "holds a template other than {{.window}}; only {{.window}} is put in")
        if not WINDOW.search(query):
            raise self.error(path, "does not hold {{.window}}; write it as the range: rate(requests_total[{{.window}}])")
        if source == "loki":
            if problem := self.check(fill(query, "1m")):
                raise self.error(path, f"is not LogQL: {problem}")
        else:
            self.parse(query, path)
        return query

    def parse(self, query: str, path: Path) -> None:
        """Refuse what is not PromQL that gives a vector, alone and in the brackets in which the rules put it."""
        try:
            tree = promql_parser.parse(fill(query, "1m"))
            if "#" in query:
                promql_parser.parse(f"({fill(query, '1m')})")
        except ValueError as error:
            raise self.error(path, f"is not PromQL (with 1m as the window): {' '.join(str(error).split())}") from error
        if isinstance(tree, promql_parser.MatrixSelector | promql_parser.StringLiteral | promql_parser.SubqueryExpr):
            raise self.error(path, "gives a range of values or text; wrap the range in a function: rate(requests_total[{{.window}}])")

    def latency(self, value: Any, path: Path) -> tuple[str, str]:
        """Events slower than a bound of a histogram."""
        spec = self.mapping(value, path, ("metric", "threshold_seconds", "selector", "unit", "buckets"), ("metric", "threshold_seconds"))
        metric = self.text(spec["metric"], [*path, "metric"], "the name of a histogram")
        for suffix in ("_bucket", "_count", "_sum"):
            if metric.endswith(suffix):
                raise self.error(
                    [*path, "metric"], f"{metric!r} is a series of the histogram; name the histogram itself, {metric.removesuffix(suffix)}"
                )
        if not _METRIC.match(metric):
            raise self.error([*path, "metric"], f"{metric!r} is not the name of a metric")
        unit = spec.get("unit") or (
            "milliseconds" if metric.endswith("_milliseconds") else "seconds" if metric.endswith("_seconds") else None
        )
        if unit not in ("seconds", "milliseconds"):
            raise self.error([*path, "unit"], "must be seconds or milliseconds; the metric's name does not say it")
        bound = self.bound(spec["threshold_seconds"], [*path, "threshold_seconds"], 1000 if unit == "milliseconds" else 1)
        buckets = spec.get("buckets")
        if buckets is not None and not (isinstance(buckets, list) and buckets and all(_finite(each) for each in buckets)):
            raise self.error([*path, "buckets"], "must be a list of numbers, the bounds (le) of the histogram in its unit, without +Inf")
        self.bucket(bound, buckets if buckets is not None else self.buckets.get(metric), unit, metric, [*path, "threshold_seconds"])
        return _slow(metric, self.selector(spec.get("selector"), [*path, "selector"]), bound)

    def spans(self, value: Any, path: Path) -> tuple[str, str]:
        """Spans that failed, or that took longer than a bound, from the collector's span metrics."""
        spec = self.mapping(value, path, ("service", "kind", "name", "selector", "threshold_seconds"), ("service",))
        parts = [f"service_name={_quoted(self.text(spec['service'], [*path, 'service'], 'the service.name of the traces'))}"]
        wanted = spec.get("kind", "server")
        if wanted not in _KINDS:
            raise self.error([*path, "kind"], f"{wanted!r} is not a kind of span; it must be one of {', '.join(_KINDS)}")
        parts.append(f'span_kind="SPAN_KIND_{wanted.upper()}"')
        if "name" in spec:
            parts.append(f"span_name=~{_quoted(self.text(spec['name'], [*path, 'name'], 'a regular expression for names of spans'))}")
        if more := self.selector(spec.get("selector"), [*path, "selector"]):
            parts.append(more)
        matchers = ", ".join(parts)
        if "threshold_seconds" in spec:
            bound = self.bound(spec["threshold_seconds"], [*path, "threshold_seconds"], 1000)
            self.bucket(bound, self.buckets.get(SPAN_DURATION), "milliseconds", SPAN_DURATION, [*path, "threshold_seconds"])
            return _slow(SPAN_DURATION, matchers, bound)
        total = f"sum(rate({SPAN_CALLS}{{{matchers}}}[{{{{.window}}}}]))"
        failed = f'sum(rate({SPAN_CALLS}{{{matchers}, status_code="STATUS_CODE_ERROR"}}[{{{{.window}}}}]))'
        return f"{failed} or 0 * {total}", total

    def bound(self, value: Any, path: Path, scale: int) -> float:
        if not _finite(value) or value <= 0:
            raise self.error(path, f"is {kind(value)}; it must be a number of seconds above 0, such as 0.2")
        return round(float(value) * scale, 9)

    def bucket(self, bound: float, buckets: Collection[float] | None, unit: str, metric: str, path: Path) -> None:
        if buckets is None or bound in buckets:
            return
        near = sorted(buckets, key=lambda each: (abs(each - bound), each))[:2]
        raise self.error(
            path,
            f"is {number(bound)} {unit}, and {metric} has no bucket that ends there; the nearest are "
            f"{' and '.join(number(each) for each in sorted(near))} {unit}; take one of them or give the histogram that bucket",
        )

    def selector(self, value: Any, path: Path) -> str:
        if value is None:
            return ""
        text = self.text(value, path, "matchers of labels").strip().removeprefix("{").removesuffix("}").strip().rstrip(",")
        try:
            promql_parser.parse(f"up{{{text}}}")
        except ValueError as error:
            raise self.error(
                path, f'{text!r} are not matchers ({" ".join(str(error).split())}); write them as job="web", code!~"5.."'
            ) from error
        return text

    # -- the rest ------------------------------------------------------------------------------------------------------
    def alerting(self, value: Any, path: Path) -> tuple[str, Alerting, Alerting]:
        if value is None:
            raise self.error(path[:-1], "needs the key alerting with a name (or with page_alert and ticket_alert disabled)")
        spec = self.mapping(value, path, ("name", "labels", "annotations", "page_alert", "ticket_alert"))
        labels = self.strings(spec.get("labels"), [*path, "labels"], "label")
        annotations = self.strings(spec.get("annotations"), [*path, "annotations"], "annotation")
        alerts = []
        for key in ("page_alert", "ticket_alert"):
            at = [*path, key]
            own = self.mapping(spec.get(key) or {}, at, ("disable", "labels", "annotations"))
            disabled = own.get("disable", False)
            if not isinstance(disabled, bool):
                raise self.error([*at, "disable"], f"is {kind(disabled)}; it must be true or false")
            more, notes = (
                self.strings(own.get("labels"), [*at, "labels"], "label"),
                self.strings(own.get("annotations"), [*at, "annotations"], "annotation"),
            )
            alerts.append(Alerting(disabled, {**labels, **more}, {**annotations, **notes}))
        name = spec.get("name") or ""
        if name or not all(alert.disabled for alert in alerts):
            self.text(spec.get("name"), [*path, "name"], "the name of the alerts")
        return name, alerts[0], alerts[1]

    def proof(self, value: Any, path: Path, source: str) -> SeriesProof:
        spec = self.mapping(value, path, ("good", "bad", "gauge") if source == "prometheus" else ("good", "bad", "stream"), ("good", "bad"))
        if source == "loki":
            lines: list[tuple[str, ...]] = []
            for key in ("good", "bad"):
                given = spec[key]
                if not isinstance(given, list) or not given or not all(isinstance(line, str) for line in given):
                    raise self.error([*path, key], "must be a list of log lines in quotes")
                lines.append(tuple(given))
            return SeriesProof(
                stream=self.strings(spec.get("stream"), [*path, "stream"], "stream label"), good_lines=lines[0], bad_lines=lines[1]
            )
        gauge = spec.get("gauge", False)
        if not isinstance(gauge, bool):
            raise self.error([*path, "gauge"], f"is {kind(gauge)}; it must be true or false")
        amounts: list[dict[str, float]] = []
        for key in ("good", "bad"):
            given = spec[key]
            if not isinstance(given, dict) or not given:
                raise self.error([*path, key], "must be a mapping of series to what one event adds to them")
            for series, amount in given.items():
                if not _finite(amount):
                    raise self.error([*path, key, series], f"is {kind(amount)}; it must be a number")
                try:
                    promql_parser.parse(series)
                except ValueError as error:
                    raise self.error([*path, key, series], f"is not a series: {error}") from error
            amounts.append({series: float(amount) for series, amount in given.items()})
        return SeriesProof(amounts[0], amounts[1], gauge)


class _Settings:
    """The settings of x-psf for one SLO: its own before those of the file."""

    def __init__(self, file: _File, own: Mapping[str, Any], at: Path):
        self.file, self.own, self.at = file, own, at

    def path(self, key: str) -> Path:
        return [*self.at, key] if key in self.own else [EXTENSION, key]

    def get(self, key: str) -> Any:
        return self.own[key] if key in self.own else self.file.extra.get(key)

    def choice(self, key: str, values: tuple[str, ...], default: str) -> str:
        value = self.get(key)
        if value is None:
            return default
        if value is False and "off" in values:  # YAML reads a plain `off` as false
            return "off"
        if value not in values:
            raise self.file.error(self.path(key), f"is {kind(value)}; it must be one of {', '.join(values)}")
        return str(value)

    def duration(self, key: str, default: int) -> int:
        value = self.get(key)
        return default if value is None else read_duration(self.file.document, self.path(key), value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.file.error(self.path(key), f"is {kind(value)}; it must be true or false")
        return default if value is None else value

    def min_events(self) -> int:
        value = self.get("min_events")
        if value is None:
            return 0
        if not _finite(value) or not isinstance(value, int) or value < 1:
            raise self.file.error(self.path("min_events"), f"is {kind(value)}; it must be a whole number of events, at least 1")
        return value

    def tiers(self) -> tuple[Period, tuple[Tier, ...]]:
        """Period and tiers; `for` put in."""
        file = self.file
        if not self.own and not file.extra:
            return _usual(file)
        if ("calendar" in self.own and "period" in self.own) or ("calendar" in file.extra and "period" in file.extra):
            raise file.error(self.path("calendar"), "and period exclude each other; keep one of them")
        calendar = None if "period" in self.own else self.get("calendar")
        if calendar not in (None, "month"):
            raise file.error(self.path("calendar"), f"is {kind(calendar)}; it must be month")
        if calendar:
            period = Period(MONTH, True)
        else:
            given = None if "calendar" in self.own else self.get("period")
            length = read_duration(file.document, self.path("period"), given if given is not None else file.period)
            if length < DAY or length % DAY:
                raise file.error(
                    self.path("period"), f"{duration(length)} is not a whole number of days; write 7d, 4w or 30d, or calendar: month"
                )
            period = Period(length)
        if self.get("windows") is not None:
            tiers = read_tiers(file.document, self.path("windows"), period.seconds)
            holds = {tier.name: tier.hold for tier in tiers_for(MONTH)}
            tiers = tuple(tier if tier.hold else _held(tier, holds[tier.name]) for tier in tiers)
        else:
            try:
                tiers = tiers_for(period.seconds, None if period.month else file.catalog)
            except ValueError as error:
                raise file.error(self.path("period"), str(error)) from error
        return period, self.hold(tiers)

    def hold(self, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        value = self.get("for")
        if value is None:
            return tiers
        path = self.path("for")
        if not isinstance(value, dict):
            given = read_duration(self.file.document, path, value)
            return tuple(_held(tier, given) for tier in tiers)
        names = {tier.name for tier in tiers}
        for key in value:
            if key not in names:
                raise self.file.error(
                    [*path, key], f"is not a tier of this SLO; tiers are {', '.join(name for name in NAMES if name in names)}"
                )
        return tuple(
            _held(tier, read_duration(self.file.document, [*path, tier.name], value[tier.name])) if tier.name in value else tier
            for tier in tiers
        )


def _usual(file: _File) -> tuple[Period, tuple[Tier, ...]]:
    document = Document(file.document.file, {}, file.document.node)
    length = read_duration(document, ["period"], file.period)
    if length < DAY or length % DAY:
        raise SloError(f"{file.document.file}: the period {file.period} is not a whole number of days; write 7d, 4w or 30d")
    try:
        return Period(length), tiers_for(length, file.catalog)
    except ValueError as error:
        raise SloError(f"{file.document.file}: {error}") from error


def _held(tier: Tier, hold: int) -> Tier:
    return Tier(tier.severity, tier.speed, tier.short, tier.long, tier.factor, tier.percent, hold)


def _slow(metric: str, matchers: str, bound: float) -> tuple[str, str]:
    """Queries of the events above a bucket's bound, and of all. A whole bound is written by some clients as 1, by others as 1.0."""
    whole = f'le=~"{int(bound)}(\\\\.0)?"' if bound == int(bound) else f'le="{number(bound)}"'
    of = f"{{{matchers}}}" if matchers else ""
    total = f"sum(rate({metric}_count{of}[{{{{.window}}}}]))"
    return f"{total} - sum(rate({metric}_bucket{{{matchers + ', ' if matchers else ''}{whole}}}[{{{{.window}}}}]))", total


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _finite(value: Any) -> bool:
    """Whether it is a number that arithmetic can be done with: YAML also knows .inf, .nan and integers of any length."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -MOST < value < MOST


def _scalar_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meant(key: str, known: Collection[str]) -> str:
    plain = key.lower().replace("-", "_").rstrip("s")
    close = [each for each in known if each.replace("-", "_").rstrip("s") == plain]
    return f"; perhaps {close[0]} is meant" if close else f"; our own settings go under {EXTENSION}" if key in _EXTRA else ""


@lru_cache(maxsize=4096)
def _per_second(query: str) -> bool | None:
    """As logql.per_second, for PromQL."""
    found: set[bool] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.Call):
            name = node.func.name
            if name in ("rate", "irate"):
                found.add(True)
            elif name in ("increase", "count_over_time", "sum_over_time", "delta"):
                found.add(False)

    promql_parser.walk(promql_parser.parse(fill(query, "1m")), visit)
    return found.pop() if len(found) == 1 else None
