"""links_resolve: dashboards and panels that are not there."""

from dataclasses import replace

import pytest
from example_content import QUEUE, RUNBOOK, content, dashboard, found, shop

from dashboards import checks, naming, panels
from dashboards.load import Content


@pytest.mark.parametrize(("changes", "says"), [
    ({"dashboards": (dashboard(links=(("Gone", "psf-shop-gone"),)),)}, "leads to /d/psf-shop-gone, which is not in the bundle"),
    ({"dashboards": (dashboard(panels.table("t", "Table", "All.", "short", panels.prom("shop_queue", instant=True),
                                            links={"A": ("Go", "/d/psf-${__value.text}-nosuch")})),)},
                                            "leads to /d/psf-${__value.text}-nosuch"),
    ({"dashboards": (dashboard(panels.text("t", "Text", "All.", "See [it](/d/psf-shop-gone).")),)}, "content leads to /d/psf-shop-gone"),
    ({"runbook": RUNBOOK + "\nSee [there](#shopgone).\n"}, "leads to #shopgone, but pages/runbooks/shop.html has no section of that name"),
    ({"runbook": RUNBOOK + "\nSee [there](gone.html#x).\n"}, "leads to gone.html#x, which is not a page of the bundle"),
    ({"runbook": RUNBOOK + "\nSee [it](../dashboards/psf-shop-overview.html#panel-1).\n"}, "has no section of that name"),
    ({"alerts": (replace(QUEUE, panel="overview/gone"),)}, "shop: alert ShopQueueLong: panel overview/gone is on none"),
])
def test_refused(changes, says):
    assert [text for text in found("links_resolve", content(**changes)) if says in text]


def test_a_panel_that_is_not_there():
    of = content()
    made = checks.rendered(of)[-1]
    made.data["links"][0]["url"] = "/d/psf-shop-overview?viewPanel=5"
    assert found("links_resolve", of) == ["shop: dashboard overview: links.url leads to panel 5 of psf-shop-overview, which is not there"]


def test_a_link_by_value_finds_its_dashboard():
    table = panels.table("t", "Table", "All.", "short", panels.prom("shop_queue", instant=True),
                         links={"A": ("Go", "/d/psf-${__value.text}-overview")})
    assert not found("links_resolve", content(dashboards=(dashboard(table),)))


def test_links_of_a_runbook_find_its_sections_and_the_pages_of_dashboards():
    panel = naming.panel_id("queue")
    links = f"[a](#shopfatal), [b](shop.html#shopqueuelong), [c](../dashboards/psf-shop-overview.html#panel-{panel}), [d](../index.html)"
    assert not found("links_resolve", content(runbook=f"{RUNBOOK}\n{links}\n"))


def test_the_landing_page_is_needed():
    alone = shop()
    assert "leads to /d/psf-observatory-landing" in found("links_resolve", Content((alone,), {"shop": alone}))[0]
