"""The pages in Chromium: every panel drawn, nothing complained about, controls that do what they say, units as Grafana writes them."""

from __future__ import annotations

import json
import re

import browser as chromium
import pytest

from dashboards import naming
from dashboards.preview import charts
from dashboards.preview.cli import recorded
from dashboards.preview.pages import Pages
from dashboards.preview.queries import window

pytestmark = pytest.mark.skipif(not chromium.PROGRAM, reason="Chromium is not installed (apt-get install chromium)")

STATES = '[...document.querySelectorAll(".panel")].map((panel) => [panel.id, panel.dataset.kind, panel.dataset.state])'
# A drawn panel has something in it: a canvas with a size, a picture, or text.
BLANK = """[...document.querySelectorAll('.panel[data-state="drawn"]')].filter((panel) => {
  const body = panel.querySelector(".body"), canvas = body.querySelector(".chart canvas");
  return canvas ? canvas.width < 50 || canvas.height < 30 : !body.querySelector("svg") && !body.innerText.trim();
}).map((panel) => panel.id)"""
OPEN_ALL = 'document.querySelectorAll(".row.closed h2 button").forEach((button) => button.click())'


@pytest.fixture(scope="module")
def browser():
    made = chromium.Browser()
    yield made
    made.close()


@pytest.mark.parametrize("dark", [False, True])
def test_every_panel_of_every_dashboard_is_drawn(browser, live, dark):
    for uid in (naming.LANDING, "psf-node-overview", "psf-psf_web-overview") if dark else live.pages.bundle.boards:
        browser.open(f"{live.url}dashboards/{uid}.html?from=now-15m", dark=dark)
        browser.value(OPEN_ALL)
        browser.wait('![...document.querySelectorAll(".panel")].some((panel) => panel.dataset.state === "waiting")')
        wrong = [state for state in browser.value(STATES) if state[2] != "drawn"]
        assert (uid, wrong, browser.value(BLANK), browser.problems(), browser.value("observatory.errors")) == (uid, [], [], [], [])
        assert browser.value("document.documentElement.dataset.theme") == ("dark" if dark else "light")


def test_the_index_finds_dashboards_panels_and_alerts(browser, live):
    browser.open(live.url)
    assert browser.value('document.querySelectorAll(".card").length') == len(live.pages.bundle.boards)
    assert browser.value('document.querySelector(".card h3").innerText') == live.pages.bundle.boards[naming.LANDING].title
    alert = next(name for panel in live.pages.bundle.boards["psf-node-overview"].panels.values() for name in panel.alerts)
    browser.value(
        f'(() => {{ const box = document.querySelector(".search"); box.value = "{alert}"; box.dispatchEvent(new Event("input")); }})()'
    )
    shown = browser.value(
        '[...document.querySelectorAll(".card")].filter((card) => !card.hidden).map((card) => card.querySelector("a").getAttribute("href"))'
    )
    assert shown and all("psf-node-" in href for href in shown)
    assert browser.problems() == []


def test_variables_time_and_links_reach_the_query_and_the_address(browser, live, service):
    browser.open(f"{live.url}dashboards/psf-node-overview.html?var-region=a&from=now-3h&to=now")
    assert any('region=~"a"' in query.get("query", "") for _path, query in service.asked)
    service.asked.clear()
    browser.value("""document.querySelector('#variables input[value="b"]').click()""")
    browser.wait('location.search.includes("var-region=b")')
    browser.wait('!document.body.classList.contains("loading")')
    assert any('region=~"(a|b)"' in query.get("query", "") for _path, query in service.asked)
    browser.value('[...document.querySelectorAll("#controls .list button")].find((one) => one.textContent.includes("15 minutes")).click()')
    browser.wait('location.search.includes("from=now-15m")')
    url = browser.value(
        'observatory.link("/d/psf-node-overview?viewPanel=5&${__all_variables}&${__url_time_range}&x=${__value.text}", {}, "a b")'
    )
    assert url == "../dashboards/psf-node-overview.html?var-region=a&var-region=b&var-instance=%24__all&from=now-15m&to=now&x=a%20b#panel-5"
    assert browser.value('observatory.link("/d/psf-none-overview", {}, "")') == ""


def test_text_of_services_is_text(browser, live):
    browser.open(f"{live.url}dashboards/psf-node-overview.html")
    assert browser.value('document.querySelectorAll("main img, main .log b, #variables img").length') == 0
    assert browser.value('document.querySelector(".log .text").textContent') == "a line with <b>HTML</b>"
    assert "<img" in browser.value('document.querySelector("#variables").textContent')


def test_what_stands_behind_a_panel(browser, live, service):
    board = live.pages.bundle.boards["psf-node-overview"]
    panel = next(panel for panel in board.panels.values() if panel.alerts)
    browser.open(f"{live.url}dashboards/{board.uid}.html")
    browser.value(f'document.querySelector("#panel-{panel.id} h3").click()')
    text = browser.value('document.querySelector("dialog").innerText')
    assert panel.alerts[0] in text and "results" in text and "Not empty" in text and "[object" not in text
    assert browser.value('document.querySelector("dialog a").getAttribute("href")') == f"../runbooks/node.html#{panel.alerts[0].lower()}"


def test_an_empty_panel_and_a_failed_one_say_so(browser, live, service):
    service.answer = (200, '{"status": "success", "data": {"resultType": "matrix", "result": []}}')
    browser.open(f"{live.url}dashboards/psf-node-overview.html")
    assert "No data" in browser.value('document.querySelector(".panel .body").innerText')
    assert browser.value('document.querySelector("#verdict strong").innerText') == "Not known"
    service.answer = (503, "starting")
    browser.open(f"{live.url}dashboards/psf-node-overview.html")
    assert "503: starting" in browser.value('document.querySelector(".panel .body").innerText')
    assert browser.value('document.querySelector("#verdict strong").innerText') == "Not known"
    assert browser.value("observatory.errors") == []


@pytest.mark.parametrize("path", ["", "dashboards/psf-node-overview.html"])
def test_what_is_not_known_is_never_called_healthy(browser, live, service, path):
    """The double's numbers are good: healthy while nothing fires, and not known as soon as nobody says so."""
    service.firing, service.values = False, "1"
    browser.open(live.url + path)
    assert browser.value('document.querySelector(".verdict strong").innerText') == "Healthy"
    service.answer = (503, "starting")
    browser.value('document.querySelector("#controls [aria-label=Refresh]").click()')
    browser.wait('document.querySelector(".verdict strong").innerText === "Not known"')
    service.answer = None
    browser.value('document.querySelector("#controls [aria-label=Refresh]").click()')
    browser.wait('document.querySelector(".verdict strong").innerText === "Healthy"')
    browser.send("Network.enable")
    browser.send("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    browser.value('document.querySelector("#controls [aria-label=Refresh]").click()')
    browser.wait('document.querySelector(".verdict strong").innerText === "Not known"')
    assert "does not answer" in browser.value('document.querySelector("#notice").innerText')


@pytest.mark.parametrize("path", ["", "dashboards/psf-node-overview.html"])
def test_a_number_that_ended_is_no_number_of_now(browser, live, service, path):
    """Its last value was good, and is shown for what it was; what is so now is not known."""
    service.firing, service.values, service.ended = False, "1", 600
    browser.open(live.url + path)
    assert browser.value('document.querySelector(".verdict strong").innerText').endswith("ot known")
    assert re.search(r"no data for .* since \d\d:\d\d", browser.value('document.querySelector(".verdict").innerText'))
    assert re.fullmatch(r"until \d\d:\d\d(:\d\d)?", browser.value('document.querySelector(".stat.gone .until").innerText'))


def test_firing_alerts_make_the_verdict(browser, live):
    browser.open(f"{live.url}dashboards/psf-node-overview.html")
    assert browser.value('document.querySelector("#verdict strong").innerText') == "Needs help now"
    assert "Loud" in browser.value('document.querySelector("#verdict").innerText')


def test_an_alert_on_the_index_leads_to_its_dashboard(browser, live, service):
    name = next(name for panel in live.pages.bundle.boards["psf-node-overview"].panels.values() for name in panel.alerts)
    usual = service.data
    service.data = lambda path, query: json.loads(json.dumps(usual(path, query)).replace("Loud", name))
    browser.open(live.url)
    assert browser.value('document.querySelector(".verdict .chip").getAttribute("href")') == "dashboards/psf-node-overview.html"


def test_recorded_pages_need_no_server(browser, live, tmp_path):
    pages = Pages(live.pages.bundle, charts.library())
    for uid in (naming.LANDING, "psf-node-overview"):
        data = recorded(live.pages.bundle.boards[uid], live.estate, {}, window("now-1h", "now", 400))
        (tmp_path / f"{uid}.html").write_text(pages.dashboard(uid, data))
        browser.open(f"file://{tmp_path}/{uid}.html")
        browser.value(OPEN_ALL)
        assert [state for state in browser.value(STATES) if state[2] != "drawn"] == []
        assert (browser.value(BLANK), browser.problems(), browser.value("observatory.errors")) == ([], [], [])


@pytest.mark.parametrize(
    ("edges", "layers"),
    [
        (["a>b", "b>c", "a>c"], [["a"], ["b"], ["c"]]),
        (["a>b", "b>a"], [["a"], ["b"]]),
        (["a>a"], [["a"]]),
        (["g>o", "g>c", "o>c", "o>p", "c>s", "p>l", "s>c"], [["g"], ["o"], ["c", "p"], ["s", "l"]]),
        (["x>b", "y>a"], [["x", "y"], ["b", "a"]]),
    ],
)
def test_callers_stand_before_those_they_call(browser, live, edges, layers):
    """Also where calls go in a circle; and each beside its caller, so that lines do not cross for nothing."""
    browser.open(live.url)
    names = sorted({name for edge in edges for name in edge.split(">")})
    pairs = [{"from": edge[0], "to": edge[2]} for edge in edges]
    assert browser.value(f"observatory.layersOf({names}, {pairs})") == layers


def test_a_table_whose_columns_have_colours_is_judged(browser, live):
    """By row; and one that cannot be read leaves the verdict open."""
    browser.open(live.url)
    steps = '[{value: null, color: "red"}, {value: 1, color: "green"}]'
    column = f'{{name: "Up", unit: "percentunit", thresholds: {{steps: {steps}}}, "custom.cellOptions": {{}}}}'
    panel = '{id: 1, kind: "table", title: "Systems", field: {}, options: {}}'

    def judged(frame):
        return browser.value(
            f'(({{rank, judged, why, unknown}}) => [rank, judged, why, unknown])(observatory.judge([{panel}], {{1: {frame}}}, {{}}, ""))'
        )

    rows = f'{{columns: [{{name: "System"}}, {column}], rows: [["a", 1], ["b", %s]]}}'
    assert judged(rows % "1") == [0, 1, [], []]
    rank, judged_columns, (why,), unknown = judged(rows % "0.5")
    assert (rank, judged_columns, why.split(), unknown) == (2, 1, ["Systems", "b", "50", "%"], [])
    assert judged('{error: "503", empty: true}') == [0, 1, [], ["Systems"]]


UNITS = [
    (0.5, "percentunit", "50 %"),
    (100, "percent", "100 %"),
    (0.00012, "s", "120 µs"),
    (1.5, "s", "1.5 s"),
    (90, "s", "1.5 min"),
    (1814400, "s", "3 w"),
    (1500, "ms", "1.5 s"),
    (0, "s", "0 s"),
    (1024, "bytes", "1 KiB"),
    (1536, "bytes", "1.5 KiB"),
    (0, "bytes", "0 B"),
    (1e6, "Bps", "1 MB/s"),
    (12, "reqps", "12 req/s"),
    (1234, "reqps", "1.23 K req/s"),
    (1e6, "short", "1 Mil"),
    (0.0444, "short", "0.0444"),
    (-2048, "bytes", "-2 KiB"),
    (12.3, "currencyEUR", "€12.3"),
    (3, "none", "3"),
    (12345, "none", "12345"),
    (7, "widgets", "7 widgets"),
    (7, "suffix:/day", "7 /day"),
    (1, "bool_yes_no", "Yes"),
    (21.5, "celsius", "21.5 °C"),
    (1, "wps", "1 wr/s"),
]


def test_units(browser, live):
    browser.open(live.url)
    found = browser.value(f"{[[value, unit] for value, unit, _text in UNITS]}.map(([value, unit]) => observatory.format(value, unit))")
    assert [text.replace("\xa0", " ") for text in found] == [text for _value, _unit, text in UNITS]
    assert browser.value('observatory.format(1, "percentunit", 3)') == "100.000 %"
    assert browser.value('observatory.format(null, "s")') == "\u2013"


def test_every_unit_of_the_content_is_known(browser, live):
    units = sorted(
        {
            panel.data.get("fieldConfig", {}).get("defaults", {}).get("unit", "short")
            for board in live.pages.bundle.boards.values()
            for panel in board.panels.values()
        }
        | {
            prop["value"]
            for board in live.pages.bundle.boards.values()
            for panel in board.panels.values()
            for override in panel.data.get("fieldConfig", {}).get("overrides", ())
            for prop in override["properties"]
            if prop["id"] == "unit"
        }
    )
    browser.open(live.url)
    assert browser.value(f"{units}.filter((unit) => !observatory.UNITS[unit])") == []


def test_thresholds_and_mappings(browser, live):
    browser.open(live.url)
    steps = '[{value: null, color: "green"}, {value: 5, color: "red"}]'
    field = f'{{thresholds: {{steps: {steps}}}, mappings: [{{type: "value", options: {{"1": {{text: "up", color: "green"}}}}}}]}}'
    assert browser.value(f"[null, 4, 5, 6].map((value) => observatory.step(value, {field}))") == ["green", "green", "red", "red"]
    assert browser.value(f"observatory.mapped(1, {field}).text") == "up"
    assert browser.value(f"observatory.mapped(2, {field})") is None
