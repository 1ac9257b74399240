# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""prometheus_query: numbers, errors in the service's words, and answers that are none."""

from __future__ import annotations

import json

import pytest
from ansible_collections.psf.observatory.plugins.modules import prometheus_query


def ask(web, body, status=200):
    path = "/api/v1/query?query=up&timeout=5s"
    web.answers[path] = (status, body if isinstance(body, bytes) else json.dumps(body).encode())
    return prometheus_query.ask({"url": web.url + "/", "username": "m", "password": "p"}, "up", 5)


def vector(*values):
    return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, value]} for value in values]}}


def test_numbers_of_every_series_and_the_log_in(web):
    assert ask(web, vector("1", "0.5", "NaN", "+Inf")) == {"values": [1.0, 0.5, "NaN", "+Inf"]}
    assert web.asked[0][2]["Authorization"].startswith("Basic ")
    json.dumps(ask(web, vector("NaN")), allow_nan=False)


def test_a_scalar_and_nothing(web):
    assert ask(web, {"status": "success", "data": {"resultType": "scalar", "result": [1, "3"]}}) == {"values": [3.0]}
    assert ask(web, vector()) == {"values": []}


@pytest.mark.parametrize(
    "body, status, words",
    [
        ({"status": "error", "error": "parse error"}, 400, "HTTP 400 parse error"),
        (b"<html>", 502, "another shape"),
        (b"[]", 200, "another shape"),
        ({"status": "success", "data": {}}, 200, "another shape"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, 200, "matrix"),
        (vector(*["1"] * 1001), 200, "1001 series"),
        (b"x" * (2 << 20), 200, "another shape"),
    ],
)
def test_what_is_no_number_is_an_error_and_never_a_value(web, body, status, words):
    assert words in ask(web, body, status)["error"]


def test_a_service_that_is_not_there_is_an_error():
    assert "refused" in prometheus_query.ask({"url": "http://127.0.0.1:1"}, "up", 1)["error"]
