# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expectation language: what each comparator holds, and that nothing unread ever passes."""

from __future__ import annotations

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance import expect
from ansible_collections.psf.observatory.plugins.module_utils.governance.expect import ERROR, FAIL, PASS, Unreadable
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_infinity=False) | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4), max_leaves=12)


def verdict(data, *rows):
    return expect.judge([{"name": "x", "data": data}], list(rows))[0]


@pytest.mark.parametrize(("value", "row", "wanted"), [
    (2, {"equals": 2}, PASS), (2.0, {"equals": 2}, PASS), ("2", {"equals": 2}, FAIL), (True, {"equals": 1}, FAIL),
    (1, {"equals": True}, FAIL),
    (True, {"equals": True}, PASS), ("a", {"differs": "b"}, PASS), ("b", {"differs": "b"}, FAIL),
    ("a", {"one_of": ["a", "b"]}, PASS), ("c", {"one_of": ["a", "b"]}, FAIL), ("c", {"none_of": ["a"]}, PASS),
    ("a", {"none_of": ["a"]}, FAIL),
    (3, {"at_least": 3}, PASS), (2.9, {"at_least": 3}, FAIL), (3, {"at_most": 3}, PASS), (3.1, {"at_most": 3}, FAIL),
    (0, {"more_than": 0}, FAIL), (1, {"more_than": 0}, PASS), (0, {"less_than": 0}, FAIL), (-1, {"less_than": 0}, PASS),
    ("3", {"at_least": 3}, ERROR), (True, {"at_least": 0}, ERROR), (float("nan"), {"at_most": 3}, ERROR),
    (float("nan"), {"equals": 3}, ERROR),
    (["a", "b"], {"holds": ["a"]}, PASS), (["a"], {"holds": ["a", "b"]}, FAIL), (["a"], {"holds": "a"}, PASS), (3, {"holds": "a"}, ERROR),
    (["a"], {"lacks": ["b"]}, PASS), (["b", "a"], {"lacks": ["b"]}, FAIL), (["a"], {"within": ["a", "b"]}, PASS),
    (["c"], {"within": ["a"]}, FAIL), (["a", "c"], {"holds_any": ["b", "c"]}, PASS), (["a"], {"holds_any": ["b", "c"]}, FAIL),
    (3, {"holds_any": ["a"]}, ERROR),
    ("abc", {"matches": "^a"}, PASS), ("bc", {"matches": "^a"}, FAIL), (3, {"matches": "3"}, ERROR), ("abc", {"lacks_match": "^b"}, PASS),
    ("0600", {"mode_within": "0640"}, PASS), ("0640", {"mode_within": "0640"}, PASS), ("0644", {"mode_within": "0640"}, FAIL),
    ("4640", {"mode_within": "0640"}, FAIL), ("rw-", {"mode_within": "0640"}, ERROR),
    ([], {"empty": True}, PASS), (["a"], {"empty": True}, FAIL), ("", {"empty": True}, PASS), (None, {"empty": True}, ERROR),
    (0, {"empty": True}, FAIL),
    ("a", {"present": True}, PASS), (None, {"present": True}, FAIL), (None, {"present": False}, PASS),
    ("15d", {"as": "duration", "at_most": 1296000}, PASS), ("744h0m0s", {"as": "duration", "at_least": 2678400}, PASS),
    ("long", {"as": "duration", "at_most": 1}, ERROR), ("50GiB", {"as": "size", "at_least": 50 << 30}, PASS),
    ("3", {"as": "number", "at_least": 3}, PASS),
])
def test_a_comparator(value, row, wanted):
    assert verdict({"v": value}, {"that": "v", **row}) == wanted


def test_every_comparator_is_tried_above():
    tried = {key for mark in test_a_comparator.pytestmark for _value, row, _wanted in mark.args[1] for key in row}
    assert set(expect.COMPARATORS) <= tried


@given(JSON, st.sampled_from(sorted(set(expect.COMPARATORS) - {"present"})), JSON)
def test_a_value_that_is_not_there_never_passes(wanted, comparator, data):
    row = {"that": "surely.not.there", comparator: "x" if "match" in comparator else wanted}
    assert verdict({"data": data}, row) == ERROR


@given(JSON)
def test_nothing_that_a_probe_may_give_breaks_a_judgement(data):
    for row in ({"that": "a.b", "at_most": 3}, {"each": "a", "that": "b", "equals": 1}, {"each": "a.*.b", "that": "", "holds": "x"},
                {"each": "a", "that": "b", "where": {"c": {"at_least": 1}}, "equals": 1}):
        assert verdict(data, row) in (PASS, FAIL, ERROR)


@given(st.lists(st.integers(0, 9), max_size=6), st.lists(st.text("ab", min_size=1, max_size=3), max_size=3))
def test_pass_needs_something_looked_at_and_no_failed_read(values, errors):
    readings = [{"name": str(index), "data": {"v": value}} for index, value in enumerate(values)]
    readings += [{"name": "e", "error": text} for text in errors]
    status = expect.judge(readings, [{"that": "v", "at_most": 5}])[0]
    if any(value > 5 for value in values):
        assert status == FAIL
    elif errors or not values:
        assert status == ERROR
    else:
        assert status == PASS


def test_an_empty_list_is_an_error_unless_it_may_be_empty():
    row = {"each": "rows", "that": "v", "equals": 1}
    assert verdict({"rows": []}, row) == ERROR
    assert verdict({"rows": []}, {**row, "may_be_empty": True}) == PASS
    assert verdict({"rows": [{"v": 2, "k": "a"}]}, {**row, "where": {"k": "b"}}) == ERROR
    assert verdict({}, {**row, "may_be_empty": True}) == ERROR, "not empty: not there"


def test_one_that_is_fine_does_not_excuse_another_that_is_not_there():
    assert verdict({"rows": [{"v": 1}, {}]}, {"each": "rows", "that": "v", "equals": 1}) == ERROR


def test_paths():
    data = {"a": {"b.c": [{"d": 1}, {"d": 2}]}, "m": {"x": {"v": 1}, "y": {"v": 3}}}
    assert expect.look(data, 'a."b.c".1.d') == 2
    assert expect.look(data, "") is data
    assert expect.look(data, "a.zz.d") is expect.MISSING
    assert [item for _name, item in expect.elements({"g": [{"r": [1, 2]}, {"r": [3]}]}, "g.*.r")] == [1, 2, 3]
    _status, _expected, actual, _message, offending = expect.judge([{"name": "h", "data": data}], [
        {"each": "m", "that": "v", "at_most": 2}])
    assert actual == "h: y: v 3" and offending == ["h"]


def test_names_are_filled_in_and_unknown_ones_refused():
    names = {"limit": 3, "context": {"hosts": ["a"]}}
    assert expect.resolve({"x": ["$limit", "$context.hosts", "plain $limit"]}, names) == {"x": [3, ["a"], "plain $limit"]}
    with pytest.raises(Unreadable, match="context.ports"):
        expect.resolve("$context.ports", names)


@pytest.mark.parametrize(("row", "words"), [
    ("text", "no mapping"), ({"that": "v"}, "exactly one comparator"), ({"that": "v", "equals": 1, "at_most": 2}, "exactly one"),
    ({"equals": 1}, "that: missing"), ({"that": "v", "eqals": 1}, "eqals: unknown"), ({"that": "v", "as": "octal", "equals": 1}, "as:"),
    ({"that": "v", "matches": "["}, "not a regular expression"),
    ({"that": "v", "equals": 1, "where": {"k": {"is": 2}}}, "where: is: unknown"),
    ({"that": "v", "equals": 1, "where": ["k"]}, "no mapping of paths"),
])
def test_what_the_language_does_not_have_is_refused(row, words):
    with pytest.raises(ValueError, match=words):
        expect.vocabulary(row)


def test_texts_are_short_however_much_there_is():
    rows = [{"name": f"file-{number}", "mode": "0666"} for number in range(500)]
    _status, expected, actual, message, _offending = expect.judge([{"name": "h", "data": {"files": rows}}], [
        {"each": "files", "that": "mode", "mode_within": "0640"}])
    assert actual.count("file-") == expect.SHOWN and actual.endswith("and 494 more")
    assert expected == "each mode is within mode 0640" and "500 of" in message
