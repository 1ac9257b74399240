"""metric_sample: declared, but not in the recorded scrape; there, but without the label or of another type."""

import pytest
from example_content import METRICS, SAMPLE, TARGET, content, found

from dashboards import sample
from dashboards.model import Metric


@pytest.mark.parametrize(("metric", "says"), [
    (Metric("shop_gone", "gauge", "things", "Gone"), "shop_gone is not in metrics.sample; record it (make record SYSTEM=shop)"),
    (Metric("shop_queue", "gauge", "requests", "Queue", ("zone",)), "shop_queue has no label zone in metrics.sample"),
    (Metric("shop_queue", "counter", "requests", "Queue"), "is a gauge in metrics.sample, not a counter"),
    (Metric("shop_queue", "histogram", "requests", "Queue"), "shop_queue_bucket is not in metrics.sample"),
])
def test_refused(metric, says):
    assert [text for text in found("metric_sample", content(metrics=(*METRICS, metric))) if says in text]


MORE = SAMPLE + "".join(f"{name}{{{TARGET}}} 1\n" for name in ("shop_bare", "shop_bare_total", "shop_wait_seconds_sum", "shop_odd"))
MORE += "# TYPE shop_wait_seconds summary\n# TYPE shop_odd unknown\n"


@pytest.mark.parametrize(("metric", "says"), [
    (Metric("shop_bare", "gauge", "things", "Bare"), "has no type in metrics.sample; record it anew (make record SYSTEM=shop)"),
    (Metric("shop_bare_total", "gauge", "things", "Bare"), "has no type in metrics.sample"),
    (Metric("shop_wait_seconds_sum", "gauge", "seconds", "Waited"), "is a counter in metrics.sample, not a gauge"),
])
def test_a_type_that_nothing_proves(metric, says):
    of = content(metrics=(*METRICS, metric), sample=sample.parse(MORE, "metrics.sample"))
    assert [text for text in found("metric_sample", of) if says in text]


@pytest.mark.parametrize("metric", [
    Metric("shop_bare_total", "counter", "things", "Bare"), Metric("shop_wait_seconds_sum", "counter", "seconds", "Waited"),
    Metric("shop_odd", "counter", "things", "The exporter itself says that it does not know")])
def test_a_type_that_is_proven_as_far_as_the_exporter_goes(metric):
    assert not found("metric_sample", content(metrics=(*METRICS, metric), sample=sample.parse(MORE, "metrics.sample")))
