# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of rules: what is refused, what differs, and when a service has loaded exactly what is declared."""

from __future__ import annotations

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.plugins.module_utils.rules import model
from ansible_collections.psf.observatory.tests.unit.rig import FakeService, alert, group
from hypothesis import given
from hypothesis import strategies as st

RULES = st.builds(lambda name, expr, wait, severity: alert(name, expr, **{"for": wait, "labels": {"severity": severity}}),
                  st.sampled_from("ABC"), st.sampled_from(["a", "b", "c"]), st.sampled_from(["1m", "5m"]),
                  st.sampled_from(["info", "warning"]))
GROUPS = st.lists(st.builds(lambda name, items: {"file": "f.yml", **group(*items, name=name)}, st.sampled_from("gh"),
                            st.lists(RULES, max_size=4)), max_size=2, unique_by=lambda one: one["name"])


@pytest.mark.parametrize(("text", "seconds"), [
    ("5m", 300), ("1h30m", 5400), ("0", 0), (0, 0), ("1d", 86400), ("500ms", 0.5), ("2w", 1209600)])
def test_durations(text, seconds):
    assert model.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "1m1h", "-1m", "5m\n"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        model.duration(text)


@pytest.mark.parametrize(("wrong", "words"), [
    ([group(alert(), name="")], "a group has no name"),
    ([group(alert()), group(alert())], "two groups of this name"),
    ([group({"expr": "a"})], r"rules\[0\]: needs alert or record"),
    ([group({**alert(), "record": "a:b"})], "and not both"),
    ([group(alert(expr=" "))], "rule Down: expr is ' ', not an expression"),
    ([group(alert(**{"for": "5"}))], "rule Down: for: '5' is not a duration"),
    ([group(alert(), interval="1x")], "group g: interval: '1x'"),
])
def test_what_no_service_could_load_is_refused_by_name(wrong, words):
    with pytest.raises(ConcernError, match=words):
        model.check([{"file": "node.yml", **one} for one in wrong])


@given(GROUPS, GROUPS)
def test_there_are_differences_exactly_when_groups_differ(found, wanted):
    rows = list(model.differences(found, wanted))

    def plain(groups):
        return {one["name"]: one["rules"] for one in groups if one["rules"]}
    assert bool(rows) == (plain(found) != plain(wanted))
    old = sum(len(one["rules"]) for one in found)
    verbs = [row[0] for row in rows]
    assert old + verbs.count("add rule") - verbs.count("remove rule") == sum(len(one["rules"]) for one in wanted)
    for verb, _target, detail, before, after, _rule in rows:
        if verb == "change rule":
            assert detail and before != after


@given(GROUPS, GROUPS)
def test_a_service_has_what_is_declared_exactly_when_it_is_the_same(wanted, loaded):
    api = [FakeService._group(one["file"], one) for one in loaded]
    reason = model.mismatch(model.shape(wanted), model.shape_loaded(api))

    def bare(groups):
        return {one["name"]: [{**rule, "expr": ""} for rule in one["rules"]] for one in groups}
    assert (reason == "") == (bare(wanted) == bare(loaded))


def test_a_groups_own_options_and_the_order_of_its_rules_are_differences():
    one, two = alert("A"), alert("B")
    rows = list(model.differences([{"file": "f.yml", **group(one, two)}], [{"file": "f.yml", **group(two, one, interval="1m")}]))
    assert [(row[0], row[1], row[2]) for row in rows] == [("set group", "f/g", "interval")]
    rows = list(model.differences([{"file": "f.yml", **group(one, two)}], [{"file": "f.yml", **group(two, one)}]))
    assert [(row[0], row[2]) for row in rows] == [("set group", "order of rules")]
