# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus and Loki as they are asked about their rules, by answers like theirs."""

from __future__ import annotations

import json

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.plugins.module_utils.rules.service import Loki, Prometheus

PREFIX = "/etc/prometheus/content/current/rules/"


def prometheus(answers, asked=None):
    def fetch(path, method="GET", _timeout=30):
        if asked is not None:
            asked.append((method, path))
        return answers[path.split("?")[0]]
    return Prometheus({"url": "http://127.0.0.1:9090/"}, PREFIX, fetch)


def test_only_groups_from_our_own_files_count():
    groups = [{"name": "a", "file": PREFIX + "a.yml", "rules": []}, {"name": "b", "file": "/etc/prometheus/rules/b.yml", "rules": []}]
    found = prometheus({"/api/v1/rules": (200, json.dumps({"data": {"groups": groups}}))}).groups()
    assert [group["name"] for group in found] == ["a"]


def test_when_prometheus_last_read_its_files():
    body = json.dumps({"data": {"lastConfigTime": "2026-11-22T21:54:01Z"}})
    service = prometheus({"/api/v1/status/runtimeinfo": (200, body)})
    assert service.loaded_at() == 1795384441
    assert service.read_since(1795384441.9) and not service.read_since(1795384442)


def test_a_reload_that_is_refused_is_an_error_with_its_words():
    with pytest.raises(ConcernError, match="the reload was refused: HTTP 500 failed to reload"):
        prometheus({"/-/reload": (500, "failed to reload\nconfig")}).reload()


def test_each_expression_is_tried_once_and_what_cannot_be_is_told():
    asked = []
    service = prometheus({"/api/v1/query": (400, '{"error": "bad"}')}, asked)
    assert service.trials(["a", "b", "a"], 5) == ({"a": "bad", "b": "bad"}, 0) and len(asked) == 2
    assert service.trials(["a"], -1) == ({}, 1)


@pytest.mark.parametrize(("metrics", "expected"), [
    ('loki_ruler_config_last_reload_successful_seconds{user="fake"} 1.7e+09\n', 1.7e9),
    ('x 1\nloki_ruler_config_last_reload_successful_timestamp_seconds{cluster="a",user="fake"} 5\n', 5.0),
    ('loki_ruler_config_last_reload_successful{user="fake"} 1\n', None), ("", None)])
def test_when_lokis_ruler_took_other_rules(metrics, expected):
    assert Loki({"url": "http://l"}, lambda path: (200, metrics)).loaded_at() == expected


def test_lokis_log_says_why_it_refuses_rules():
    line = '{"caller":"ruler.go:579","err":"error parsing x.yml: undefined variable","level":"error","msg":"unable to list rules"}'
    other = '{"caller":"flush.go:3","err":"x","level":"error","msg":"flushing rule"}'
    service = Loki({"url": "http://l"}, None)
    assert service.refusal(["plain", other, line]) == "unable to list rules: error parsing x.yml: undefined variable"
    assert service.refusal([other]) == ""
    assert service.words([line, '{"level":"info","msg":"x"}', "time=x level=INFO msg=y"]) == [line]
