"""rate_on_counters: rate of a gauge, delta of a counter."""

import pytest
from example_content import content, dashboard, found, panel


@pytest.mark.parametrize(("expr", "says"), [
    ("rate(shop_queue[$__rate_interval])", "rate() of shop_queue, which is a gauge"),
    ("increase(region:shop_requests:rate5m[1h])", "increase() of region:shop_requests:rate5m, which is a gauge"),
    ("rate(shop_queue[$__rate_interval:15s])", "rate() of shop_queue, which is a gauge"),
    ("rate((shop_queue[$__rate_interval]))", "rate() of shop_queue, which is a gauge"),
    ('rate({__name__="shop_queue"}[$__rate_interval])', "rate() of shop_queue, which is a gauge"),
    ("sum(rate(sum by (code) (shop_requests_total)[1h:1m]))", "rate() of a subquery over more than a selector"),
    ("deriv(shop_requests_total[1h:])", "deriv() of shop_requests_total, which only grows"),
    ("deriv(shop_requests_total[1h])", "deriv() of shop_requests_total, which only grows"),
    ("delta(shop_latency_seconds_count[1h])", "delta() of shop_latency_seconds_count, which only grows"),
])
def test_refused(expr, says):
    assert [text for text in found("rate_on_counters", content(dashboards=(dashboard(panel(expr)),))) if says in text]


@pytest.mark.parametrize("expr", ["deriv(shop_queue[1h])", "rate(shop_latency_seconds_sum[$__rate_interval])",
                                  "max_over_time(shop_queue[1h])",
                                  "deriv(sum(rate(shop_requests_total[$__rate_interval]))[1h:])"])
def test_taken(expr):
    assert not found("rate_on_counters", content(dashboards=(dashboard(panel(expr)),)))
