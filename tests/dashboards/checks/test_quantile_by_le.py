"""quantile_by_le: a quantile of buckets without le, or without a rate."""

import pytest
from example_content import content, dashboard, found, panel

RATE = "rate(shop_latency_seconds_bucket[$__rate_interval])"


@pytest.mark.parametrize("inner", [f"sum({RATE})", f"sum by (region) ({RATE})", "sum by (le) (shop_latency_seconds_bucket)",
                                   f"sum without (le) ({RATE})", f"max by (le) ({RATE})",
                                   "rate(shop_latency_seconds_count[$__rate_interval])",
                                   "sum by (le) (rate(shop_queue[$__rate_interval]))"])
def test_refused(inner):
    assert "is not over rates of buckets by le" in found("quantile_by_le",
                                                         content(dashboards=(dashboard(panel(f"histogram_quantile(0.9, {inner})")),)))[0]


@pytest.mark.parametrize("inner", [RATE, f"sum by (le, region) ({RATE})", f"sum without (instance) ({RATE})", f"(sum by (le) ({RATE}))",
                                   f"avg by (le) ({RATE})", "rate(shop_latency_seconds_bucket[1h:])"])
def test_taken(inner):
    assert not found("quantile_by_le", content(dashboards=(dashboard(panel(f"histogram_quantile(0.9, {inner})")),)))
