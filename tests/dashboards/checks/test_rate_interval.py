"""rate_interval: a fixed window in a panel, a window of few scrapes in a rule."""

from dataclasses import replace

import pytest
from example_content import QUEUE, RECORDING, content, dashboard, found, panel


@pytest.mark.parametrize(("changes", "says"), [
    ({"dashboards": (dashboard(panel("sum(rate(shop_requests_total[5m]))")),)}, "rate() over a fixed window of 300 s"),
    ({"dashboards": (dashboard(panel("sum(rate(shop_requests_total[1h]))")),)}, "rate() over a fixed window of 3600 s"),
    ({"dashboards": (dashboard(panel("increase(shop_requests_total[5m])")),)}, "increase() over a fixed window of 300 s"),
    ({"dashboards": (dashboard(panel("sum(rate(shop_requests_total[5m:30s]))")),)}, "rate() over a fixed window of 300 s"),
    ({"recordings": (replace(RECORDING, expr="rate(shop_requests_total[30s])"),)},
     "rate() over 30 s, less than 4 scrapes; write at least [60s]"),
    ({"alerts": (replace(QUEUE, expr="irate(shop_requests_total[45s]) > $queue"),)}, "irate() over 45 s"),
])
def test_refused(changes, says):
    assert [text for text in found("rate_interval", content(**changes)) if says in text]


@pytest.mark.parametrize("expr", ["increase(shop_requests_total[1h])", "increase(shop_requests_total[$__range])",
                                  "avg_over_time(shop_queue[5m])",
                                  "sum(rate(shop_requests_total[$__rate_interval]))", "region:shop_requests:rate5m"])
def test_taken(expr):
    assert not found("rate_interval", content(dashboards=(dashboard(panel(expr)),)))
