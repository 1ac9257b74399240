# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of a control: what is wrong is said with file and key, before anything is asked."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance import control, expect, registry
from ansible_collections.psf.observatory.plugins.module_utils.governance.control import ControlError
from hypothesis import given
from hypothesis import strategies as st

ROW = {
    "id": "TLS-40", "title": "A title", "severity": "high", "domain": "encryption-in-transit", "rationale": "Because.",
    "check": {"probe": "sysctl", "with": {"keys": ["a.b"]}, "expect": [{"that": '"a.b"', "at_least": "$least"}]},
    "params": {"least": {"type": "int", "default": 1, "min": 0, "description": "The least."}},
    "frameworks": {"gdpr": [], "iso27001": ["A.8.24"], "nist80053": [], "soc2": [], "cis": []}, "owner": "platform"}


def load(data, where="controls/TLS-40.yml"):
    return control.control(data, where, registry.ARGUMENTS, registry.JUDGES, expect.vocabulary)


def changed(**changes):
    data = copy.deepcopy(ROW)
    for path, value in changes.items():
        *keys, last = path.split("__")
        target = data
        for key in keys:
            target = target[key]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return data


def test_a_control_is_completed_with_its_defaults():
    row = load(ROW)
    assert row["mode"] == "automated" and row["max_age"] == "24h"
    assert row["applies_to"] == {"groups": ["all"], "per": "host", "machine": False}


@pytest.mark.parametrize(("data", "words"), [
    ("text", "not a mapping"), (changed(id="TLS-41"), "the file is named 'TLS-40'"), (changed(id="XYZ-01"), "id:"),
    (changed(id="tls-40"), "id:"),
    (changed(severity="urgent"), "severity: 'urgent'"), (changed(domain="cost"), "an id with TLS"), (changed(owner=None), "owner: missing"),
    (changed(title=""), "title: missing"), (changed(severty="high"), "severty: unknown"), (changed(title=3), "title: 3 is no str"),
    (changed(max_age="soon"), "max_age:"), (changed(frameworks__gdpr=None), "frameworks.gdpr: missing"),
    (changed(frameworks__hipaa=["x"]), "frameworks: 'hipaa'"), (changed(frameworks__gdpr="32"), "frameworks.gdpr: '32' is no list"),
    (changed(check__probe="nobody"), "check.probe: 'nobody'"), (changed(check__with={}), "check.with.keys: missing"),
    (changed(check__with={"keys": [], "kyes": []}), "check.with.kyes"), (changed(check__expect=[]), "check.expect"),
    (changed(check__expect=[{"that": "v"}]), r"check.expect\[0\]"), (changed(check__judge="eol"), "either expect or judge"),
    (changed(check__expect=[{"that": "v", "equals": "$nobody"}]), r"\$nobody: no such parameter"),
    (changed(check__what=1), "check: 'what'"),
    (changed(check__expect=[{"that": "v", "equals": 1}]), "params.least: not used"), (changed(check__only={"a": {"is": 1}}), "check.only"),
    (changed(params__least={"type": "int", "default": "x", "description": "d"}), "params.least.default: 'x' is no int"),
    (changed(params__least={"type": "number", "default": 1, "description": "d"}), "needs type"),
    (changed(params__least={"type": "int", "default": -1, "min": 0, "description": "d"}), "less than the least"),
    (changed(params__least__unti="d"), "params.least.unti: unknown"), (changed(applies_to={"group": ["x"]}), "applies_to.group"),
    (changed(applies_to={"per": "planet"}), "applies_to.per"), (changed(remediation={"text": 3}), "remediation.text"),
    (changed(mode="manual"), "only `attest`"), (changed(mode="sometimes"), "mode: 'sometimes'"),
])
def test_what_is_wrong_is_said_with_file_and_key(data, words):
    with pytest.raises(ControlError, match=words) as error:
        load(data)
    assert "TLS-40.yml" in str(error.value)


@pytest.mark.parametrize(("spec", "given_value", "wanted"), [
    ({"type": "int"}, "14", 14), ({"type": "int"}, 14.0, 14), ({"type": "float"}, "0.5", 0.5), ({"type": "bool"}, "true", True),
    ({"type": "duration"}, "1h30m", "1h30m"), ({"type": "duration"}, 90, "90"), ({"type": "size"}, "2GB", "2GB"),
    ({"type": "str"}, "x", "x"),
    ({"type": "list"}, [1], [1]), ({"type": "dict"}, {"a": 1}, {"a": 1}), ({"type": "str", "choices": ["a"]}, "a", "a"),
])
def test_a_parameter_of_its_type(spec, given_value, wanted):
    assert control.value(given_value, spec, "x") == wanted


@pytest.mark.parametrize(("spec", "given_value"), [
    ({"type": "int"}, True), ({"type": "int"}, 1.5), ({"type": "int"}, []), ({"type": "bool"}, 1), ({"type": "str"}, 1),
    ({"type": "list"}, "a,b"),
    ({"type": "duration"}, "tomorrow"), ({"type": "size"}, "big"), ({"type": "str", "choices": ["a"]}, "b"), ({"type": "int", "max": 3}, 4),
    ({"type": "duration", "max": "1d"}, "25h"),
])
def test_a_parameter_of_another_type_is_refused(spec, given_value):
    with pytest.raises(ControlError, match="governance_parameters.X.y"):
        control.value(given_value, spec, "governance_parameters.X.y")


def test_an_unknown_parameter_is_refused_and_an_override_is_told():
    row = load(ROW)
    assert control.parameters(row, {"least": 3}, "p.TLS-40") == ({"least": 3}, ["least"])
    assert control.parameters(row, {}, "p.TLS-40") == ({"least": 1}, [])
    with pytest.raises(ControlError, match=r"p\.TLS-40\.lest: TLS-40 has no such parameter; it has least"):
        control.parameters(row, {"lest": 3}, "p.TLS-40")


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 59))
def test_durations_add_up(days, hours, minutes):
    assert control.seconds(f"{days}d{hours}h{minutes}m") == days * 86400 + hours * 3600 + minutes * 60


@pytest.mark.parametrize("text", ["", "d", "1x", "1h1", "-1h", "1 h"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        control.seconds(text)


@pytest.mark.parametrize(("text", "wanted"), [("50GB", 50 << 30), ("50GiB", 50 << 30), ("512", 512), ("1.5k", 1536), ("0B", 0), ("0", 0)])
def test_sizes(text, wanted):
    assert control.size(text) == wanted
