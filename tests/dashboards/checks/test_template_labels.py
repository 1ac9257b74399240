"""template_labels: labels that the result has lost, or never had."""

from dataclasses import replace

import pytest
from example_content import FATAL, QUEUE, content, dashboard, found

from dashboards import panels

QUEUE_SAYS = replace(QUEUE, summary="{{ $value }} {{ $labels.instance }}", description="x")


@pytest.mark.parametrize(("alert", "says"), [
    (replace(QUEUE_SAYS, expr="sum(shop_queue) > $queue"), "$labels.instance, but the result of its expression has only no labels"),
    (replace(QUEUE_SAYS, expr="sum by (region) (shop_queue) > $queue"), "has only region"),
    (replace(QUEUE_SAYS, expr="max without (instance) (shop_queue) > $queue"), "has only host, job, region, system"),
    (replace(QUEUE_SAYS, expr='absent(shop_queue{job="shop"}) * $queue'), "has only job"),
    (replace(QUEUE_SAYS, expr="shop_queue / on (region) shop_queue > $queue"), "has only region"),
    (replace(QUEUE, description="{{ $labels.code }}"), "$labels.code, but"),
    (replace(QUEUE, description='{{ index $labels "code" }}'), "$labels.code, but"),
    (replace(QUEUE, description="{{ .Labels.code }}"), "$labels.code, but"),
    (replace(FATAL, summary="{{ $labels.instance }} {{ $value }}"), "has only host, region"),
])
def test_refused(alert, says):
    assert [text for text in found("template_labels", content(alerts=(alert,))) if says in text]


@pytest.mark.parametrize("expr", [
    "topk by (region) (1, shop_queue) > $queue", "shop_queue > $queue and on (region) up == 1", "max by (instance) (shop_queue) > $queue",
    "sum by (region) (shop_queue) * on (region) group_right () shop_queue > $queue", "(shop_queue + ignoring (host) shop_queue) > $queue",
    'label_replace(sum by (region) (shop_queue), "instance", "$1", "region", "(.*)") > $queue', "abs(-shop_queue) > $queue",
    "max_over_time(shop_queue[1h:5m]) > $queue", "2 * shop_queue > $queue"])
def test_taken(expr):
    assert not found("template_labels", content(alerts=(replace(QUEUE_SAYS, expr=expr.replace('"$1"', '"$$1"')),)))


def test_a_legend_says_what_the_result_has():
    query = panels.prom("sum by (region) (shop_queue)", "{{region}} {{ host }}")
    drawn = panels.timeseries("extra", "Extra", "What is extra.", "short", query)
    assert found("template_labels", content(dashboards=(dashboard(drawn),))) == [
        "shop: dashboard overview: panel extra: its legend says host, but the result of its query has only region"]
