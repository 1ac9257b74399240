"""no_absolute_urls: an address in a link, in a description, and one to click in a text."""

import pytest
from example_content import RUNBOOK, content, dashboard, found

from dashboards import panels

TABLE = panels.table("t", "Table", "What is there.", "short", panels.prom("shop_queue", instant=True), links={"A": ("Go", "https://grafana.example/d/x")})


@pytest.mark.parametrize("changes", [
    {"dashboards": (dashboard(TABLE),)},
    {"dashboards": (dashboard(description="See http://wiki.example/shop."),)},
    {"dashboards": (dashboard(panels.text("note", "Note", "A note.", "[wiki](https://wiki.example)")),)},
    {"runbook": RUNBOOK + "\nSee <https://wiki.example/shop>.\n"},
])
def test_refused(changes):
    assert [text for text in found("no_absolute_urls", content(**changes)) if "has the absolute address http" in text]


def test_a_command_is_no_link():
    assert not found("no_absolute_urls", content(runbook=RUNBOOK + "\n`promtool query instant https://HOST:9090 up`\n"))
