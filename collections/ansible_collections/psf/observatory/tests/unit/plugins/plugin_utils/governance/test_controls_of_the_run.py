# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CHG-04 and CHG-05 have parameters like all others: an environment overrides them, a wrong one is refused, and the report shows it."""

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance import control
from ansible_collections.psf.observatory.plugins.plugin_utils import controls as library
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import hygiene, model, waivers
from ansible_collections.psf.observatory.tests.unit import governance_sample as sample


def of_the_run(name, **values):
    row = library.of_the_run()[name]
    effective, changed = control.parameters(row, values, "here")
    return model.read_control(
        {**row, "params": {name: {**spec, "value": effective[name]} if name in changed else spec for name, spec in row["params"].items()}},
        f"{name}.yml")


def chg_04(**values):
    return of_the_run("CHG-04", **values)


def unused():
    row = sample.WAIVERS[0]
    [waiver] = waivers.parse([("here", row)], {row["control"]: chg_04()}, sample.NOW)
    waivers.apply([], [waiver], sample.NOW)
    assert waiver.state == waivers.UNUSED
    return waiver


def test_an_unused_waiver_fails_unless_the_environment_allows_it_and_the_result_says_so():
    strict = hygiene.judge_waivers(chg_04(), [unused()], "lab", sample.NOW)
    assert strict.status == "fail" and strict.overridden == [] and strict.parameters == {"allow_unused": False}
    allowed = hygiene.judge_waivers(chg_04(allow_unused=True), [unused()], "lab", sample.NOW)
    assert allowed.status == "pass" and allowed.overridden == ["allow_unused"] and allowed.parameters == {"allow_unused": True}


def test_an_environment_may_want_another_coverage_and_that_shows():
    rows = [model.Result("HST-01", "host", name, None, status) for name, status in (("a", "pass"), ("b", "error"))]
    known = {"HST-01": model.Control("HST-01", "t", "low", "d", "o")}

    def judged(**values):
        return hygiene.judge_freshness(of_the_run("CHG-05", **values), known, rows, [], 2, "lab", sample.NOW)

    assert "coverage is 50.0%" in judged().message and judged().overridden == []
    assert "coverage" not in judged(min_coverage=0.5).message and judged(min_coverage=0.5).overridden == ["min_coverage"]


def test_overrides_of_these_controls_are_known_and_checked():
    known = library.load()
    assert set(library.of_the_run()) == {"CHG-04", "CHG-05"} and not set(library.of_the_run()) & set(known)
    assert library.overrides(known, {"CHG-05": {"min_coverage": 0.5}})
    for given, words in (({"CHG-04": {"unused": True}}, "CHG-04 has no such parameter"), ({"CHG-05": {"min_coverage": "much"}}, "CHG-05"),
                         ({"CHG-05": {"min_coverage": 95}}, "min_coverage"),
                         ({"CHG-99": {}}, "CHG-99: there is no such control")):
        with pytest.raises(control.ControlError, match=words):
            library.overrides(known, given)
