"""Pages: every address that an alert carries is a page of the bundle with that anchor; nothing from elsewhere; markup stays text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml
from example_content import QUEUE, RUNBOOK, content, dashboard, panel

from dashboards import checks, naming, pages, render

OWN = re.compile(r"\{\{ \$?externalURL \}\}/user/")


def addresses(bundle):
    """(alert, annotation, address) of every rule, those of objectives too."""
    for path, text in bundle.items():
        if re.match(r"(prometheus|loki)/rules/", path):
            for group in yaml.safe_load(text)["groups"]:
                for rule in group["rules"]:
                    for name in ("runbook_url", "dashboard_url"):
                        if "alert" in rule:
                            yield rule["alert"], name, rule["annotations"][name]


def test_every_address_of_a_rule_has_its_page_and_anchor(bundle):
    seen = 0
    for alert, name, address in addresses(bundle):
        assert OWN.match(address), f"{alert}: {name}: {address}"
        path, _hash, anchor = re.sub(r"\?[^#]*", "", OWN.sub("pages/", address)).partition("#")
        assert path in bundle, f"{alert}: {name}: {path} is not in the bundle"
        assert f'id="{anchor}"' in bundle[path], f"{alert}: {name}: {path} has no anchor {anchor}"
        seen += 1
    assert seen > 30


def test_links_between_pages_resolve(bundle):
    for path, text in bundle.items():
        if path.startswith("pages/"):
            for link in re.findall(r'href="([^"#:]+)(?:#[^"]*)?"', text):
                parts = [*path.split("/")[:-1], *link.split("/")]
                while ".." in parts:
                    index = parts.index("..")
                    del parts[index - 1:index + 1]
                assert "/".join(parts) in bundle, f"{path} links to {link}"


def test_pages_need_nothing_from_elsewhere(bundle):
    for path, text in bundle.items():
        if path.startswith("pages/"):
            assert not re.search(r"<script|<link|@import|url\(|<img", text.split("<body>")[0]), path
            assert not re.search(r"<script|<iframe|<img[^>]+src=\"http", text), path


def test_a_section_tells_of_its_alert():
    shop = content(runbook=RUNBOOK.replace("# Shop\n", "# Shop\nWhere its till is.\n", 1)).by_id["shop"]
    text = pages.runbook(shop, {"queue": 77})
    assert "Where its till is." in text, "what stands above the alerts"
    assert '<section id="shopqueuelong"><h2>ShopQueueLong</h2>' in text and "<pre>shop_queue &gt; 77</pre>" in text
    assert f'href="../dashboards/psf-shop-overview.html#panel-{naming.panel_id("queue")}"' in text and 'class="warning"' in text


def test_a_dashboard_shows_the_numbers_of_the_site_and_leaves_what_is_grafanas():
    shop = content().by_id["shop"]
    shown = dashboard(panel("shop_queue > $queue and rate(shop_requests_total[$__rate_interval]) > 0"))
    text = pages.dashboard(shop, shown, {"title": "Shop"}, {"queue": 77})
    assert "<pre>shop_queue &gt; 77 and rate(shop_requests_total[$__rate_interval]) &gt; 0</pre>" in text


@pytest.mark.parametrize("changes", [
    {"runbook": RUNBOOK.replace("It is so.", "<script>alert(1)</script>")},
    {"alerts": (replace(QUEUE, description="<b>x</b>"),)},
    {"dashboards": (dashboard(replace(panel("shop_queue"), title="<script>1</script>")),)},
])
def test_markup_is_text(changes):
    of = content(**changes)
    for file in render.bundle(of, checks.everywhere(of)):
        if file.kind == "page":
            assert "<script>" not in file.text and "<b>x" not in file.text, file.path


def test_index_leads_to_all(bundle):
    index = bundle["pages/index.html"]
    for path in bundle:
        if path.startswith("pages/") and path != "pages/index.html":
            assert f'href="{path.removeprefix("pages/")}"' in index, path
