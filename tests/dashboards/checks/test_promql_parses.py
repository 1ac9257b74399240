"""promql_parses: a mistake in a panel, an alert or a recording is found, with its place."""

from dataclasses import replace

import pytest
from example_content import QUEUE, RECORDING, content, dashboard, found, panel


@pytest.mark.parametrize(("changes", "where"), [
    ({"dashboards": (dashboard(panel("sum(shop_queue")),)}, "shop: dashboard overview: panel extra: is not PromQL"),
    ({"alerts": (replace(QUEUE, expr="shop_queue >> $queue"),)}, "shop: alert ShopQueueLong: is not PromQL"),
    ({"recordings": (replace(RECORDING, expr="rate(shop_requests_total)"),)}, "shop: recording region:shop_requests:rate5m: is not PromQL"),
])
def test_refused(changes, where):
    assert [text for text in found("promql_parses", content(**changes)) if text.startswith(where)]
