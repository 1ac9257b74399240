"""Of all laws: each has a reason and a test, the example keeps them all, and so does the real content."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from example_content import QUEUE, content, dashboard, panel

from dashboards import checks, load


@pytest.mark.parametrize("law", checks.laws())
def test_has_a_reason_and_a_failing_example(law):
    module = importlib.import_module(f"dashboards.checks.{law}")
    assert module.__doc__ and module.__doc__.rstrip().endswith((".", ")")), "the docstring is the reason"
    assert (Path(__file__).parent / f"test_{law}.py").is_file(), "a law without a failing example may hold nothing"


@pytest.mark.parametrize("law", checks.laws())
def test_the_example_keeps_the_law(law):
    if law == "drills_cover_alerts":
        pytest.skip("the example has no lab to make faults in")
    assert list(importlib.import_module(f"dashboards.checks.{law}").check(content())) == []


def test_the_real_content_keeps_every_law():
    assert [str(problem) for problem in checks.run(load.everything())] == []


def test_what_stops_several_laws_is_said_once():
    problems = checks.run(content(alerts=(replace(QUEUE, expr="shop_queue > $nosuch"),)))
    assert len([problem for problem in problems if "is not one of its thresholds" in problem.text]) == 1


def test_problems_name_the_law_and_the_place():
    text = [str(problem) for problem in checks.run(content(dashboards=(dashboard(panel("nosuch_metric")),)))]
    assert "shop: dashboard overview: panel extra: uses nosuch_metric, which no metrics.py declares [metric_contract]" in text


def test_rendering_is_shared_between_laws():
    of = content()
    assert checks.rendered(of) is checks.rendered(of)
    assert checks.rendered(content()) is not checks.rendered(of)
