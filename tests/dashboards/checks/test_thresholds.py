"""thresholds: a number in the expression, a threshold that is not used, one id with two defaults."""

from dataclasses import replace

import pytest
from example_content import FATAL, QUEUE, content, found

from dashboards.model import Threshold

LOOSE = Threshold("loose", 3, "requests", "nothing that is used")
OTHER = replace(QUEUE, name="ShopQueueOther", thresholds=(Threshold("queue", 20, "requests", "requests that wait"),))


@pytest.mark.parametrize(("alerts", "says"), [
    ((replace(QUEUE, expr="shop_queue > $queue and shop_queue < 500"),), "alert ShopQueueLong: compares with 500; make it a Threshold"),
    ((replace(QUEUE, expr="0.5 < shop_queue / $queue"),), "compares with 0.5"),
    ((replace(FATAL, expr=FATAL.expr.replace("> 0", "> 5")),), "alert ShopFatal: compares with 5"),
    ((replace(QUEUE, thresholds=(*QUEUE.thresholds, LOOSE)),), "its expression does not use the threshold loose"),
    ((QUEUE, OTHER), "alert ShopQueueOther: threshold queue is 10 for ShopQueueLong; one id has one default"),
])
def test_refused(alerts, says):
    assert [text for text in found("thresholds", content(alerts=alerts)) if says in text]


@pytest.mark.parametrize("expr", [
    "shop_queue > 10 * $queue", "shop_queue > ${queue}", "shop_queue > $queue and up == 1",
    "shop_queue > $queue and increase(shop_requests_total[1h]) > 0 and time() - shop_queue > 3600"])
def test_taken(expr):
    assert not found("thresholds", content(alerts=(replace(QUEUE, expr=expr),)))
