"""metric_sample: declared, but not in the recorded scrape; there, but without the label or of another type."""

import pytest
from example_content import METRICS, content, found

from dashboards.model import Metric


@pytest.mark.parametrize(("metric", "says"), [
    (Metric("shop_gone", "gauge", "things", "Gone"), "shop_gone is not in metrics.sample; record it (make record SYSTEM=shop)"),
    (Metric("shop_queue", "gauge", "requests", "Queue", ("zone",)), "shop_queue has no label zone in metrics.sample"),
    (Metric("shop_queue", "counter", "requests", "Queue"), "is a gauge in metrics.sample, not a counter"),
    (Metric("shop_queue", "histogram", "requests", "Queue"), "shop_queue_bucket is not in metrics.sample"),
])
def test_refused(metric, says):
    assert [text for text in found("metric_sample", content(metrics=(*METRICS, metric))) if says in text]
