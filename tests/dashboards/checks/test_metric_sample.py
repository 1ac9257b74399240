"""metric_sample: declared, but not in the recorded scrape; there, but without the label or of another type."""

from dataclasses import replace

import pytest
from example_content import METRICS, SAMPLE, SYSTEM, TARGET, content, found

from dashboards import load, sample
from dashboards.model import Metric


@pytest.mark.parametrize(("metric", "says"), [
    (Metric("shop_gone", "gauge", "things", "Gone"), "shop_gone is not in metrics.sample; record it (make record SYSTEM=shop)"),
    (Metric("shop_queue", "gauge", "requests", "Queue", ("zone",)), "shop_queue has no label zone in metrics.sample"),
    (Metric("shop_queue", "counter", "requests", "Queue"), "is a gauge in metrics.sample, not a counter"),
    (Metric("shop_queue", "histogram", "requests", "Queue"), "shop_queue_bucket is not in metrics.sample"),
])
def test_refused(metric, says):
    assert [text for text in found("metric_sample", content(metrics=(*METRICS, metric))) if says in text]


UNSEEN = Metric("shop_unseen", "gauge", "things", "Unseen")
MARKED = SAMPLE + sample.NOT_RECORDED + 'from its source\n# TYPE shop_unseen gauge\nshop_unseen{job="shop"} 1\n'
SAID = replace(SYSTEM, unrecorded="it cannot be had")


def test_what_was_not_recorded_is_said_in_both_places():
    read = sample.parse(MARKED, "metrics.sample")
    metrics = (*METRICS, UNSEEN)
    assert not found("metric_sample", content(metrics=metrics, sample=read, system=SAID))
    only_sample = found("metric_sample", content(metrics=metrics, sample=read))
    assert any("has metrics that were not recorded" in text for text in only_sample)
    only_system = found("metric_sample", content(system=SAID))
    assert any("says unrecorded, but metrics.sample is recorded" in text for text in only_system)


def test_it_is_held_to_the_same_law_and_has_nothing_to_spare():
    read = sample.parse(MARKED, "metrics.sample")
    wrong = (*METRICS, replace(UNSEEN, type="counter", labels=("zone",)))
    texts = found("metric_sample", content(metrics=wrong, sample=read, system=SAID))
    assert any("shop_unseen has no label zone" in text for text in texts) and any("is a gauge" in text for text in texts)
    assert any("shop_unseen was not recorded and is not declared" in text
               for text in found("metric_sample", content(sample=read, system=SAID)))


def test_only_grafana_is_not_recorded():
    assert [one.system.id for one in load.everything().systems if one.system.unrecorded or one.sample.rest] == ["grafana"]


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
