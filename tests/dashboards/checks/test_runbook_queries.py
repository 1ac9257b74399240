"""runbook_queries: what one is told to paste and is no query, or asks for what is not there."""

import pytest
from example_content import RUNBOOK, content, found


def said(query, block=False):
    paste = f"```\n{query}\n```" if block else f"- See `{query}`."
    return found("runbook_queries", content(runbook=RUNBOOK.replace("- `shop_queue`", f"- `shop_queue`\n{paste}", 1)))


@pytest.mark.parametrize(("query", "says"), [
    ("sum(rate(shop_nosuch_total[5m]))", "uses shop_nosuch_total, which no metrics.py declares"),
    ('shop_queue{code="200"}', "selects shop_queue by code, which it does not have"),
    ("sum by (code) (shop_queue)", "groups by code, which its series do not have"),
    ("topk(5, shop_queue", "is neither LogQL nor PromQL"),
    ('{service_name="shop"} |= 5', "is neither LogQL nor PromQL: is not LogQL"),
    ('{service_name="shop", level="error"}', "selects streams by level"),
    ('sum by (host) (count_over_time({service_name="shop"} |= "x" [5m])', "is neither LogQL nor PromQL"),
])
@pytest.mark.parametrize("block", [False, True])
def test_refused(query, says, block):
    assert [text for text in said(query, block) if text.startswith("shop: runbook.md: ") and says in text]


@pytest.mark.parametrize("query", [
    'shop_queue{instance="INSTANCE"}', 'sum by (code) (rate(shop_requests_total{region="REGION"}[5m]))', "count(count by (LABEL) (NAME))",
    '{service_name="shop", host="HOST"} |= "fatal"', "topk(5, sum by (service_name) (rate({region=\"REGION\"}[5m])))",
    'topk(10, count by (__name__) ({job="JOB"}))', "systemctl status shop", "shop_thresholds: {queue: 5}", "sum of all", "target_info{}"])
def test_taken(query):
    assert not said(query)
