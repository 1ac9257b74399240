# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts for all hosts of a run: only what is missing, each once, and every problem in one error."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.psf.observatory.plugins.action.artifacts import ActionModule
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import lock, mirror, sources

GROUPS = {"all": ["a", "b"], "prometheus": ["a"], "loki": ["b"], "region_eu": ["a", "b"]}


def facts(components=None, architecture="amd64"):
    return {"ansible_facts": {"psf_architecture": architecture, "psf_distribution": "debian-13", "psf_components": components or {}}}


def stamp(server, source="release", arch="amd64"):
    request = lock.Request({"server": server}, arch, "debian-13")
    return next(row for row in request.candidates() if row["source"] == source)


@pytest.fixture
def prepare(monkeypatch, tmp_path):
    """Run the action; nothing is fetched, `fetched` keeps what would have been."""
    fetched = []
    monkeypatch.setenv("PSF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "")
    monkeypatch.setattr(sources, "fetch_all", lambda pairs, say: fetched.extend(request.server for request, _choice in pairs))

    def run(hostvars, check=False, **arguments):
        task = SimpleNamespace(args=arguments, async_val=0, check_mode=check, action="psf.observatory.artifacts")
        action = ActionModule(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, None)
        fetched.clear()
        return action.run(task_vars={"hostvars": hostvars, "groups": GROUPS})

    run.fetched = fetched
    return run


def rows(result):
    return sorted((row["server"], row["architecture"]) for row in result["artifacts"])


def test_each_server_that_a_host_lacks_is_fetched_once_for_each_architecture(prepare):
    result = prepare({"a": facts(), "b": facts(architecture="arm64")})
    assert rows(result) == [("loki", "arm64"), ("node_exporter", "amd64"), ("node_exporter", "arm64"),
                            ("otel_collector", "amd64"), ("otel_collector", "arm64"), ("prometheus", "amd64")]
    assert result["changed"] and sorted(prepare.fetched) == [server for server, _arch in rows(result)]


def test_what_the_hosts_have_is_not_fetched(prepare):
    have = {"prometheus": stamp("prometheus", "build"), "otel_agent": stamp("otel_collector"), "node_exporter": stamp("node_exporter")}
    result = prepare({"a": facts(have), "b": facts({**have, "loki": stamp("loki")})})
    assert result["artifacts"] == [] and not result["changed"]


def test_another_version_than_the_locks_is_fetched_anew(prepare):
    have = {"prometheus": {"source": "release", "id": "0" * 64}, "otel_agent": stamp("otel_collector"),
            "node_exporter": stamp("node_exporter")}
    assert rows(prepare({"a": facts(have), "b": {}})) == [("prometheus", "amd64")]


def test_hosts_that_were_not_read_are_left_out(prepare):
    assert prepare({"a": {}, "b": {"ansible_facts": {}}})["artifacts"] == []


def test_check_mode_says_what_would_be_fetched(prepare):
    result = prepare({"a": facts(), "b": {}}, check=True)
    assert result["changed"] and len(result["artifacts"]) == 3 and prepare.fetched == []
    assert {row["cached"] for row in result["artifacts"]} == {False}


def test_every_problem_is_in_one_error(prepare, monkeypatch):
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "is off")
    with pytest.raises(AnsibleActionFail) as error:
        prepare({"a": facts(), "b": facts()}, artifact={"source": "build"})
    for server in ("prometheus", "loki", "node_exporter", "otel_collector"):
        assert f"{server} for amd64 cannot be had: build: is off" in str(error.value)
    assert prepare.fetched == []


def test_a_host_may_want_another_version_than_the_others(prepare, monkeypatch):
    monkeypatch.setitem(GROUPS, "prometheus", ["a", "b"])
    own = {host: {"prometheus_artifact": {"version": version, "allow_unpinned": True}} for host, version in (("a", "9.8"), ("b", "9.9"))}
    result = prepare({host: {**facts(), **own[host]} for host in own})
    assert [row["version"] for row in result["artifacts"] if row["server"] == "prometheus"] == ["9.8", "9.9"]


def test_every_request_that_cannot_be_met_is_in_one_error(prepare):
    with pytest.raises(AnsibleActionFail) as error:
        prepare({"a": {**facts(), "prometheus_artifact": {"version": "9.9"}}, "b": {**facts(), "loki_artifact": {"source": "x"}}})
    assert "prometheus on a: prometheus: version 9.9 is not in the lock" in str(error.value)
    assert "loki on b: artifact.source: 'x' is none of auto" in str(error.value)


def test_servers_can_be_named(prepare):
    assert rows(prepare({}, servers=["loki"], architectures=["amd64", "arm64"])) == [("loki", "amd64"), ("loki", "arm64")]
    assert len(prepare({}, servers=[])["artifacts"]) == len(list(lock.LOCKS.glob("*/lock.yml")))


# -- what is optional --------------------------------------------------------------------------------------------------
@pytest.fixture
def no_grafana(monkeypatch, capsys):
    monkeypatch.setitem(GROUPS, "grafana", ["a", "b"])
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "is off" if request.server == "grafana" else "")
    return capsys


@pytest.mark.parametrize("check", [False, True])
def test_an_optional_server_that_cannot_be_had_is_one_line_and_no_error(prepare, no_grafana, check):
    result = prepare({"a": facts(), "b": facts()}, check=check)
    said = [line for line in no_grafana.readouterr().out.splitlines() if "grafana" in line]
    assert len(said) == 1 and "release: is off" in said[0] and said[0].endswith("It is optional and left out on a, b")
    assert result["ansible_facts"] == {"psf_unavailable": {"grafana": ["a", "b"]}} and "release: is off" in result["unavailable"]["grafana"]
    assert ("loki", "amd64") in rows(result) and "grafana" not in dict(rows(result)) and "grafana" not in prepare.fetched


def test_only_the_hosts_that_cannot_have_it_do_without(prepare, no_grafana):
    have = {"grafana": stamp("grafana")}
    result = prepare({"a": facts(have), "b": facts()})
    assert result["ansible_facts"] == {"psf_unavailable": {"grafana": ["b"]}}


def test_it_is_fetched_where_it_can_be_had(prepare, monkeypatch):
    monkeypatch.setitem(GROUPS, "grafana", ["a"])
    result = prepare({"a": facts(), "b": {}})
    assert "grafana" in prepare.fetched and result["ansible_facts"] == {"psf_unavailable": {}} and result["unavailable"] == {}


@pytest.mark.parametrize("host", [facts({"grafana": {"source": "release", "id": "0" * 64}}), {**facts(), "grafana_required": True}])
def test_a_host_that_has_another_version_or_must_have_it_is_an_error(prepare, no_grafana, host):
    with pytest.raises(AnsibleActionFail, match="grafana for amd64 cannot be had: release: is off"):
        prepare({"a": host, "b": {}})


def test_a_wrong_option_of_an_optional_server_is_an_error_all_the_same(prepare, no_grafana):
    with pytest.raises(AnsibleActionFail, match="grafana on a: grafana: version 9.9 is not in the lock"):
        prepare({"a": {**facts(), "grafana_artifact": {"version": "9.9"}}, "b": {}})


def test_whoever_names_it_for_a_mirror_wants_it(prepare, no_grafana, tmp_path):
    assert prepare({}, servers=["grafana"])["unavailable"]
    with pytest.raises(AnsibleActionFail, match="grafana for amd64 cannot be had"):
        prepare({}, servers=["grafana"], mirror_directory=str(tmp_path))


def test_a_mirror_of_everything_is_filled_without_what_cannot_be_had(prepare, no_grafana, tmp_path, monkeypatch):
    monkeypatch.setattr(mirror, "fill", lambda directory, wanted, say: [])
    result = prepare({}, servers=[], mirror_directory=str(tmp_path))
    assert "release: is off" in result["unavailable"]["grafana"] and "loki" in prepare.fetched and "grafana" not in prepare.fetched
