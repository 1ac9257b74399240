"""Names are for ever: links in tickets and chats hold them. These values must not change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import naming
from dashboards.estate import Estate

GOLDEN = {"up": 834974, "logs": 958304, "cpu-used": 863531, "row Golden signals": 203855}
OWN = Estate("lab", ("eu",), ("node",), ("platform",))
SERVED = Estate("lab", ("eu",), ("node",), ("platform",), pages="https://pages.example", grafana="https://grafana.example")


def test_golden_values():
    assert naming.dashboard_uid("node", "overview") == "psf-node-overview"
    assert naming.dashboard_uid("otel_collector", "overview") == "psf-otel_collector-overview"
    assert {key: naming.panel_id(key) for key in GOLDEN} == GOLDEN
    assert naming.group("node") == "psf-node-alerts" and naming.anchor("NodeDown") == "nodedown"
    assert naming.rules_path("node", "prometheus") == "prometheus/rules/node.yml"
    assert naming.rules_path("node", "loki", "errors") == "loki/rules/node-slo-errors.yml"
    assert naming.tests_path("node", "prometheus") == "prometheus/tests/node.yml" and naming.tests_path("node",
                                                                                                        "loki") == "loki/tests/node.json"


@given(st.text(min_size=1, max_size=40))
def test_panel_numbers_are_in_range(key):
    assert 1 <= naming.panel_id(key) <= 999_999


def test_urls_of_a_region_that_needs_no_other():
    assert naming.runbook_url(OWN, "node", "NodeDown").endswith("}}/user/runbooks/node.html#nodedown")
    url = naming.dashboard_url(OWN, "psf-node-overview", 7, ("region",))
    assert url.endswith("}}/user/dashboards/psf-node-overview.html?var-region={{ $labels.region }}#panel-7")
    assert naming.dashboard_url(OWN, "psf-node-overview", 7, ()).endswith("/psf-node-overview.html#panel-7")


def test_urls_of_an_estate_that_says_its_own():
    assert naming.runbook_url(SERVED, "node", "NodeDown") == "https://pages.example/runbooks/node.html#nodedown"
    url = naming.dashboard_url(SERVED, "psf-node-overview", 7)
    assert url.startswith("https://grafana.example/d/psf-node-overview?viewPanel=") and url.endswith("&var-region={{ $labels.region "
                                                                                                     "}}&var-instance={{ $labels.instance "
                                                                                                     "}}")


@pytest.mark.parametrize("url", [naming.panel_link("psf-node-overview", 7)])
def test_links_inside_grafana_are_relative_and_carry_the_choice_along(url):
    assert url.startswith("/d/psf-node-overview?viewPanel=") and "${__all_variables}" in url and "${__url_time_range}" in url
