"""A small system, whole and lawful, that tests break in one place each."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from dashboards import naming, panels, sample
from dashboards.load import Content, Loaded
from dashboards.model import Alert, Dashboard, LogProof, Metric, Proof, Recording, Row, System, Threshold

TARGET = 'job="shop",instance="shop-1:80",region="eu",host="shop-1",system="shop"'
METRICS = (Metric("shop_requests_total", "counter", "requests", "Requests", ("code",)),
           Metric("shop_queue", "gauge", "requests", "Requests that wait"),
           Metric("shop_latency_seconds", "histogram", "seconds", "Time of a request"))
SAMPLE = "".join(f"# TYPE {name} {kind}\n" for name, kind in (("shop_requests_total", "counter"), ("shop_queue", "gauge"),
                                                              ("shop_latency_seconds", "histogram")))
SAMPLE += "".join(f"{name}{{{TARGET}{labels}}} 1\n" for name, labels in (
    ("shop_requests_total", ',code="200"'), ("shop_queue", ""), ("shop_latency_seconds_bucket", ',le="1"'),
    ("shop_latency_seconds_sum", ""),
    ("shop_latency_seconds_count", "")))
HEADINGS = ("### Meaning\nIt is so.\n### Impact\nIt hurts.\n### Diagnosis\n- `shop_queue`\n"
            "### Mitigation\nStop it.\n### Escalation\nThe owner.\n")
RUNBOOK = f"# Shop\n\n## ShopQueueLong\n{HEADINGS}\n## ShopFatal\n{HEADINGS}"
SYSTEM = System("shop", "Shop", "web", "A shop.", ("shop",), logs='{service_name="shop"}', traces=("shop",))
RECORDING = Recording("region:shop_requests:rate5m", "sum by (region) (rate(shop_requests_total[5m]))", "reqps", "Requests per second")
QUEUE = Alert(
    "ShopQueueLong", "warning", "shop_queue > $queue", "5m", "{{ $value }} requests wait at {{ $labels.instance }}", "They wait.",
    "overview/queue",
    Proof({f"shop_queue{{{TARGET}}}": "50"}, {f"shop_queue{{{TARGET}}}": "1"}),
    thresholds=(Threshold("queue", 10, "requests", "requests that wait"),))
FATAL = Alert(
    "ShopFatal", "critical", 'sum by (region, host) (count_over_time({service_name="shop"} |= "fatal" [5m])) > 0', "0s",
    "{{ $labels.host }} died {{ $value }} times", "It died.", "overview/logs",
    LogProof({"service_name": "shop", "region": "eu"}, ("fatal: x",), ("fine",)),
    source="loki")
RATE = "sum by (code) (rate(shop_requests_total[$__rate_interval]))"
LATENCY = "histogram_quantile(0.95, sum by (le) (rate(shop_latency_seconds_bucket[$__rate_interval])))"


def dashboard(*more: Any, **changes: Any) -> Dashboard:
    """The shop's dashboard, with further panels in a row of their own."""
    rows = [panels.golden(panels.targets_up(SYSTEM.jobs),
                          panels.timeseries("rate", "Requests", "Requests per second.", "reqps", panels.prom(RATE)),
                          panels.timeseries("latency", "Latency", "95 % took less.", "s", panels.prom(LATENCY)),
                          panels.timeseries("queue", "Queue", "Requests that wait.", "short", panels.prom("shop_queue")))]
    if more:
        rows.append(Row("More", more))
    return replace(Dashboard("overview", "Shop", "All of the shop.", (*rows, panels.logs_row(SYSTEM), panels.traces_row(SYSTEM))),
                   **changes)


def panel(expr: str, key: str = "extra", **more: Any) -> Any:
    return panels.timeseries(key, "Extra", "What is extra.", "short", panels.prom(expr), **more)


def shop(**changes: Any) -> Loaded:
    """The system, with parts put in other parts' place."""
    return replace(Loaded(SYSTEM, Path("systems/shop"), METRICS, (QUEUE, FATAL), (RECORDING,), (dashboard(),), RUNBOOK, "",
                          sample.parse(SAMPLE, "metrics.sample")), **changes)


def landing() -> Loaded:
    """Where every dashboard's first link leads."""
    key = naming.LANDING.removeprefix(f"{naming.PREFIX}-observatory-")
    first = Dashboard(key, "Start", "Where one starts.", (panels.golden(panels.targets_up(("shop",))),), instances=False)
    return Loaded(System("observatory", "Observatory", "platform", "All of it.", ()), Path("systems/observatory"), (), (), (), (first,), "",
                  "",
                  sample.Sample())


def content(*more: Loaded, **changes: Any) -> Content:
    """The shop (changed), the landing page, and further systems."""
    systems = (landing(), shop(**changes), *more)
    return Content(systems, {loaded.system.id: loaded for loaded in systems})


def found(law: str, of: Content) -> list[str]:
    """What a law says of it, as "where: text"."""
    return [f"{where}: {text}" for where, text in importlib.import_module(f"dashboards.checks.{law}").check(of)]
