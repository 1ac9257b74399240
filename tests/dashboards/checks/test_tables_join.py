"""tables_join: tables of several queries that keep more labels than they show."""

from dataclasses import replace

import pytest
from example_content import content, dashboard, found, panel

from dashboards.model import Prom

GOOD = Prom("sum by (host) (shop_queue)", "Waits", instant=True)


def table(*queries):
    return content(dashboards=(dashboard(replace(panel("shop_queue"), kind="table", queries=queries)),))


@pytest.mark.parametrize("expr", ["shop_queue", "shop_queue / 2", "time() - shop_queue", "topk(3, shop_queue)",
                                  "sum without (job) (shop_queue)"])
def test_refused(expr):
    assert "keeps every label of its series" in found("tables_join", table(GOOD, Prom(expr, "x", instant=True)))[0]


@pytest.mark.parametrize("expr", ["max by (host) (shop_queue)", "sum by (host) (shop_queue) / 2", "sum(shop_queue)",
                                  "histogram_quantile(0.9, sum by (le, host) (rate(shop_latency_seconds_bucket[5m])))"])
def test_taken(expr):
    assert not found("tables_join", table(GOOD, Prom(expr, "x", instant=True)))


def test_a_single_query_may_show_all_its_labels():
    assert not found("tables_join", table(Prom("shop_queue", instant=True)))
