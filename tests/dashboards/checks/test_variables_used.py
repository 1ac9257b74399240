"""variables_used: queries that are not narrowed to the region, another data source, variables without a query."""

from __future__ import annotations

import pytest
from example_content import content, dashboard, found

from dashboards import checks
from dashboards.model import Variable


def broken(change):
    """The law's words on the example, with its rendered dashboards changed."""
    of = content()
    for made in checks.rendered(of):
        if made.loaded.system.id == "shop":
            change(made.data)
    return found("variables_used", of)


def targets(data, source):
    return [target for panel in data["panels"] for target in panel.get("targets", ()) if target["datasource"]["type"] == source
            and "expr" in target]


@pytest.mark.parametrize(("change", "says"), [
    (lambda data: targets(data, "prometheus")[1].update(expr="shop_queue"), "shop_queue is not narrowed to the chosen region"),
    (lambda data: targets(data, "prometheus")[1].update(expr='shop_queue{region="eu"}'), "shop_queue is not narrowed to the chosen"),
    (lambda data: targets(data, "prometheus")[1].update(expr='shop_queue{region=~".+"}'), "shop_queue is not narrowed to the chosen"),
    (lambda data: targets(data, "loki")[0].update(expr='rate({service_name="shop"}[5m])'), "is not narrowed to the chosen region"),
    (lambda data: targets(data, "prometheus")[1].update(datasource={"type": "prometheus", "uid": "abc"}), "asks the data source abc"),
    (lambda data: data["templating"]["list"].pop(0), "has no variable prometheus"),
])
def test_refused(change, says):
    assert [text for text in broken(change) if says in text]


def test_a_variable_without_a_query():
    of = content(dashboards=(dashboard(variables=(Variable("zone", "zone", "up", "Zone"),)),))
    assert found("variables_used", of) == [
        "shop: dashboard overview: variable zone is used by no query; leave it out (instances=False for instance)"]
