"""promql_parses: a mistake in a panel, an alert or a recording is found, with its place."""

from dataclasses import replace

import pytest
from example_content import QUEUE, RECORDING, content, dashboard, found, panel

ALIEN = 'shop_queue{host="a" or job="b"}'


@pytest.mark.parametrize(("changes", "where"), [
    ({"dashboards": (dashboard(panel("sum(shop_queue")),)}, "shop: dashboard overview: panel extra: is not PromQL"),
    ({"dashboards": (dashboard(panel("shop_queue[5m]")),)}, "shop: dashboard overview: panel extra: gives a range of values"),
    ({"dashboards": (dashboard(panel("'words'")),)}, "shop: dashboard overview: panel extra: gives a text"),
    ({"dashboards": (dashboard(panel(ALIEN)),)}, "shop: dashboard overview: panel extra: is not PromQL: `or` between matchers"),
    ({"dashboards": (dashboard(panel("info(up)")),)}, "shop: dashboard overview: panel extra: is not PromQL: info() is experimental"),
    ({"alerts": (replace(QUEUE, expr="shop_queue >> $queue"),)}, "shop: alert ShopQueueLong: is not PromQL"),
    ({"recordings": (replace(RECORDING, expr="rate(shop_requests_total)"),)}, "shop: recording region:shop_requests:rate5m: is not PromQL"),
])
def test_refused(changes, where):
    assert [text for text in found("promql_parses", content(**changes)) if text.startswith(where)]
