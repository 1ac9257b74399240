"""metric_contract: names that nobody declares, labels that a metric has not."""

import pytest
from example_content import content, dashboard, found, panel


@pytest.mark.parametrize(("expr", "says"), [
    ("shop_nosuch", "uses shop_nosuch, which no metrics.py declares"),
    ('{job="shop"}', "uses a selector without a name"),
    ('shop_queue{code="200"}', "selects shop_queue by code, which is not one of its labels"),
    ("sum by (code) (shop_queue)", "groups by code, which is a label of none of its series"),
    ("shop_queue * on (region) group_left (zone) up", "groups by zone"),
])
def test_refused(expr, says):
    assert [text for text in found("metric_contract", content(dashboards=(dashboard(panel(expr)),))) if says in text]


@pytest.mark.parametrize("expr", ["sum by (host, code) (shop_requests_total)", "up",
                                  'sum by (z) (label_replace(up, "z", "$$1", "job", "(.*)"))',
                                  "shop_latency_seconds_count", "region:shop_requests:rate5m"])
def test_taken(expr):
    assert not found("metric_contract", content(dashboards=(dashboard(panel(expr)),)))
