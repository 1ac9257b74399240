"""Drills run side by side only where none disturbs another, and each of them runs in the end."""

from __future__ import annotations

import itertools

import pytest
import schedule
from hypothesis import given
from hypothesis import strategies as st

HOSTS = [schedule.Host(f"{kind}-{region}-1", "192.0.2.1", region, frozenset({"all", group}))
         for region in ("eu", "us") for kind, group in (("obs", "prometheus"), ("app", "psf_web"))]


def task(number=0, **more):
    return schedule.task({"system": "node", "id": f"d{number}", "on": "psf_web", "within": 60, **more}, HOSTS)


def test_hosts_are_chosen_by_group_and_region():
    assert [host.name for host in task().hosts] == ["app-eu-1"]
    assert [host.name for host in task(region="last").hosts] == ["app-us-1"]
    assert [host.name for host in task(on="all", hosts="all").hosts] == ["app-eu-1", "obs-eu-1"]
    with pytest.raises(schedule.NotPossible, match="no host of region eu is in group kafka"):
        task(on="kafka")


@pytest.mark.parametrize(("one", "other", "together"), [
    ({}, {}, True),
    ({"takes": ["loki"]}, {}, True),
    ({"takes": ["loki"]}, {"needs": ["loki"]}, False),
    ({"takes": ["loki"]}, {"takes": ["loki"]}, False),
    ({"takes": ["loki"]}, {"needs": ["loki"], "region": "last"}, True),
    ({"takes": ["prometheus"]}, {}, False),
    ({"takes": ["alertmanager"]}, {"region": "last"}, True),
    ({"takes": ["host"]}, {}, False),
    ({"takes": ["host"]}, {"on": "prometheus"}, True),
    ({"alone": True}, {"region": "last"}, False),
])
def test_who_disturbs_whom(one, other, together):
    assert schedule.fit(task(1, **one), task(2, **other)) is together
    assert schedule.fit(task(2, **other), task(1, **one)) is together


@pytest.mark.parametrize("seen", [{"seen_at": "elsewhere"}, {"alerts": {"Gone": {"region": "$OTHER"}}}])
def test_what_another_region_sees_needs_that_region_whole(seen):
    one = task(1, takes=["alertmanager"], **seen)
    assert one.other == "us" and {"us/alertmanager", "us/alert_log", "us/prometheus", "us/blackbox"} <= one.needs
    assert not schedule.fit(one, task(2, takes=["alertmanager"], region="last"))
    assert schedule.fit(one, task(2, takes=["loki"], region="last"))
    assert not schedule.fit(one, task(2, takes=["ways"], region="last")), "the ways are those of all regions"
    with pytest.raises(schedule.NotPossible, match="node/d1 is seen in another region, and there is just eu"):
        schedule.task({"system": "node", "id": "d1", "on": "psf_web", "within": 60, **seen}, HOSTS[:2])


THINGS = st.lists(st.sampled_from(["loki", "prometheus", "host", "targets"]), max_size=2)
DRILL = st.fixed_dictionaries({"region": st.sampled_from(["first", "last"]), "takes": THINGS, "needs": THINGS, "alone": st.booleans(),
                               "within": st.integers(1, 900)})
DRILLS = st.lists(DRILL, max_size=12)


@given(DRILLS)
def test_all_run_and_none_is_disturbed(drills):
    waiting = [task(number, **drill) for number, drill in enumerate(drills)]
    running: list[schedule.Task] = []
    ran = 0
    while waiting or running:
        for one in schedule.startable(waiting, running):
            waiting.remove(one)
            running.append(one)
        assert running, "what waits must be able to start when nothing runs"
        assert all(schedule.fit(one, other) for one, other in itertools.combinations(running, 2))
        running.pop(0)
        ran += 1
    assert ran == len(drills)
