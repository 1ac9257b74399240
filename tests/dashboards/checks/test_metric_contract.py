"""metric_contract: names that nobody declares, labels that a metric has not."""

from dataclasses import replace

import pytest
from example_content import content, dashboard, found, panel, shop

from dashboards.model import Metric


@pytest.mark.parametrize(("expr", "says"), [
    ("shop_nosuch", "uses shop_nosuch, which no metrics.py declares"),
    ('{job="shop"}', "uses a selector without a name"),
    ('shop_queue{code="200"}', "selects shop_queue by code, which is not one of its labels"),
    ('{__name__=~"shop_.*"}', "uses a selector without a name"),
    ('{__name__!~"other_.*", job="shop"}', "uses a selector without a name"),
    ("sum by (code) (shop_queue)", "groups by code, which its series do not have"),
    ("sum by (code) (shop_queue) / sum(shop_requests_total)", "groups by code, which its series do not have"),
    ("shop_queue * on (region) group_left (zone) up", "takes over zone"),
    ('label_replace(up, "z", "$$1", "zone", "(.*)")', "label_replace reads zone"),
])
def test_refused(expr, says):
    assert [text for text in found("metric_contract", content(dashboards=(dashboard(panel(expr)),))) if says in text]


def test_the_queries_of_objectives_are_held_to_it_too():
    slos = """
version: prometheus/v1
service: shop
slos:
  - name: errors
    objective: 99
    sli: {events: {error_query: 'sum(rate(shop_failed_total[{{.window}}]))', total_query: 'sum(rate(shop_requests_total[{{.window}}]))'}}
    alerting: {name: ShopErrors}
"""
    assert found("metric_contract", content(slos=slos)) == [
        "shop: objective errors: error query: uses shop_failed_total, which no metrics.py declares"]


def test_a_system_means_its_own_declaration():
    """Two exporters give one name, with labels of their own."""
    other = replace(shop(), system=replace(shop().system, id="other"), alerts=(), dashboards=(),
                    metrics=(Metric("shop_queue", "gauge", "requests", "Requests that wait", ("lane",)),))
    assert not found("metric_contract", content(other))
    own = content(other, dashboards=(dashboard(panel("sum by (lane) (shop_queue)")),))
    assert ["groups by lane" in text for text in found("metric_contract", own)] == [True]


@pytest.mark.parametrize("expr", ["sum by (host, code) (shop_requests_total)", "up",
                                  'sum by (z) (label_replace(up, "z", "$$1", "job", "(.*)"))',
                                  "shop_latency_seconds_count", "region:shop_requests:rate5m"])
def test_taken(expr):
    assert not found("metric_contract", content(dashboards=(dashboard(panel(expr)),)))
