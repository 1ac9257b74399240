# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role as a user runs it, against the double: the first run writes, the second changes nothing, a check writes nothing anywhere.

The Grafana is one that others run: no host of the inventory is in the group grafana.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double import Double

COLLECTIONS = Path(__file__).resolve().parents[7]
PASSWORD = "correct-horse-battery"
PLAY = [{"name": "Content", "hosts": "prometheus", "gather_facts": False, "roles": [{"role": "psf.observatory.grafana_content"}]}]


def bundle(directory, **owners):
    rows = []
    for name, owner in owners.items():
        uid = name.replace("_", "-")
        path = directory / "grafana" / "dashboards" / f"{uid}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        panel = {"id": 1, "type": "timeseries", "title": "Up", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
                 "datasource": {"type": "prometheus", "uid": "${prometheus}"}, "targets": [{"refId": "A", "expr": "up"}]}
        path.write_text(json.dumps({"uid": uid, "title": f"Title of {uid}", "schemaVersion": 42, "panels": [panel]}))
        rows.append({"path": path.relative_to(directory).as_posix(), "kind": "grafana_dashboard", "owner": owner,
                     "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    (directory / "manifest.json").write_text(json.dumps({"format": 1, "environment": "test", "files": rows}))
    return directory


class Site:
    """An inventory of two regions whose Prometheus of eu is this machine, a bundle, and a Grafana elsewhere."""

    def __init__(self, path, grafana):
        self.path, self.grafana, self.metrics = path, grafana, path / "textfile"
        self.bundle = bundle(path, psf_observatory_landing="platform", web="web")
        self.inventory()
        (path / "play.yml").write_text(yaml.safe_dump(PLAY))
        (path / "ansible.cfg").write_text("[defaults]\ncallback_result_format = yaml\n")

    def inventory(self, own_port=""):
        """Write it: with a Grafana that others run, or with one of this machine at a port, in plain text."""
        observers = {name: {"hosts": {"obs-eu-1": None, "obs-us-1": None}} for name in ("prometheus", "loki", "jaeger", "alertmanager")}
        account = {"grafana_admin_password": "admin", "grafana_port": own_port, "observatory_tls": False} if own_port else {
            "grafana_content_url": self.grafana.url, "grafana_content_user": "admin", "grafana_content_password": "admin",
            "grafana_content_use_proxy": False}
        if own_port:
            observers["grafana"] = {"hosts": {"obs-eu-1": None}}
        (self.path / "hosts.yml").write_text(yaml.safe_dump({"all": {
            "vars": {
                "observatory_bundle": str(self.bundle), "observatory_owners": {"platform": {}, "web": {}},
                "observatory_machine_password": PASSWORD,
                "grafana_content_certificate": {"ca": "CA-PEM", "cert": "CERT-PEM", "key": "KEY-PEM"},
                "grafana_content_metrics_directory": str(self.metrics), "grafana_content_teams": [{"name": "sre"}], **account},
            "children": {
                "region_eu": {"hosts": {"obs-eu-1": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable,
                                                     "ansible_host": "127.0.0.1" if own_port else "192.0.2.1"}}},
                "region_us": {"hosts": {"obs-us-1": {"ansible_host": "192.0.2.2"}}}, **observers}}}))

    def run(self, *arguments):
        environment = {**os.environ, "ANSIBLE_CONFIG": str(self.path / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                       "ANSIBLE_LOCAL_TEMP": str(self.path / "tmp"), "ANSIBLE_REMOTE_TEMP": str(self.path / "tmp"), "HOME": str(self.path),
                       "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run([sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "play.yml", "--limit", "obs-eu-1", "--diff",
                               *arguments], cwd=self.path, env=environment, capture_output=True, text=True, check=False)
        self.said = done.stdout + done.stderr
        assert PASSWORD not in self.said and "KEY-PEM" not in self.said
        return done.returncode, int((re.search(r"changed=(\d+)", self.said) or [0, -1])[1])

    def facts(self):
        found = {}
        for path in sorted(self.metrics.glob("*.prom")) if self.metrics.is_dir() else []:
            assert path.stat().st_mode & 0o777 == 0o644
            for line in path.read_text().splitlines():
                if not line.startswith("#"):
                    name, value = line.rsplit(" ", 1)
                    found[re.sub(r'grafana="[^"]*",scope="default",?', "", name).replace("{}", "")] = float(value)
        return found


@pytest.fixture
def site(tmp_path):
    with Double() as grafana:
        yield Site(tmp_path, grafana)


def test_from_the_first_check_to_the_end(site):
    """One life in few runs, for each is a whole ansible-playbook."""
    assert site.run("--check") == (0, 1), site.said
    org = site.grafana.orgs[1]
    assert not org.dashboards and not org.sources and not site.metrics.exists()

    before = time.time()
    assert site.run() == (0, 1), site.said
    assert {uid: row["folder"] for uid, row in org.dashboards.items() if not uid.startswith("psf-record")} == {
        "psf-observatory-landing": "psf-platform", "web": "psf-web"}
    holds_the_data_sources_of_both_regions(org)
    facts = site.facts()
    assert before <= facts["psf_grafana_sync_timestamp_seconds"] == facts["psf_grafana_sync_success_timestamp_seconds"] <= time.time()
    assert facts["psf_grafana_sync_success"] == 1 and facts["psf_grafana_sync_failed_objects"] == 0
    # Two dashboards, two folders with permissions, eight data sources, a team, the home dashboard.
    assert facts["psf_grafana_sync_owned_objects"] == 16

    assert site.run() == (0, 0), site.said
    assert site.facts()["psf_grafana_sync_timestamp_seconds"] > facts["psf_grafana_sync_timestamp_seconds"]

    with site.grafana.by_hand():
        org.dashboards["web"]["data"]["title"] = "Mine"
    assert site.run("-e", "grafana_content_drift=leave") == (0, 0), site.said
    assert site.facts()['psf_grafana_sync_drifted_objects{done="left"}'] == 1
    success = site.facts()["psf_grafana_sync_success_timestamp_seconds"]

    # Another password, which the six data sources that log in get; Grafana takes none.
    site.grafana.faults.append([99, "PUT /api/datasources", (500, {"message": "no"}, {})])
    assert site.run("-e", "observatory_machine_password=another")[0] == 2
    facts = site.facts()
    assert facts["psf_grafana_sync_success"] == 0 and facts["psf_grafana_sync_failed_objects"] == 6
    assert facts['psf_grafana_sync_drifted_objects{done="overwritten"}'] == 1
    assert facts["psf_grafana_sync_timestamp_seconds"] > success == facts["psf_grafana_sync_success_timestamp_seconds"]
    site.grafana.faults.clear()

    assert site.run("-e", "grafana_content_state=absent") == (0, 1), site.said
    assert not org.dashboards and not org.sources


def holds_the_data_sources_of_both_regions(org):
    """They lead to each other, and each is asked as its service wants it."""
    sources = {row["uid"]: row for row in org.sources.values()}
    assert sorted(sources) == sorted(f"{name}-{region}" for region in ("eu", "us")
                                     for name in ("prometheus", "loki", "jaeger", "alertmanager"))
    prometheus, loki, jaeger = (sources[f"{name}-eu"] for name in ("prometheus", "loki", "jaeger"))
    assert prometheus["url"] == "https://192.0.2.1:9090" and prometheus["isDefault"] and not sources["prometheus-us"]["isDefault"]
    assert prometheus["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "jaeger-eu"
    assert prometheus["basicAuthUser"] == "observatory" and prometheus["jsonData"]["serverName"] == "obs-eu-1"
    assert loki["jsonData"]["tlsAuth"] and loki["jsonData"]["derivedFields"][0]["datasourceUid"] == "jaeger-eu"
    assert "tracesToLogsV2" in jaeger["jsonData"] or "tracesToLogs" in jaeger["jsonData"]


def test_the_grafana_of_the_inventory_has_the_data_sources_of_its_region(site):
    own = site.grafana.url.rsplit(":", 1)[1]
    site.inventory(own)
    assert site.run() == (0, 1), site.said
    found = sorted(row["uid"] for row in site.grafana.orgs[1].sources.values())
    assert found == ["alertmanager-eu", "jaeger-eu", "loki-eu", "prometheus-eu"]
    # It is gone: a fact too, and nothing is said of what it holds.
    for path in site.metrics.glob("*"):
        path.unlink()
    assert site.run("-e", "grafana_port=9", "-e", "grafana_content_timeout=1")[0] == 2
    assert site.facts() == {"psf_grafana_sync_success": 0, "psf_grafana_sync_failed_objects": 0,
                            "psf_grafana_sync_timestamp_seconds": site.facts()["psf_grafana_sync_timestamp_seconds"]}
