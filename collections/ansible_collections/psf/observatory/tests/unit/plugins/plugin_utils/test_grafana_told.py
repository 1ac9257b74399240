# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sources from the inventory, folders from the owners, and the facts of a sync as Prometheus reads them."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils import grafana_told as grafana
from ansible_collections.psf.observatory.plugins.plugin_utils.estate import EstateError
from hypothesis import given
from hypothesis import strategies as st

OPTIONS = {"everywhere": False, "default_region": "", "machine_user": "machine", "machine_password": "pw", "scrape_interval": "15s",
           "certificate": {}, "read": json.dumps(["CA", "CERT", "KEY"])}
GROUPS = {"all": ["a", "b", "c"], "region_eu": ["a", "b"], "region_us": ["c"], "prometheus": ["a", "b", "c"], "loki": ["a"],
          "jaeger": ["c"], "alertmanager": ["a"]}
HOSTS = {"a": {}, "b": {}, "c": {}}


def sources(host="a", hosts=None, **changes):
    return {row["uid"]: row for row in grafana.datasources(hosts or HOSTS, GROUPS, host, {**OPTIONS, **changes})}


def test_they_are_those_of_the_region_and_lead_only_to_what_it_has():
    found = sources()
    assert list(found) == ["prometheus-eu", "prometheus-eu-b", "loki-eu", "alertmanager-eu"]
    assert found["prometheus-eu"]["links"] == {"alerts": "alertmanager-eu"}
    assert [uid for uid, row in found.items() if row.get("is_default")] == ["prometheus-eu"]
    assert found["prometheus-eu-b"]["name"] == "Prometheus eu b"
    assert list(sources("c")) == ["prometheus-us", "jaeger-us"] and sources("c")["jaeger-us"]["links"] == {"metrics": "prometheus-us"}


def test_a_log_in_gets_the_account_and_everything_else_the_certificate():
    found = sources()
    assert found["prometheus-eu"]["basic_auth_user"] == "machine"
    assert found["prometheus-eu"]["secure_json_data"] == {"tlsCACert": "CA", "basicAuthPassword": "pw"}
    assert found["loki-eu"]["secure_json_data"] == {"tlsCACert": "CA", "tlsClientCert": "CERT", "tlsClientKey": "KEY"}
    assert sources(certificate={"key": "OWN", "ca": None})["loki-eu"]["secure_json_data"]["tlsClientKey"] == "OWN"
    assert "basic_auth_user" not in found["loki-eu"] and found["loki-eu"]["json_data"]["serverName"] == "a"


def test_in_plain_text_there_is_no_certificate():
    plain = {host: {"observatory_tls": False} for host in HOSTS}
    found = sources(hosts=plain, read="")
    assert found["loki-eu"]["url"] == "http://a:3100" and "secure_json_data" not in found["loki-eu"]
    assert found["prometheus-eu"]["secure_json_data"] == {"basicAuthPassword": "pw"}


def test_all_regions_have_one_default():
    found = sources(everywhere=True, default_region="us")
    assert {"prometheus-eu", "prometheus-us", "jaeger-us", "loki-eu"} < set(found)
    assert [uid for uid, row in found.items() if row.get("is_default")] == ["prometheus-us"]


def test_content_is_brought_by_one_of_each_region_that_has_a_grafana():
    groups = {**GROUPS, "grafana": ["a", "b", "c"]}
    assert grafana.bringers(HOSTS, groups) == ["a", "c"]
    assert grafana.bringers(HOSTS, GROUPS) == []
    lacking = {"ansible_facts": {"psf_components": {"prometheus": {}}}}
    assert grafana.bringers({**HOSTS, "a": lacking}, groups) == ["b", "c"]
    assert grafana.bringers(dict.fromkeys(HOSTS, lacking), groups) == []
    assert grafana.bringers(HOSTS, {"all": [], "region_eu": []}) == []


def test_a_grafana_of_others_is_told_by_the_first_prometheus():
    elsewhere = {"grafana_content_url": "https://grafana.example"}
    assert grafana.bringers(dict.fromkeys(HOSTS, elsewhere), GROUPS) == ["a"]
    assert grafana.bringers(dict.fromkeys(HOSTS, elsewhere), {**GROUPS, "grafana": ["b", "c"]}) == ["a"]
    assert grafana.bringers({**HOSTS, "a": elsewhere}, {**GROUPS, "grafana": ["c"]}) == ["a", "c"]


@pytest.mark.parametrize("changes, problem", [
    ({"read": ""}, "loki of a wants a certificate of its client, and there is none; give grafana_content_certificate"),
    ({"default_region": "mars"}, "grafana_content_default_region: 'mars' is not one of eu")])
def test_what_cannot_be_right_is_refused(changes, problem):
    with pytest.raises(EstateError, match=problem):
        sources(**changes)


@pytest.mark.parametrize("owners, uids", [({"web": {}, "platform_x": {}}, ["psf-platform_x", "psf-web"]), (["b"], ["psf-b"]),
                                          (None, ["psf-platform"]), ({}, ["psf-platform"])])
def test_each_owner_has_a_folder_and_its_dashboards_are_there(owners, uids):
    folders = grafana.folders(owners, [{"role": "Viewer", "permission": "View"}])
    assert [row["uid"] for row in folders] == uids == sorted(grafana.placement(owners).values())
    assert all(row["permissions"] == [{"role": "Viewer", "permission": "View"}] for row in folders)


LINE = re.compile(r'[a-z_]+\{grafana="(?:[^"\\\n]|\\.)*",scope="(?:[^"\\\n]|\\.)*"(?:,done="[a-z]+")?\} \d+(?:\.\d+)?\Z')


@given(st.text(max_size=20), st.text(max_size=20), st.booleans(), st.booleans(), st.integers(0, 9),
       st.lists(st.sampled_from(["left", "overwritten"])))
def test_what_is_left_for_prometheus_is_in_its_format_and_a_failure_leaves_the_last_success(url, scope, failed, known, failures, drift):
    result = {"failed": failed, "failures": [{}] * failures, **({"objects": {"owned": 3}} if known else {}),
              "drift": [{"done": word} for word in drift]}
    files = grafana.sync_metrics(result, url, scope, 1.5)
    assert len(files) == (1 if failed else 2) and all(re.fullmatch(r"[A-Za-z0-9_-]+\.prom", name) for name in files)
    text = "".join(files.values())
    for line in text.split("\n")[:-1]:
        assert re.match(r"# (HELP|TYPE) psf_grafana_sync_", line) or LINE.match(line), line
    assert ("psf_grafana_sync_success_timestamp_seconds{" in text) is not failed and ("psf_grafana_sync_owned_objects{" in text) is known
    for name in {line.split("{")[0] for line in text.split("\n") if line and not line.startswith("#")}:
        assert text.count(f"# HELP {name} ") == text.count(f"# TYPE {name} gauge\n") == 1
