"""Our rules in Sloth's mode are Sloth's rules: names, labels, expressions, order, to the last digit.

golden/*.yml are our specs; golden/<spec>.<period>.rules is what sloth v0.16.0 made of them (the first line is the command)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dashboards.slo import Options, groups, load, render
from dashboards.slo.windows import load_windows

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name.removesuffix(".rules") for path in GOLDEN.glob("*.rules"))


def slos(case: str):
    spec, period = case.split(".")
    catalog = None
    if period == "7d":
        windows = GOLDEN / "week-windows.yaml"
        catalog = load_windows(windows.read_text(), windows.name)
    return load((GOLDEN / f"{spec}.yml").read_text(), f"{spec}.yml", period=period, catalog=catalog)


def test_there_are_recordings():
    assert {case.split(".")[0] for case in CASES} == {"events", "raw", "extension"}
    assert {case.split(".")[1] for case in CASES} == {"30d", "28d", "7d"}


@pytest.mark.parametrize("case", CASES)
def test_same_as_sloth(case):
    recorded = [group for part in yaml.safe_load_all((GOLDEN / f"{case}.rules").read_text()) if part for group in part["groups"]]
    ours = [group for slo in slos(case) for group in groups(slo, Options(sloth=True))]
    assert [group["name"] for group in ours] == [group["name"] for group in recorded]
    for group, expected in zip(ours, recorded, strict=True):
        assert group == expected


@pytest.mark.parametrize("case", CASES)
def test_text_is_the_data(case):
    for options in (
        Options(sloth=True),
        Options(system="shop", owner="web", runbook_url=lambda slo, alert: f"https://x.test/#{alert.lower()}"),
    ):
        assert yaml.safe_load(render(slos(case), options)) == {"groups": [group for slo in slos(case) for group in groups(slo, options)]}


@pytest.mark.parametrize("case", CASES)
def test_default_mode_keeps_the_recordings(case):
    """Beside Sloth's mode, only the alerts differ."""
    for slo in slos(case):
        plain, sloth = groups(slo), groups(slo, Options(sloth=True))
        assert [group for group in plain if "alerts" not in group["name"]] == [group for group in sloth if "alerts" not in group["name"]]


def test_default_is_seventeen_rules():
    first = slos("events.30d")[0]
    assert [len(group["rules"]) for group in groups(first, Options(sloth=True))] == [8, 7, 2]
