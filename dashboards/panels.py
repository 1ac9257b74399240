"""Panels and rows as authors write them: one function a kind, and the row patterns that every system shares (scrape, RED, USE, logs)."""

from __future__ import annotations

from typing import Any

from dashboards.model import Jaeger, Kind, Loki, Panel, Prom, Query, Row, System

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"
# Value to text and colour, for panels of states.
UP_DOWN = {"1": ("up", GREEN), "0": ("down", RED)}
GOLDEN = "Golden signals"
# Stages for logs_row(level=...): the level as it stands in a line of JSON.
JSON_LEVEL = 'regexp `"level":"(?P<level>[a-zA-Z]+)"`'


def prom(expr: str, legend: str = "__auto", instant: bool = False, may_be_empty: str = "") -> Prom:
    return Prom(expr, legend, instant, may_be_empty=may_be_empty)


def loki(expr: str, legend: str = "__auto") -> Loki:
    return Loki(expr, legend)


def by_group(expr: str) -> str:
    """Numbers of rules by `rule_group` (its file and its name) with the name alone as `group`. ($$ is a $ that is no threshold.)"""
    return f'label_replace({expr}, "group", "$$1", "rule_group", ".*;(.*)")'


def _panel(kind: Kind, key: str, title: str, description: str, unit: str, *queries: Query, width: int, height: int,
           steps: tuple[tuple[float | None, str], ...] = (), may_be_empty: str = "", **options: Any) -> Panel:
    return Panel(key, kind, title, description, unit, queries, width, height, steps, options, may_be_empty)


def timeseries(key: str, title: str, description: str, unit: str, *queries: Query, width: int = 8, height: int = 8, **more: Any) -> Panel:
    """Lines over time. Options: stack, min, max, decimals, calcs (legend columns), bars."""
    return _panel("timeseries", key, title, description, unit, *queries, width=width, height=height, **more)


def stat(key: str, title: str, description: str, unit: str, *queries: Query, width: int = 4, height: int = 4, **more: Any) -> Panel:
    """One number. Options: calc (lastNotNull), values {value: (text, colour)}, decimals, text ("name": the legend in
    place of the value)."""
    return _panel("stat", key, title, description, unit, *queries, width=width, height=height, **more)


def gauge(key: str, title: str, description: str, unit: str, *queries: Query, width: int = 4, height: int = 4, **more: Any) -> Panel:
    """A number between min and max."""
    return _panel("gauge", key, title, description, unit, *queries, width=width, height=height, **more)


def bargauge(key: str, title: str, description: str, unit: str, *queries: Query, width: int = 8, height: int = 8, **more: Any) -> Panel:
    """One bar a series, by its last value."""
    return _panel("bargauge", key, title, description, unit, *queries, width=width, height=height, **more)


def table(key: str, title: str, description: str, unit: str, *queries: Query, width: int = 12, height: int = 8, **more: Any) -> Panel:
    """One line a series, labels as columns (queries should be instant). Options: columns {label: title}, in the order in which they are
    shown, hide (labels), units {title: unit}, digits {title: decimals}, links {title: (text, relative URL)}, colors {title: steps, or
    {value: (text, colour)}}, sort ((title, whether the largest is first), ...). Several queries are joined where their labels agree: each
    is an aggregation by the labels that the table shows."""
    return _panel("table", key, title, description, unit, *queries, width=width, height=height, **more)


def heatmap(key: str, title: str, description: str, unit: str, *queries: Query, width: int = 12, height: int = 8, **more: Any) -> Panel:
    """Buckets of a histogram over time: a sum by (le) of rates, legend {{le}}."""
    return _panel("heatmap", key, title, description, unit, *queries, width=width, height=height, **more)


def states(key: str, title: str, description: str, *queries: Query, width: int = 12, height: int = 8,
           values: dict[str, tuple[str, str]] | None = None, **more: Any) -> Panel:
    """A state timeline: one bar a series, a colour a value."""
    return _panel("state-timeline", key, title, description, "short", *queries, width=width, height=height, values=values or UP_DOWN,
                  **more)


def text(key: str, title: str, description: str, content: str, width: int = 24, height: int = 4) -> Panel:
    """Markdown."""
    return _panel("text", key, title, description, "", width=width, height=height, content=content)


def logs(key: str, title: str, description: str, expr: str, width: int = 24, height: int = 10, **more: Any) -> Panel:
    return _panel("logs", key, title, description, "", Loki(expr), width=width, height=height, **more)


def traces(key: str, title: str, description: str, service: str, width: int = 24, height: int = 9, **more: Any) -> Panel:
    """The latest traces of a service; a click opens one."""
    return _panel("traces", key, title, description, "", Jaeger(service), width=width, height=height, **more)


def service_graph(key: str, title: str, description: str, width: int = 24, height: int = 10, **more: Any) -> Panel:
    """Who calls whom, from the traces."""
    return _panel("nodeGraph", key, title, description, "", Jaeger("dependencies"), width=width, height=height, **more)


# -- rows that every system shares -------------------------------------------------------------------------------------
def golden(*panels: Panel) -> Row:
    """The first row of every dashboard: traffic, errors, latency, saturation, and whether it is there at all."""
    return Row(GOLDEN, panels)


def targets_up(jobs: tuple[str, ...], width: int = 4, key: str = "up", title: str = "Targets up", height: int = 4) -> Panel:
    """Share of a system's targets that answer their scrape."""
    selector = "|".join(jobs)
    return stat(key, title, "Share of the targets whose last scrape succeeded. Below 100 %, the other panels miss those targets.",
                "percentunit", prom(f'avg(up{{job=~"{selector}"}})', "up"), width=width, height=height,
                steps=((None, RED), (0.99, YELLOW), (1, GREEN)))


def red(prefix: str, what: str, rate: str, errors: str, latency: str, by: str, exemplar_unit: str = "s", total: str = "") -> tuple[Panel,
                                                                                                                                   ...]:
    """Rate, errors, duration of requests as three panels. `rate`, `errors` and `latency` are the inner expressions of a rate by `by`
    (without sum); latency is that of buckets. `total` (default: rate) divides the errors."""
    legend = " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return (
        timeseries(f"{prefix}-rate", f"{what}: rate", f"Requests per second of {what.lower()}.", "reqps",
                   prom(f"sum by ({by}) ({rate})", legend), min=0),
        timeseries(f"{prefix}-errors", f"{what}: errors", f"Share of the requests of {what.lower()} that failed.", "percentunit",
                   prom(f"sum by ({by}) ({errors}) / sum by ({by}) ({total or rate})", legend), min=0),
        timeseries(f"{prefix}-latency", f"{what}: latency", f"Half, 95 % and 99 % of the requests of {what.lower()} took less than this.",
                   exemplar_unit, *(prom(f"histogram_quantile({quantile}, sum by (le) ({latency}))", name)
                                    for quantile, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0))


def use(prefix: str, what: str, unit: str, utilisation: Prom, saturation: Prom, errors: Prom,
        saturation_unit: str = "short") -> tuple[Panel, ...]:
    """Utilisation, saturation, errors of a resource as three panels."""
    return (
        timeseries(f"{prefix}-utilisation", f"{what}: utilisation", f"How much of {what.lower()} is in use.", unit, utilisation, min=0),
        timeseries(f"{prefix}-saturation", f"{what}: saturation", f"Work that waits for {what.lower()}.", saturation_unit, saturation,
                   min=0),
        timeseries(f"{prefix}-errors", f"{what}: errors", f"Errors of {what.lower()}.", "short", errors, min=0))


def go_runtime(jobs: tuple[str, ...], quiet: str = "") -> Row:
    """What any Go server says of itself: memory, processor, goroutines, collections. Collapsed: for those who look closer.
    `quiet` says why there may be none."""
    job = f'job=~"{"|".join(jobs)}"'
    return Row("Process", (
        timeseries("process-memory", "Memory", "Resident memory, and what the Go heap uses of it.", "bytes",
                   prom(f"process_resident_memory_bytes{{{job}}}", "{{instance}} resident"),
                   prom(f"go_memstats_heap_inuse_bytes{{{job}}}", "{{instance}} heap"), min=0, may_be_empty=quiet),
        timeseries("process-cpu", "CPU", "Processor cores in use.", "short",
                   prom(f"rate(process_cpu_seconds_total{{{job}}}[$__rate_interval])", "{{instance}}"), min=0, may_be_empty=quiet),
        timeseries("process-goroutines", "Goroutines", "Goroutines that exist; a steady climb is a leak.", "short",
                   prom(f"go_goroutines{{{job}}}", "{{instance}}"), min=0, may_be_empty=quiet),
        timeseries("process-files", "Open files", "Share of the allowed file descriptors that is open.", "percentunit",
                   prom(f"process_open_fds{{{job}}} / process_max_fds{{{job}}}", "{{instance}}"), min=0,
                   may_be_empty=quiet)), collapsed=True)


def logs_row(system: System, errors: str = "", level: str = "", quiet: str = "") -> Row:
    """How many lines by level, those that complain, and all of them. `errors` is the filter of lines that complain. `level` is a stage
    that takes the label `level` out of the line, for a service whose journal priority says nothing (JSON_LEVEL).
    `quiet` says why a healthy service may write nothing for hours."""
    label, stage = ("level", f" | {level}") if level else ("severity_text", "")
    errors = errors or f'{label}=~"(?i)warn.*|error|fatal|panic|critical|alert|emerg.*"'
    return Row("Logs", (
        timeseries("log-rate", "Lines by level", "Lines per second by the level that the service gave them.", "short",
                   loki(f"sum by ({label}) (rate({system.logs}{stage} [$__auto]))", f"{{{{{label}}}}}"), width=24, height=6,
                   min=0, stack=True, bars=True, may_be_empty=quiet),
        logs("log-complaints", "Warnings and errors", "What the service complained about.", f"{system.logs}{stage} | {errors}",
             may_be_empty="a healthy service has nothing to complain about"),
        logs("logs", "All lines", "Everything that the service wrote.", system.logs, may_be_empty=quiet)))


def traces_row(system: System) -> Row:
    """The latest traces of each of a system's services."""
    return Row("Traces", tuple(
        traces("traces" if len(system.traces) == 1 else f"traces-{index}", f"Traces of {name}", f"The latest requests that {name} traced.",
               name)
        for index, name in enumerate(system.traces)))
