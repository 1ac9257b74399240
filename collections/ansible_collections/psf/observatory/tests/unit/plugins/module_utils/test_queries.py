# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dead queries: what counts as alive, what is excused, and that errors are told in the service's own words."""

from __future__ import annotations

import json
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.queries import Queries, summary

URLS = {"prometheus": "http://p", "loki": "http://l", "jaeger": "http://j"}


class World:
    """Services whose answers are by path; a value is the data, or (status, body)."""

    def __init__(self, **answers):
        self.answers = {"/" + path.replace("_", "/"): value for path, value in answers.items()}
        self.asked, self.now = [], 1000.0

    def fetch(self, url):
        parts = urlsplit(url)
        self.asked.append((parts.path, {key: value[0] for key, value in parse_qs(parts.query).items()}))
        answer = next((value for path, value in self.answers.items() if parts.path.replace("_", "/").endswith(path)), None)
        if callable(answer):
            answer = answer()
        if isinstance(answer, OSError):
            raise answer
        if isinstance(answer, tuple):
            return answer
        return 200, json.dumps({"data": answer})

    def sleep(self, seconds):
        self.now += seconds

    def queries(self, urls=None):
        return Queries(urls or URLS, {}, 3600, 2, self.fetch, lambda: self.now, self.sleep)


def row(datasource="prometheus", expr="up", **options):
    return {"id": "x", "datasource": datasource, "expr": expr, "instant": False, "may_be_empty": None, **options}


SOME, NONE = {"result": [{}]}, {"result": []}


@pytest.mark.parametrize(("world", "query", "state"), [
    (World(v1_query=SOME), row(), "alive"),
    (World(query_range=SOME, v1_query=NONE), row(), "alive"),
    (World(query_range=SOME, v1_query=NONE), row(instant=True), "empty"),
    (World(query_range=NONE, v1_query=NONE), row(), "empty"),
    (World(query_range=NONE, v1_query=NONE), row(may_be_empty="rare"), "excused"),
    (World(v1_query=(400, '{"error": "parse error"}')), row(may_be_empty="rare"), "error"),
    (World(v1_query=OSError("refused")), row(), "error"),
    (World(v1_query=(200, "<html>")), row(), "error"),
    (World(query_range=SOME), row("loki", '{a="b"}', instant=True), "alive"),
    (World(query_range=NONE, v1_query=SOME), row("loki", 'sum(rate({a="b"}[5m]))'), "alive"),
    (World(api_traces=[{}]), row("jaeger", "web"), "alive"),
    (World(api_traces=[]), row("jaeger", "web"), "empty"),
    (World(api_dependencies=[{}]), row("jaeger", "dependencies"), "alive"),
    (World(), row("mysql"), "error")])
def test_what_a_query_is(world, query, state):
    assert world.queries().one(query)["state"] == state


def test_an_error_is_told_in_the_services_words():
    found = World(v1_query=(400, '{"error": "parse error: unexpected end"}')).queries().one(row())
    assert found["detail"] == "HTTP 400 parse error: unexpected end"
    assert World().queries({"loki": "http://l"}).one(row())["detail"] == "the region has no prometheus"


def test_only_what_found_nothing_is_asked_again_until_the_time_is_up():
    state = SimpleNamespace(count=0)

    def second_time():
        state.count += 1
        return SOME if state.count > 1 else NONE

    world = World(v1_query=second_time)
    rows = [row(instant=True, id="a")]
    assert world.queries().run(rows, 60)[0]["state"] == "alive" and len(world.asked) == 2
    world = World(v1_query=NONE)
    results = world.queries().run([row(instant=True, id="a"), row(instant=True, id="b", may_be_empty="rare")], 12)
    assert [result["state"] for result in results] == ["empty", "excused"] and world.now == 1012
    assert [query["query"] for _path, query in world.asked].count("up") == 2 + 3
    assert summary([row(id="a"), row(id="b")], results) == {"prometheus": {"alive": 0, "excused": 1, "empty": 1, "error": 0}}
