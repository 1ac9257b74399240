"""Durations, tiers by period, and which objective a tier suits."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.slo import SloError, load
from dashboards.slo.windows import (
    DAY,
    HOUR,
    MONTH,
    budget,
    duration,
    impossible,
    load_windows,
    number,
    paste,
    seconds,
    smallest_objective,
    suitable,
    tiers_for,
)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0s"),
        (300, "5m"),
        (5400, "1h30m"),
        (DAY, "1d"),
        (36 * HOUR, "1d12h"),
        (7 * DAY, "1w"),
        (28 * DAY, "4w"),
        (30 * DAY, "30d"),
        (365 * DAY, "1y"),
    ],
)
def test_durations_as_prometheus_writes_them(length, text):
    assert duration(length) == text and seconds(text) == length


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9))
def test_durations_come_back(length):
    assert seconds(duration(length)) == length


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "1m1h", "-5m", "1.5h"])
def test_no_durations(text):
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.0, "6"),
        (14.4, "14.4"),
        (0.9333333333333333, "0.9333333333333333"),
        (5.6000000000000005, "5.6000000000000005"),
        (1e-05, "1e-05"),
        (1e6, "1e+06"),
        (123456789.0, "1.23456789e+08"),
        (100000.0, "100000"),
        (0.0001, "0.0001"),
        (0.00012, "0.00012"),
    ],
)
def test_numbers_as_go_writes_them(value, text):
    assert number(value) == text and float(number(value)) == value


def test_factors():
    assert [round(tier.factor, 6) for tier in tiers_for(30 * DAY)] == [14.4, 6, 3, 1]
    assert [round(tier.factor, 6) for tier in tiers_for(28 * DAY)] == [13.44, 5.6, 2.8, 0.933333]


@pytest.mark.parametrize("days", [7, 14, 90, 365])
def test_other_periods_keep_factors_and_windows(days):
    base, tiers = tiers_for(30 * DAY), tiers_for(days * DAY)
    assert [(tier.factor, tier.short, tier.long, tier.hold) for tier in tiers] == [
        (tier.factor, tier.short, tier.long, tier.hold) for tier in base
    ]
    for tier in tiers:
        assert tier.percent / 100 * days * DAY / tier.long == pytest.approx(tier.factor)


def test_short_periods_need_tiers_of_their_own():
    with pytest.raises(ValueError, match="too short"):
        tiers_for(2 * DAY)


SPEC = """\
version: prometheus/v1
service: cache
slos:
  - name: hits
    objective: {objective}
    sli: {{events: {{error_query: "rate(m[{{{{.window}}}}])", total_query: "rate(t[{{{{.window}}}}])"}}}}
    alerting:
      name: CacheHits
      page_alert: {{disable: {no_page}}}
{more}"""


def cache(objective, more="", no_page="false"):
    return load(SPEC.format(objective=objective, more=more, no_page=no_page), "cache.yml")[0]


def test_impossible_tiers_are_refused_and_the_proposal_can_be_pasted():
    with pytest.raises(SloError) as caught:
        cache(80)
    said = str(caught.value)
    assert "cache.yml: slos[0].objective (line 5)" in said
    assert "page-quick (fires above 14.4 x budget 0.2 = 2.88) suits objectives above 93.056" in said
    assert "page-slow (fires above 6 x budget 0.2 = 1.2) suits objectives above 83.334" in said and "ticket" not in said.splitlines()[0]
    proposal = said[said.index("\n") + 1 :]
    slo = cache(80, "".join(f"{line[2:]}\n" for line in proposal.splitlines()))
    assert [round(tier.factor, 2) for tier in slo.tiers] == [4, 3, 2, 1]
    assert not any(impossible(tier, 80) for tier in slo.tiers)


def test_a_tier_that_is_off_may_be_impossible():
    assert cache(85, no_page="true").ticket.disabled is False
    with pytest.raises(SloError, match="page-quick"):
        cache(85)


@settings(deadline=None, max_examples=40)
@given(st.floats(1, 99.9999), st.sampled_from([7, 28, 30, 90, 365]))
def test_a_proposal_always_suits(objective, days):
    base = tiers_for(days * DAY)
    proposal = suitable(objective, days * DAY, base)
    assert not any(impossible(tier, objective) for tier in proposal)
    assert all(fast.factor > slow.factor - 0.001 for fast, slow in pairwise(proposal))
    assert yaml.safe_load(paste(proposal))["x-psf"]["windows"].keys() == {"page", "ticket"}


@settings(deadline=None, max_examples=40)
@given(st.floats(1, 99.9999), st.sampled_from(range(4)))
def test_smallest_objective_is_where_impossible_ends(objective, index):
    tier = tiers_for(MONTH)[index]
    if objective > smallest_objective(tier):
        assert not impossible(tier, objective)
    elif objective < smallest_objective(tier) - 0.001:
        assert impossible(tier, objective)


def test_budget_has_sloths_digits():
    assert (number(budget(99.9)), number(budget(99.99))) == ("0.0009999999999999432", "0.00010000000000005117")


WINDOWS = """\
apiVersion: sloth.slok.dev/v1
kind: AlertWindows
spec:
  sloPeriod: 7d
  page:
    quick: {errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h}
    slow: {errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}
  ticket:
    quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}
    slow: {errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d}
"""


def test_windows_file():
    catalog = load_windows(WINDOWS, "w.yml")
    assert [round(tier.factor, 3) for tier in tiers_for(7 * DAY, catalog)] == [13.44, 3.5, 1.4, 0.98]
    assert [tier.hold for tier in tiers_for(7 * DAY, catalog)] == [120, 900, 3600, 10800], "for is ours where the file names none"
    with pytest.raises(ValueError, match="only for 1w"):
        tiers_for(30 * DAY, catalog)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("AlertWindows", "Windows", r"w.yml: kind \(line 2\).*must be AlertWindows"),
        ("sloPeriod: 7d", "sloPeriod: 2d", r"spec.ticket.slow.longWindow .*not shorter than the period"),
        ("longWindow: 1h", "longWindow: 1x", r"spec.page.quick.longWindow \(line 6\).*not a duration"),
        ("shortWindow: 5m, ", "", r"spec.page.quick \(line 6\).*needs shortWindow"),
        ("  ticket:", "  tickets:", r"spec.tickets .*not known"),
    ],
)
def test_windows_file_refused(old, new, said):
    with pytest.raises(SloError, match=said):
        load_windows(WINDOWS.replace(old, new), "w.yml")
