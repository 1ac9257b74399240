# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls as the controller reads them: which there are, which host answers for which, and what is refused."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.module_utils.governance.control import ControlError
from ansible_collections.psf.observatory.plugins.plugin_utils import controls as library
from hypothesis import given
from hypothesis import strategies as st

HOSTS = {"obs-1": {"ansible_host": "192.0.2.11"}, "obs-2": {"ansible_host": "192.0.2.12"}, "app-1": {"ansible_host": "192.0.2.21"},
         "us-1": {"ansible_host": "192.0.2.31"}}
GROUPS = {"all": list(HOSTS), "region_eu": ["app-1", "obs-1", "obs-2"], "region_us": ["us-1"], "prometheus": ["obs-1", "obs-2"],
          "alertmanager": ["obs-1"], "loki": ["obs-1"], "jaeger": ["obs-1"]}
KNOWN = library.load()


def plan(host, *names, parameters=None):
    return library.plan({name: KNOWN[name] for name in names} if names else KNOWN, parameters or {}, HOSTS, GROUPS, host)


def reasons(host, *names):
    return {row["id"]: row["reason"] for row in plan(host, *names)["controls"]}


def write(directory, name, **changes):
    row = {**KNOWN["HST-01"], "id": name, **changes}
    (directory / f"{name}.yml").write_text(yaml.safe_dump(row), encoding="utf-8")


def test_there_are_controls_and_each_is_owned():
    assert len(KNOWN) >= 40 and all(row["owner"] and row["rationale"] and row["remediation"].get("text") for row in KNOWN.values())


def test_a_control_of_the_host_applies_where_its_groups_run():
    assert reasons("obs-1", "HST-01", "IAM-10") == {"HST-01": "", "IAM-10": ""}
    assert reasons("app-1", "HST-01", "IAM-10") == {"HST-01": "", "IAM-10": "this host is in none of the groups " + ", ".join(
        KNOWN["IAM-10"]["applies_to"]["groups"])}


def test_a_control_of_the_region_is_answered_once_by_its_first_host_of_the_group():
    assert reasons("obs-1", "REL-06") == {"REL-06": ""}
    assert reasons("obs-2", "REL-06") == reasons("app-1", "REL-06") == {}


def test_a_region_without_the_system_is_told_once_by_its_first_host():
    assert reasons("us-1", "REL-06") == {"REL-06": "region us has no host in the groups prometheus"}


@given(st.sampled_from(sorted(KNOWN)))
def test_every_control_is_answered_for_in_every_region(name):
    for region in ("region_eu", "region_us"):
        assert any(name in reasons(host, name) for host in GROUPS[region])


def test_what_does_not_apply_is_not_sent():
    for row in plan("app-1")["controls"]:
        assert bool(row["check"]) != bool(row["reason"])


def test_what_the_inventory_knows():
    context = plan("obs-1")["context"]
    assert context["hosts"] == ["app-1", "obs-1", "obs-2"] and {9090, 3100, 9100} <= set(context["ports"])
    assert {row["service"]: row["auth"] for row in context["services"]}["loki"] == "certificate"
    assert all(row["host"] == "obs-1" for row in context["services"])
    assert {row["service"] for row in context["login"]} == {"prometheus", "alertmanager", "jaeger"}
    assert [row["host"] for row in context["endpoints"]["prometheus"]] == ["obs-1", "obs-2"]
    assert "app-1:9100" in context["instances"] and "us-1:9100" not in context["instances"]
    assert "endpoints" not in plan("app-1")["context"], "a host that asks no service is not told where they are"


def test_a_host_of_many_looks_at_its_own_variables_only():
    looks = []

    class Hosts(dict):
        def __getitem__(self, name):
            looks.append(name)
            return super().__getitem__(name)

    hosts = Hosts({f"app-{number}": {"ansible_host": f"192.0.2.{number}"} for number in range(250)})
    groups = {"all": list(hosts), "region_eu": list(hosts), "prometheus": ["app-0"], "loki": ["app-0"]}
    library.plan(KNOWN, {}, hosts, groups, "app-7")
    assert looks == ["app-7"]
    library.plan(KNOWN, {}, hosts, groups, "app-0")
    assert len(looks) < 10 * len(hosts), "a region's first host looks at each a few times"


def test_choosing_by_id_pattern_and_domain():
    assert list(library.choose(KNOWN, ["TLS-06"])) == ["TLS-06"]
    assert {name[:3] for name in library.choose(KNOWN, ["TLS-*"])} == {"TLS"}
    assert set(library.choose(KNOWN, ["cost", "HST-01"])) == {"HST-01"} | {name for name in KNOWN if name.startswith("FIN")}
    assert library.choose(KNOWN, []) == KNOWN
    with pytest.raises(ControlError, match="'TLS-99' is no control, pattern or domain"):
        library.choose(KNOWN, ["TLS-99"])


def test_tags_that_are_controls_choose_and_a_slip_is_refused():
    assert library.tagged(KNOWN, ["all"]) == [] and library.tagged(KNOWN, ["TLS-06", "cost", "report"]) == ["TLS-06", "cost"]
    with pytest.raises(ControlError, match="--tags TLS-99"):
        library.tagged(KNOWN, ["TLS-99"])


@pytest.mark.parametrize(("given_parameters", "words"), [
    ({"TLS-99": {"min_days": 1}}, "governance_parameters.TLS-99: there is no such control"),
    ({"TLS-06": {"min_day": 1}}, r"governance_parameters.TLS-06.min_day: TLS-06 has no such parameter; it has min_days"),
    ({"TLS-06": {"min_days": "soon"}}, "governance_parameters.TLS-06.min_days: 'soon' is no float"),
    ({"TLS-06": 14}, "no mapping"), (["TLS-06"], "no mapping"),
])
def test_overrides_that_cannot_be_right_are_refused(given_parameters, words):
    with pytest.raises(ControlError, match=words):
        library.overrides(KNOWN, given_parameters)


def test_an_override_reaches_the_host_and_is_told():
    row = plan("obs-1", "TLS-06", parameters={"TLS-06": {"min_days": 14}})["controls"][0]
    assert row["params"] == {"min_days": 14.0} and row["overridden"] == ["min_days"]


def test_controls_of_ones_own_stand_beside_the_collections(tmp_path):
    write(tmp_path, "HST-90")
    assert set(library.load([str(tmp_path)])) == {*KNOWN, "HST-90"}


def test_an_id_that_is_taken_is_refused(tmp_path):
    write(tmp_path, "HST-01")
    with pytest.raises(ControlError, match=r"HST-01\.yml: id: HST-01 is taken by .*controls/HST-01\.yml"):
        library.load([str(tmp_path)])


@pytest.mark.parametrize(("name", "text", "words"), [
    ("HST-91.yml", "id: [", "HST-91.yml"), ("HST-91.yml", "- 1", "not a mapping"), ("HST-91.yml", "id: HST-92\n", "missing"),
    ("HST-91.yml", b"\xff\xfe\x00", "HST-91.yml")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, text, words):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ControlError, match=words):
        library.load([str(tmp_path)])


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ControlError, match="none: no such directory"):
        library.load([str(tmp_path / "none")])
