# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: what is refused, when one stands, what it covers; over dates, zones, scopes and overlaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import waivers
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import (
    STATUSES,
    Control,
    GovernanceError,
    Result,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTROLS = {
    "NET-01": Control("NET-01", "t", "high", "d", "o"),
    "NET-02": Control("NET-02", "t", "critical", "d", "o"),
    "CHG-04": Control("CHG-04", "t", "high", "d", "o"),
}
GOOD = {
    "id": "WVR-1",
    "control": "NET-01",
    "scope": {"host": "app-eu-1"},
    "reason": "r",
    "ticket": "T-1",
    "requested_by": "web",
    "approved_by": "security",
    "created": "2026-11-01",
    "expires": "2026-12-31",
}


def parsed(*changes, now=NOW):
    rows = [("waivers.yml", {key: value for key, value in {**GOOD, **change}.items() if value is not ...}) for change in changes or ({},)]
    return waivers.parse(rows, CONTROLS, now)


def result(control="NET-01", status="fail", name="app-eu-1", **options):
    return Result(control, options.pop("type", "host"), name, options.pop("region", "eu"), status, **options)


def applied(results, rows, now=NOW, complete=True):
    waivers.apply(results, rows, now, complete)
    return results


# -- what is refused ---------------------------------------------------------------------------------------------------
def test_a_good_one_has_no_problem_and_waives_its_failure():
    (waiver,) = parsed()
    (row,) = applied([result()], [waiver])
    assert waiver.problems == [] and waiver.state == "active"
    assert (row.waiver, row.status, row.waived_until, row.bad) == ("WVR-1", "fail", date(2026, 12, 31), False)


@pytest.mark.parametrize(
    "change, key, words",
    [
        ({"id": ...}, "id", "missing"),
        ({"id": "a b"}, "id", "letters"),
        ({"control": "NOPE-1"}, "control", "does not exist"),
        ({"control": "CHG-04"}, "control", "cannot be waived"),
        ({"scope": ...}, "scope", "missing"),
        ({"scope": {}}, "scope", "missing"),
        ({"scope": "app-eu-1"}, "scope", "not a mapping"),
        ({"scope": {"host": 3}}, "scope.host", "not a name"),
        ({"reason": "  "}, "reason", "not text"),
        ({"reason": 7}, "reason", "not text"),
        ({"ticket": None}, "ticket", "missing"),
        ({"approved_by": "web"}, "approved_by", "must be another"),
        ({"approved_by": " W\u0045b "}, "approved_by", "must be another"),
        ({"approved_by": "\uff37\uff25\uff22"}, "approved_by", "must be another"),
        ({"expires": ...}, "expires", "missing"),
        ({"expires": "31.12.2026"}, "expires", "YYYY-MM-DD"),
        ({"expires": "2026/12/31"}, "expires", "YYYY-MM-DD"),
        ({"expires": "20261231"}, "expires", "YYYY-MM-DD"),
        ({"expires": "2026-W50-1"}, "expires", "YYYY-MM-DD"),
        ({"expires": "2026-12-31T00:00:00Z"}, "expires", "YYYY-MM-DD"),
        ({"expires": "2026-1-1"}, "expires", "YYYY-MM-DD"),
        ({"expires": "2026-02-30"}, "expires", "calendar"),
        ({"expires": "\u0662\u0660\u0662\u0666-12-31"}, "expires", "YYYY-MM-DD"),
        ({"expires": 20261231}, "expires", "YYYY-MM-DD"),
        ({"expires": datetime(2026, 12, 31, 1)}, "expires", "time of day"),
        ({"expires": "2026-10-01"}, "expires", "before created"),
        ({"expires": "2027-05-01"}, "expires", "at most 180"),
        ({"control": "NET-02", "expires": "2027-01-31"}, "expires", "at most 90"),
        ({"created": "2026-11-26"}, "created", "future"),
        ({"until": "2027"}, "until", "unknown"),
        ({"control": "NET-02", "scope": {"host": "*"}}, "scope", "holds everything"),
        ({"control": "NET-02", "scope": {"type": "host", "name": "**"}}, "scope", "holds everything"),
        ({"control": "NET-02", "scope": {"host": ["app-eu-1", "*"]}}, "scope", "holds everything"),
    ],
)
def test_each_problem_is_said_with_file_id_key_and_reason(change, key, words):
    (waiver,) = parsed(change)
    (row,) = applied([result(waiver.control)], [waiver])
    assert waiver.state == "invalid" and row.bad
    assert any(text.startswith("waivers.yml: ") and f": {key}: " in text and words in text for text in waiver.problems), waiver.problems
    assert len(waiver.problems) == 1, waiver.problems


def test_what_is_no_mapping_and_a_doubled_id_are_said():
    rows = waivers.parse([("w.yml", "x"), ("w.yml", GOOD), ("w.yml", GOOD)], CONTROLS, NOW)
    assert [row.state for row in rows] == ["invalid"] * 3
    assert "not a mapping" in rows[0].problems[0] and "2 waivers have this id" in rows[1].problems[0]


def test_yamls_own_dates_are_read_and_a_file_may_have_the_variables_name(tmp_path):
    path = tmp_path / "w.yml"
    path.write_text(
        "governance_waivers:\n- {id: W, control: NET-01, scope: {host: a}, reason: r, ticket: t, requested_by: a, "
        "approved_by: b, created: 2026-11-01, expires: 2026-11-30}\n"
    )
    (waiver,) = waivers.parse(waivers.load("w.yml", tmp_path), CONTROLS, NOW)
    assert not waiver.problems and waiver.expires == date(2026, 11, 30) and waiver.origin == str(path)


@pytest.mark.parametrize("text, words", [("a: [", "not YAML"), ("a: 1", "must be a list"), ("- 2026-13-45", "not YAML")])
def test_a_file_that_cannot_be_used_is_one_error_with_its_name(tmp_path, text, words):
    (tmp_path / "w.yml").write_text(text)
    with pytest.raises(GovernanceError, match=words) as error:
        waivers.load("w.yml", tmp_path)
    assert "w.yml" in str(error.value)


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(b"\xff\xfe\x00"), lambda path: path.mkdir()])
def test_what_is_no_text_is_one_error_with_its_name(tmp_path, make):
    make(tmp_path / "w.yml")
    with pytest.raises(GovernanceError, match=r"governance_waivers: .*w\.yml: .*it must be a YAML file"):
        waivers.load("w.yml", tmp_path)


def test_a_missing_file_is_an_error_and_nothing_is_nothing(tmp_path):
    with pytest.raises(GovernanceError, match="No such file"):
        waivers.load("w.yml", tmp_path)
    (tmp_path / "e.yml").write_text("---\n")
    assert waivers.load(None) == waivers.load([]) == waivers.load("e.yml", tmp_path) == []


# -- when it stands ----------------------------------------------------------------------------------------------------
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=zones)


@given(now=moments, back=st.integers(0, 200), length=st.integers(0, 180))
def test_it_stands_to_the_end_of_its_last_day_in_utc_wherever_one_asks(now, back, length):
    today = now.astimezone(UTC).date()
    created = today - timedelta(days=back)
    expires = created + timedelta(days=length)
    (waiver,) = parsed({"created": created, "expires": expires.isoformat()}, now=now)
    (row,) = applied([result()], [waiver], now)
    assert not waiver.problems
    assert row.waived == (now < waiver.ends_at) == (today <= expires)
    left = (expires - today).days
    assert waiver.state == ("expired" if left < 0 else "expiring" if left < 14 else "active")


@pytest.mark.parametrize(
    "now, state",
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "expiring"),
        (datetime(2027, 1, 1, 0, 0, 0, tzinfo=UTC), "expired"),
        (datetime(2027, 1, 1, 13, 0, tzinfo=timezone(timedelta(hours=14))), "expiring"),
        (datetime(2026, 12, 31, 13, 0, tzinfo=timezone(timedelta(hours=-12))), "expired"),
        (datetime(2026, 12, 17, 23, 59, tzinfo=UTC), "active"),
        (datetime(2026, 12, 18, 0, 0, tzinfo=UTC), "expiring"),
    ],
)
def test_the_days_at_the_edges(now, state):
    (waiver,) = parsed(now=now)
    applied([result()], [waiver], now)
    assert waiver.state == state


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        parsed(now=datetime(2026, 11, 24))


@given(severity=st.sampled_from(["NET-01", "NET-02"]), length=st.integers(0, 400))
def test_the_longest_time_depends_on_the_severity(severity, length):
    created = NOW.date() - timedelta(days=1)
    (waiver,) = parsed({"control": severity, "created": created, "expires": created + timedelta(days=length)})
    assert bool(waiver.problems) == (length > (90 if severity == "NET-02" else 180))


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.datetimes(), st.lists(st.integers())))
def test_no_value_of_another_form_is_ever_read_as_a_date(value):
    try:
        found = waivers.read_date(value)
    except ValueError:
        return
    assert isinstance(value, str) and found.isoformat() == value


@given(st.dates())
def test_every_day_survives_yaml_and_text(day):
    assert waivers.read_date(day) == waivers.read_date(day.isoformat()) == waivers.read_date(yaml.safe_load(yaml.safe_dump(day)))


# -- what it covers ----------------------------------------------------------------------------------------------------
names = st.sampled_from(["app-eu-1", "app-us-1", "obs-eu-1"])
subjects = st.builds(
    lambda name, status, control: result(control, status, name, region=name.split("-")[1]),
    names,
    st.sampled_from(STATUSES),
    st.sampled_from(["NET-01", "NET-02"]),
)
scopes = st.dictionaries(
    st.sampled_from(["host", "region", "name", "type", "namespace", "service"]),
    st.sampled_from(["app-*", "*-eu-?", "eu", "host", "app-eu-1", "nothing"]),
    min_size=1,
)


@given(
    rows=st.lists(subjects, max_size=12),
    given_scopes=st.lists(scopes, max_size=4),
    ends=st.lists(st.integers(-5, 40), min_size=4, max_size=4),
)
def test_only_failures_in_scope_are_flagged_and_no_status_ever_changes(rows, given_scopes, ends):
    before = [row.status for row in rows]
    found = (
        parsed(
            *(
                {"id": f"W{index}", "scope": scope, "expires": NOW.date() + timedelta(days=ends[index])}
                for index, scope in enumerate(given_scopes)
            )
        )
        if given_scopes
        else []
    )
    applied(rows, found)
    assert [row.status for row in rows] == before
    by_id = {waiver.id: waiver for waiver in found}
    for row in rows:
        standing = [waiver for waiver in found if waiver.state in ("active", "expiring") and waiver.covers(row)]
        if row.status != "fail" or not standing:
            assert not row.waived
        else:
            assert row.waiver in {waiver.id for waiver in standing}
            assert by_id[row.waiver].expires == row.waived_until == max(waiver.expires for waiver in standing)
    for waiver in found:
        covers = any(waiver.covers(row) and row.status == "fail" for row in rows)
        if waiver.expires >= NOW.date():
            assert (waiver.state == "unused") == (not covers)


@given(rows=st.lists(subjects, max_size=8), scope=scopes, other=scopes)
def test_a_further_key_only_narrows_and_order_does_not_matter(rows, scope, other):
    wide, narrow = parsed({"scope": scope})[0], parsed({"scope": {**other, **scope}})[0]
    assert {row.fingerprint for row in rows if narrow.covers(row)} <= {row.fingerprint for row in rows if wide.covers(row)}
    one, two = [result()], [result()]
    pair = [{"id": "A", "expires": "2026-12-01"}, {"id": "B", "expires": "2026-12-30"}]
    applied(one, parsed(*pair)), applied(two, parsed(*reversed(pair)))
    assert one[0].waiver == two[0].waiver == "B"


def test_an_error_is_not_waived_and_the_waiver_of_a_pass_is_unused():
    (waiver,) = parsed()
    (row,) = applied([result(status="error")], [waiver])
    assert row.bad and waiver.state == "unused"
    applied([result(status="pass")], [waiver])
    assert waiver.state == "unused"


def test_in_a_partial_run_a_waiver_whose_subjects_were_not_asked_is_not_unused():
    (waiver,) = parsed({"scope": {"host": "app-us-1"}})
    applied([result()], [waiver], complete=False)
    assert waiver.state == "active"
    applied([result(name="app-us-1", status="pass")], [waiver], complete=False)
    assert waiver.state == "unused"


def test_a_namespace_in_the_scope_holds_what_is_in_it():
    (waiver,) = parsed({"scope": {"namespace": "legacy-*"}})
    rows = applied(
        [
            result(type="pod", name="a", namespace="legacy-crm"),
            result(type="namespace", name="legacy-crm"),
            result(type="pod", name="b", namespace="shop"),
        ],
        [waiver],
    )
    assert [row.waived for row in rows] == [True, True, False]
