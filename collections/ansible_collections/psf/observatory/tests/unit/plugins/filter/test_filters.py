# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as a playbook calls them: Ansible's own error, and the shapes that roles rely on."""

from __future__ import annotations

import hashlib
import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.psf.observatory.plugins.filter.estate import FilterModule
from ansible_collections.psf.observatory.plugins.plugin_utils import estate

FILTERS = FilterModule().filters()
HOSTS = {"a": {"ansible_host": "192.0.2.1", "prometheus_port": 19090}, "b": {}}
GROUPS = {"all": ["a", "b"], "ungrouped": [], "region_eu": ["a"], "region_us": ["b"], "region_empty": [], "prometheus": ["a"],
          "loki": ["b"]}


@pytest.mark.parametrize("name, arguments, message", [
    ("region", ({"region_eu": []}, "x"), "host x is in 0 region groups"),
    ("endpoints", (HOSTS, GROUPS, "a", "nothing"), "there is no service 'nothing'"),
    ("ports", (HOSTS, "a", "nothing"), "there is no service 'nothing'"),
    ("endpoints", (HOSTS, GROUPS, "b", "loki", "grcp"), "loki has no port 'grcp'; it has web, grpc"),
    ("local_client", ({"tls": True, "port": 1}, "/"), "local_client: the mapping has no listen_address, host"),
    ("settings", ({}, "nothing"), "settings: there is none for 'nothing'; known are web, prometheus"),
    ("settings", ({"tls": True, "users": {"ada": "secret"}}, "web"), "observatory_users.ada: not a bcrypt hash"),
    ("scrape_targets", (HOSTS, GROUPS, "a", [{"system": "x"}]), r"observatory_targets\[0\]: needs system and targets"),
])
def test_an_error_is_ansibles_own_and_says_the_same(name, arguments, message):
    with pytest.raises(AnsibleFilterError, match=message):
        FILTERS[name](*arguments)


def test_ports_have_the_hosts_overrides():
    assert FILTERS["ports"](HOSTS, "a", "prometheus") == {"web": 19090}
    assert FILTERS["ports"](HOSTS, "b", "otel_agent") == estate.services()["otel_agent"]["ports"]


def test_jobs_say_how_they_are_asked():
    jobs = FILTERS["scrape_jobs"]({"prometheus": [], "otel_agent": [], "router": [], "jaeger": []})
    assert jobs["prometheus"] == {"auth": "basic", "path": "/metrics", "honor_labels": False}
    assert jobs["otel_agent"]["honor_labels"] is True and "drop" not in jobs["otel_agent"]
    assert jobs["router"] == {"auth": "certificate", "path": "/metrics", "honor_labels": False}
    # Jaeger describes no metrics of its own, but an outside target may have the same system.
    assert jobs["jaeger"]["path"] == "/metrics"


def test_of_two_scrapes_one_brings_a_service_s_target_info():
    assert FILTERS["scrape_jobs"]({"otel_gateway": []})["otel_gateway"]["drop"] == "target_info"


def test_a_target_file_has_a_line_for_each_target_and_needs_no_reload():
    rows = FILTERS["scrape_targets"]({"a": {}, "c": {}}, {"region_eu": ["a", "c"], "all": ["a", "c"]}, "a")["node"]
    file = FILTERS["target_file"]({"job": "node", "content": rows})
    assert (file["path"], file["on_change"]) == ("/etc/prometheus/targets/node.json", "none")
    assert json.loads(file["content"]) == rows and file["content"].count("\n") == len(rows) + 2
    assert json.loads(FILTERS["target_file"]({"job": "node", "content": []})["content"]) == []


def test_an_exporters_files_are_its_own_or_the_users():
    service = estate.services()["blackbox"]
    paths = {row["path"]: row["content"] for row in FILTERS["exporter_files"](service, {}, True)}
    assert paths["/etc/blackbox_exporter/blackbox.yml"] == service["exporter"]["files"]["blackbox.yml"]
    assert "tls_server_config" in paths["/etc/blackbox_exporter/web.yml"]
    paths = {row["path"]: row["content"] for row in FILTERS["exporter_files"](service, {"blackbox.yml": "mine", "more": "x"}, False)}
    assert paths == {"/etc/blackbox_exporter/web.yml": {}, "/etc/blackbox_exporter/blackbox.yml": "mine",
                     "/etc/blackbox_exporter/more": "x"}


@pytest.mark.parametrize("address, url", [("0.0.0.0", "https://127.0.0.1:9090/-/ready"), ("::", "https://[::1]:9090/-/ready"),
                                          ("", "https://127.0.0.1:9090/-/ready"), ("192.0.2.1", "https://192.0.2.1:9090/-/ready")])
def test_a_service_is_asked_where_it_listens(address, url):
    options = {"tls": True, "listen_address": address, "port": "9090", "host": "a", "username": "machine", "password": "pw"}
    client = FILTERS["local_client"](options, "/-/ready")
    assert client["url"] == url and client["server_name"] == "a" and client["cert"] == "/etc/psf/tls/host.crt"
    assert (client["username"], client["password"]) == ("machine", "pw")
    plain = FILTERS["local_client"]({**options, "tls": False, "password": ""}, "/")
    assert plain["url"].startswith("http://") and set(plain) == {"url", "timeout"}


def test_targets_are_flattened_for_the_verification():
    jobs = {"node": [{"labels": {"instance": "a:1"}}, {"labels": {"instance": "b:1"}}], "loki": [{"labels": {"instance": "b:2"}}]}
    assert FILTERS["flat_targets"](jobs) == [{"job": "node", "instance": "a:1"}, {"job": "node", "instance": "b:1"},
                                             {"job": "loki", "instance": "b:2"}]


def test_tables_are_read_by_people():
    table = FILTERS["where"](HOSTS, GROUPS).splitlines()
    assert table[0].split() == ["REGION", "SERVICE", "HOST", "ADDRESS", "ACCESS"]
    assert ["eu", "prometheus", "a", "https://192.0.2.1:19090", "log", "in"] in [line.split() for line in table]
    assert ["us", "loki", "b", "https://b:3100", "client", "certificate"] in [line.split() for line in table]
    rows = FILTERS["verify_table"]([{"check": "logs", "ok": False, "detail": "no fresh line from b"},
                                    {"check": "targets", "ok": True, "detail": "2 of 2"}], "eu")
    assert rows == ["eu  FAIL  logs           no fresh line from b", "eu  ok    targets        2 of 2"]


# -- certificates ------------------------------------------------------------------------------------------------------
def known(certificate="x", ca=b"authority"):
    return {"names": ["a"], "not_after": 4_000_000_000, "sha256": {
        "certificate": hashlib.sha256(certificate.encode()).hexdigest(), "key": "k", "ca": hashlib.sha256(ca).hexdigest()}}


def due(directory, facts, source="ca"):
    return FILTERS["certificate_due"](facts, ["a"], str(directory), 30, source, "a")


def test_a_certificate_is_due_by_what_the_host_has(tmp_path):
    assert due(tmp_path, known()) == "the authority has no certificate yet"
    assert due(tmp_path, known(), "own") == f"{tmp_path}/ca.crt is missing"
    (tmp_path / "ca.crt").write_bytes(b"authority")
    assert due(tmp_path, known()) == ""
    assert due(tmp_path, {}) == "there is none"
    assert due(tmp_path, known(ca=b"old")) == "the certificate authority is another"


def test_ones_own_certificate_is_due_when_the_file_is_another(tmp_path):
    (tmp_path / "ca.crt").write_bytes(b"authority")
    (tmp_path / "a.crt").write_text("x")
    assert due(tmp_path, known(), "own") == ""
    (tmp_path / "a.crt").write_text("renewed")
    assert due(tmp_path, known(), "own") == f"{tmp_path}/a.crt is another"
    assert due(tmp_path, known(), "ca") == ""
