"""uids: too long, not of the form, twice, and two panels with one number."""

from dataclasses import replace

from example_content import SYSTEM, content, dashboard, found, shop

from dashboards import checks, naming


def test_too_long_a_uid_is_refused_and_not_cut():
    assert "Grafana takes 40" in found("uids", content(dashboards=(dashboard(key="a-key-that-is-far-too-long-for-grafana"),)))[0]


def test_two_dashboards_with_one_uid():
    other = shop(system=replace(SYSTEM, id="shop2"))
    of = content(other)
    checks.rendered(of)[-1].data["uid"] = naming.dashboard_uid("shop", "overview")
    assert found("uids", of) == ["shop2: dashboard overview: its uid psf-shop-overview is that of shop: dashboard overview too"]


def test_form():
    of = content()
    checks.rendered(of)[-1].data["uid"] = "Shop!"
    assert "its uid 'Shop!' is not psf-<system>-<key>" in found("uids", of)[0]


def test_two_panels_with_one_number():
    of = content()
    data = checks.rendered(of)[-1].data
    data["panels"][1]["id"] = data["panels"][2]["id"]
    assert "2 panels have the number" in found("uids", of)[0]
