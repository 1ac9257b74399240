# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an inventory to targets, endpoints and ports; and an inventory that cannot be right is explained."""

from __future__ import annotations

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils import estate, estate_document, observed
from ansible_collections.psf.observatory.plugins.plugin_utils.estate import EstateError
from ansible_collections.psf.observatory.plugins.plugin_utils.inventory import check
from hypothesis import given
from hypothesis import strategies as st


def inventory(**groups):
    """Variables and groups as Ansible gives them; a group is a list of hosts, `variables` is host to variables."""
    variables = groups.pop("variables", {})
    everyone = list(dict.fromkeys(host for hosts in groups.values() for host in hosts))
    groups = {"all": everyone, "ungrouped": [], **groups}
    return {host: variables.get(host, {}) for host in everyone}, groups


HOSTS, GROUPS = inventory(
    region_eu=["eu-1", "eu-2"], region_us=["us-1"], prometheus=["eu-1", "us-1"], alertmanager=["eu-1", "eu-2", "us-1"],
    loki=["eu-2"], blackbox=["eu-1"],
    variables={"eu-1": {"ansible_host": "192.0.2.1"}, "eu-2": {"ansible_host": "2001:db8::2", "node_port": "9101"},
               "us-1": {"observatory_tls": False}})


def test_the_inventory_of_these_tests_is_right():
    assert check(HOSTS, GROUPS) == []


# -- regions -----------------------------------------------------------------------------------------------------------
def test_a_host_is_in_the_region_of_its_group():
    assert estate.regions(GROUPS) == {"eu": ["eu-1", "eu-2"], "us": ["us-1"]}
    assert estate.region_of(GROUPS, "eu-2") == "eu"


@pytest.mark.parametrize("groups, found", [({"region_eu": [], "all": ["x"]}, r"in 0 region groups \(none\)"),
                                           ({"region_eu": ["x"], "region_us": ["x"]}, r"in 2 region groups \(eu, us\)")])
def test_a_host_without_one_region_is_an_error(groups, found):
    with pytest.raises(EstateError, match="host x is " + found):
        estate.region_of(groups, "x")


# -- targets -----------------------------------------------------------------------------------------------------------
def test_targets_are_those_of_the_own_region_with_their_labels():
    jobs = observed.targets(HOSTS, GROUPS, "eu-1")
    assert jobs["node"] == [
        {"targets": ["192.0.2.1:9100"], "labels": {"region": "eu", "system": "node", "instance": "eu-1:9100", "host": "eu-1"}},
        {"targets": ["[2001:db8::2]:9101"], "labels": {"region": "eu", "system": "node", "instance": "eu-2:9101", "host": "eu-2"}}]
    assert [row["labels"]["host"] for row in jobs["loki"]] == ["eu-2"]
    assert jobs["otel_agent"][0]["labels"]["system"] == "otel_collector"
    assert "loki" not in observed.targets(HOSTS, GROUPS, "us-1")


def test_a_service_without_metrics_of_its_own_is_no_job():
    hosts, groups = inventory(region_eu=["a"], jaeger=["a"])
    assert "metrics" not in estate.services()["jaeger"]
    assert "jaeger" not in observed.targets(hosts, groups, "a")


def test_targets_from_outside_join_their_region_only():
    extra = [{"system": "router", "region": "eu", "targets": ["router-1:9116"], "labels": {"site": "ams"}},
             {"system": "node", "region": "eu", "targets": ["legacy:9100"], "labels": None},
             {"system": "router", "job": "snmp", "region": "us", "targets": ["router-9:9116"]}]
    eu, us = (observed.targets(HOSTS, GROUPS, host, extra) for host in ("eu-1", "us-1"))
    assert eu["router"] == [{"targets": ["router-1:9116"], "labels": {
        "region": "eu", "system": "router", "instance": "router-1:9116", "host": "router-1", "site": "ams"}}]
    assert [row["labels"]["host"] for row in eu["node"]] == ["eu-1", "eu-2", "legacy"]
    assert "snmp" not in eu and us["snmp"][0]["labels"]["system"] == "router" and "router" not in us


HOST_NAMES = [f"host-{number:02}" for number in range(12)]


@st.composite
def estates(draw):
    """Every host in one region, and each service's groups with any of the hosts."""
    region = {host: draw(st.sampled_from(["eu", "us", "ap"])) for host in HOST_NAMES[:draw(st.integers(1, 12))]}
    groups = {"region_" + name: [h for h in region if region[h] == name] for name in set(region.values())}
    for group in sorted({group for service in estate.services().values() for group in service["groups"]} - {"all"}):
        groups[group] = draw(st.lists(st.sampled_from(sorted(region)), unique=True))
    variables = {host: draw(st.fixed_dictionaries({}, optional={
        "ansible_host": st.sampled_from(["192.0.2.1", "2001:db8::1", "name.example"]), "node_port": st.integers(1, 65535),
        "observatory_tls": st.booleans()})) for host in region}
    return region, {"all": list(region), **groups}, variables


@given(estates())
def test_every_host_is_scraped_once_per_job_by_its_own_region_and_by_no_other(drawn):
    region, groups, variables = drawn
    by_region = {name: observed.targets(variables, groups, host) for host, name in region.items()}
    for service in estate.services().values():
        if "metrics" not in service:
            continue
        running = estate.members(groups, service)
        for name, jobs in by_region.items():
            scraped = [row["labels"]["host"] for row in jobs.get(service["id"], [])]
            assert sorted(scraped) == sorted(host for host in running if region[host] == name)
            assert all(row["labels"]["region"] == name for row in jobs.get(service["id"], []))
    assert all(set(jobs) <= set(estate.services()) for jobs in by_region.values())


@given(estates())
def test_every_prometheus_of_a_region_scrapes_the_same(drawn):
    region, groups, variables = drawn
    hosts = sorted(region)
    for host in hosts[1:]:
        same = observed.targets(variables, groups, host) == observed.targets(variables, groups, hosts[0])
        assert same or region[host] != region[hosts[0]]


@given(estates())
def test_endpoints_stay_in_the_region_unless_everywhere_is_asked(drawn):
    region, groups, variables = drawn
    for host in region:
        for service in ("loki", "alertmanager"):
            near = estate.endpoints(variables, groups, host, service)
            assert [row["host"] for row in near] == [h for h in groups[service] if region[h] == region[host]]
            assert [row["host"] for row in estate.endpoints(variables, groups, host, service, everywhere=True)] == groups[service]


# -- endpoints and ports -----------------------------------------------------------------------------------------------
def test_an_endpoint_says_how_a_service_is_reached():
    assert estate.endpoints(HOSTS, GROUPS, "eu-1", "loki") == [{
        "host": "eu-2", "region": "eu", "address": "2001:db8::2", "port": 3100, "target": "[2001:db8::2]:3100", "scheme": "https",
        "url": "https://[2001:db8::2]:3100", "health": "https://[2001:db8::2]:3100/ready", "auth": "certificate"}]
    assert estate.endpoints(HOSTS, GROUPS, "us-1", "alertmanager")[0]["url"] == "http://us-1:9093"
    assert [row["host"] for row in estate.endpoints(HOSTS, GROUPS, "us-1", "alertmanager", everywhere=True)] == ["eu-1", "eu-2", "us-1"]


def test_an_unknown_service_is_named_with_the_known_ones():
    with pytest.raises(EstateError, match="there is no service 'lokki'; known are .*loki"):
        estate.endpoints(HOSTS, GROUPS, "eu-1", "lokki")


def test_ports_are_overridden_by_host_and_by_name():
    collector = estate.services()["otel_gateway"]
    prometheus = estate.services()["prometheus"]
    assert estate.port({}, prometheus, "web") == 9090
    assert estate.port({"prometheus_port": "19090"}, prometheus, "web") == 19090
    assert estate.port({"otel_gateway_metrics_port": 8891}, collector, "metrics") == 8891
    assert estate.port({"otel_gateway_port": 1}, collector, "metrics") == 8890


@pytest.mark.parametrize("value", ["http", 0, 65536, -1, "", [9090]])
def test_a_port_that_is_none_is_named(value):
    with pytest.raises(EstateError, match=r"prometheus_port: .* is not a port \(1 to 65535\)"):
        estate.port({"prometheus_port": value}, estate.services()["prometheus"], "web")


@pytest.mark.parametrize("value, tls", [(True, True), (False, False), ("false", False), ("No", False), ("yes", True), (None, True)])
def test_plain_text_only_where_it_is_asked_for(value, tls):
    assert estate.tls({} if value is None else {"observatory_tls": value}) is tls


def test_probes_ask_every_main_port_of_the_region():
    rows = observed.probes(HOSTS, GROUPS, "eu-1")
    assert {"targets": ["[2001:db8::2]:3100"], "labels": {"region": "eu", "system": "loki", "host": "eu-2", "instance": "eu-2:3100",
                                                          "module": "tls"}} in rows
    assert {row["labels"]["host"] for row in rows} == {"eu-1", "eu-2"}
    assert {row["labels"]["module"] for row in observed.probes(HOSTS, GROUPS, "us-1")} == {"tcp_connect"}


def test_other_regions_are_probed_at_their_front_doors_only():
    hosts, groups = inventory(region_eu=["eu-1"], region_us=["us-1"], region_ap=["ap-1"], prometheus=["eu-1", "us-1", "ap-1"],
                              loki=["us-1"], alertmanager=["us-1"], variables={"ap-1": {"observatory_tls": False}})
    assert [(row["targets"], row["labels"]) for row in observed.peer_probes(hosts, groups, "eu-1")] == [
        (["ap-1:9090"], {"region": "eu", "peer_region": "ap", "system": "prometheus", "host": "ap-1", "instance": "ap-1:9090",
                         "module": "tcp_connect"}),
        (["us-1:9090"], {"region": "eu", "peer_region": "us", "system": "prometheus", "host": "us-1", "instance": "us-1:9090",
                         "module": "tls"}),
        (["us-1:9093"], {"region": "eu", "peer_region": "us", "system": "alertmanager", "host": "us-1", "instance": "us-1:9093",
                         "module": "tls"})]
    alone = inventory(region_eu=["eu-1"], prometheus=["eu-1"])
    assert observed.peer_probes(*alone, "eu-1") == []


@given(estates())
def test_other_regions_have_what_the_own_has_not(drawn):
    region, groups, variables = drawn
    for host in region:
        assert [row["host"] for row in estate.peers(variables, groups, host, "prometheus")] == [
            name for name in groups["prometheus"] if region[name] != region[host]]
        doors = [(row["labels"]["region"], row["labels"]["peer_region"], region[row["labels"]["host"]])
                 for row in observed.peer_probes(variables, groups, host)]
        assert all(own == region[host] and peer == of != own for own, peer, of in doors)


# -- what cannot be right ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("groups, problem", [
    ({"region_eu": ["a"], "prometheus": ["a", "b"]}, "host b is in no region; it must be in exactly one region_<id> group"),
    ({"region_eu": ["a"], "region_us": ["a"]}, "host a is in the regions eu, us; it must be in exactly one region_<id> group"),
    ({"region_eu": ["a"], "prometeus": ["a"]}, "group prometeus is not one that this collection knows; did you mean prometheus?"),
    ({"region_eu": ["a"], "Loki": ["a"]}, "group Loki is not one that this collection knows; did you mean loki?"),
    ({"region_eu": ["a"], "alert-log": ["a"]}, "group alert-log is not one that this collection knows; did you mean alert_log?"),
    ({"region_eu": ["a"], "alertmanagers": ["a"]},
     "group alertmanagers is not one that this collection knows; did you mean alertmanager?"),
    ({"region_eu": ["a", "b"], "variables": {"a": {"ansible_host": "192.0.2.1"}, "b": {"ansible_host": "192.0.2.1"}}},
     "hosts a and b have the same address 192.0.2.1"),
    ({"region_eu": ["a", "b"], "variables": {"b": {"ansible_host": "a"}}}, "hosts a and b have the same address a"),
    ({"region_eu": ["a", "b"], "variables": {host: {"ansible_host": "192.0.2.1", "ansible_port": 22} for host in "ab"}},
     "hosts a and b have the same address 192.0.2.1 port 22"),
    ({"region_eu": ["a"], "prometheus": ["a"], "variables": {"a": {"prometheus_port": 9100}}},
     "host a: port 9100 is wanted by node (web) and by prometheus (web); set prometheus_port"),
    ({"region_eu": ["a"], "otel_gateway": ["a"], "variables": {"a": {"otel_gateway_metrics_port": 8889}}},
     "host a: port 8889 is wanted by otel_agent (metrics) and by otel_gateway (metrics); set otel_gateway_metrics_port"),
    ({"region_eu": ["a", "b"], "region_us": ["c"], "loki": ["a", "b", "c"]},
     "region eu has loki on a, b; only one host of a region can have it"),
    ({"region_eu": ["a", "b"], "grafana": ["a", "b"], "variables": {"a": {"grafana_database": {"host": "db"}}}},
     "region eu has grafana on a, b; several of a region need what they share: set grafana_database on all of them"),
    ({"region_eu": ["a"], "variables": {"a": {"node_port": "http"}}}, "host a: node_port: 'http' is not a port (1 to 65535)"),
])
def test_what_is_wrong_is_said_in_one_sentence_with_host_and_group(groups, problem):
    assert check(*inventory(**groups)) == [problem]


@pytest.mark.parametrize("groups", [
    {"region_eu": ["a"], "kafka": ["a"], "webservers": ["a"], "db": ["a"]},
    {"region_eu": ["a", "b"], "variables": {"a": {"ansible_host": "192.0.2.1", "ansible_port": 2201},
                                            "b": {"ansible_host": "192.0.2.1", "ansible_port": 2202}}},
    {"region_eu": ["a", "b"], "variables": {host: {"ansible_connection": "local", "ansible_host": "x"} for host in "ab"}},
    {"region_eu": ["a"], "prometheus": ["a"], "loki": ["a"], "jaeger": ["a"], "alertmanager": ["a"], "alert_log": ["a"],
     "otel_gateway": ["a"], "blackbox": ["a"]},
])
def test_what_can_be_right_is_not_complained_about(groups):
    assert check(*inventory(**groups)) == []


def test_an_inventory_without_hosts_is_said_so():
    assert check({}, {"all": ["localhost"]}) == ["the inventory has no host"]


@pytest.mark.parametrize("row, problem", [
    ({"region": "eu", "targets": ["a:1"]}, "observatory_targets[0]: needs system and targets (a list of host:port)"),
    ("router:9116", "observatory_targets[0]: needs system and targets (a list of host:port)"),
    ({"system": "x", "region": "mars", "targets": ["a:1"]}, "observatory_targets[0]: region 'mars' is not one of eu, us"),
    ({"system": "x", "region": "eu", "targets": ["router"]}, "observatory_targets[0]: 'router' is not host:port"),
    ({"system": "x", "region": "eu", "targets": ["router:snmp"]}, "observatory_targets[0]: 'router:snmp' is not host:port"),
])
def test_a_wrong_target_from_outside_is_named(row, problem):
    assert check(HOSTS, GROUPS, [row]) == [problem]


# -- the services' own descriptions ------------------------------------------------------------------------------------
@pytest.fixture
def described(tmp_path, monkeypatch):
    """Write service files into a place of their own; returns what estate.services() makes of them."""
    def write(**files):
        for name, text in files.items():
            path = tmp_path / "some_role" / "services" / f"{name}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return estate.services_in.__wrapped__((tmp_path,))

    monkeypatch.setattr(estate, "ROLES", tmp_path)
    return write


def test_a_services_system_is_its_id_unless_it_says_another(described):
    found = described(one="{id: one, auth: basic}", two="{id: two, auth: certificate, system: one}")
    assert {key: row["system"] for key, row in found.items()} == {"one": "one", "two": "one"}


@pytest.mark.parametrize("text, problem", [("{id: other, auth: basic}", "id is 'other', but the file is 'one'"),
                                           ("{id: one, auth: basic, front_door: true, ports: {grpc: 1}}",
                                            "front_door is the port 'web', which it does not have"),
                                           ("{id: one, auth: none}", "auth is 'none', not one of basic, certificate")])
def test_a_service_that_is_described_wrongly_is_refused(described, text, problem):
    with pytest.raises(EstateError, match=problem):
        described(one=text)


def test_a_sites_own_services_are_found_beside_the_collections(tmp_path, monkeypatch):
    def write(role, service, text):
        path = tmp_path / role / "services" / f"{service}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    monkeypatch.setattr(estate.constants, "DEFAULT_ROLES_PATH", [str(tmp_path / "nowhere"), str(tmp_path)])
    write("shop", "shop", "{id: shop, auth: certificate, groups: [shop], ports: {web: 8443}}")
    # A role that has nothing to do with the platform may have a directory of that name.
    write("foreign", "web", "[80, 443]")
    write("foreign", "mail", "{name: mail}")
    found = estate.services()
    assert found["shop"]["role"] == "shop" and "prometheus" in found and not {"web", "mail"} & set(found)
    groups = {"all": ["a"], "region_eu": ["a"], "shop": ["a"]}
    assert [row["target"] for row in estate.endpoints({"a": {}}, groups, "a", "shop")] == ["a:8443"]
    write("foreign", "shop", "{id: shop, auth: certificate, groups: [shop], ports: {web: 1}}")
    estate.services_in.cache_clear()
    with pytest.raises(EstateError, match="service 'shop' is described twice"):
        estate.services()
    estate.services_in.cache_clear()


def test_a_collection_without_services_is_refused(described):
    with pytest.raises(EstateError, match="no service is described"):
        described()


# -- the estate file ---------------------------------------------------------------------------------------------------
def test_the_estate_document_says_what_there_is_and_does_not_depend_on_order():
    groups = {"all": ["b", "a"], "region_us": ["b"], "region_eu": ["a"], "loki": ["a"], "otel_gateway": [], "jaeger": []}
    options = {"environment": "lab", "owners": {"web": {}, "platform": {}}, "systems": ["psf_web"],
               "thresholds": {"node": {"filesystem_free": 0.1}}, "urls": {"grafana": "https://g.example"}, "slo_period": "28d"}
    document = estate_document.document(groups, options)
    assert document == {
        "format": 1, "environment": "lab", "regions": ["eu", "us"],
        "systems": ["loki", "node", "observatory", "otel_collector", "psf_web", "systemd"], "owners": ["platform", "web"],
        "thresholds": {"node": {"filesystem_free": 0.1}}, "urls": {"pages": None, "grafana": "https://g.example"},
        "scrape_interval": "15s", "evaluation_interval": "15s", "slo_period": "28d"}
    assert estate_document.document(dict(reversed(groups.items())), options) == document
    # What the assessment found is read where a Prometheus is.
    assert set(estate_document.document({**groups, "prometheus": ["a"]}, options)["systems"]) - set(document["systems"]) == {
        "prometheus", "governance"}


def test_an_estate_without_hosts_or_owners_and_a_misspelt_url():
    assert estate_document.document({"all": []}, {"environment": "x"})["systems"] == ["observatory"]
    assert estate_document.document({"all": []}, {"environment": "x"})["owners"] == ["platform"]
    with pytest.raises(estate.EstateError, match="observatory_urls.grafanna: unknown; known are pages, grafana"):
        estate_document.document({}, {"environment": "x", "urls": {"grafanna": "https://g"}})


def test_several_that_share_a_database_are_right():
    database = {"grafana_database": {"host": "db"}}
    assert check(*inventory(region_eu=["a", "b"], grafana=["a", "b"], variables={"a": database, "b": database})) == []


# -- what is optional --------------------------------------------------------------------------------------------------
HAS = {"psf_components": {"grafana": {"server": "grafana", "id": "1"}}}
HAS_NOT = {"psf_components": {"prometheus": {"id": "2"}}}


@pytest.mark.parametrize("facts, missing", [
    (None, False),                                                               # not read: as the inventory says
    (HAS, False), ({**HAS, "psf_unavailable": {"grafana": ["a"]}}, False),       # it runs, whatever can be had
    (HAS_NOT, True), ({"psf_components": {"grafana": {}}}, True),                # nobody has looked for it yet
    ({**HAS_NOT, "psf_unavailable": {}}, False), ({**HAS_NOT, "psf_unavailable": {"grafana": []}}, False),   # this run installs it
    ({**HAS_NOT, "psf_unavailable": {"grafana": ["a", "b"]}}, True), ({**HAS_NOT, "psf_unavailable": {"grafana": ["b"]}}, False),
    ({"psf_unavailable": {"grafana": ["a"]}}, True), ({"psf_unavailable": {"grafana": []}}, False)])
def test_a_host_does_without_what_it_has_not_and_what_cannot_be_had(facts, missing):
    variables = {} if facts is None else {"ansible_facts": facts}
    hosts, groups = inventory(region_eu=["a"], grafana=["a"], prometheus=["a"], variables={"a": variables})
    assert estate.missing(variables, estate.services()["grafana"], "a") is missing
    assert ("grafana" in observed.targets(hosts, groups, "a")) is not missing
    assert bool(estate.endpoints(hosts, groups, "a", "grafana")) is not missing
    assert ("grafana" in [row["labels"]["system"] for row in observed.probes(hosts, groups, "a")]) is not missing
    assert ("grafana" in estate_document.document(groups, {"environment": "x"}, hosts)["systems"]) is not missing
    assert len(estate.endpoints(hosts, groups, "a", "grafana", declared=True)) == 1


def test_what_is_not_optional_is_never_missing():
    variables = {"ansible_facts": {"psf_components": {}, "psf_unavailable": {"loki": ["a"]}}}
    hosts, groups = inventory(region_eu=["a"], loki=["a"], variables={"a": variables})
    assert not estate.missing(variables, estate.services()["loki"], "a") and "loki" in observed.targets(hosts, groups, "a")


@pytest.mark.parametrize("before, there", [("", True), ("not JSON", True), ('{"systems": ["node"]}', False),
                                           ('{"systems": ["grafana"]}', True)])
def test_a_run_that_reads_no_host_of_an_optional_system_leaves_the_document_as_it_was(before, there):
    hosts, groups = inventory(region_eu=["a"], region_us=["b"], grafana=["a", "b"])
    assert ("grafana" in estate_document.document(groups, {"environment": "x", "systems": ["grafana"]}, hosts, before)["systems"]) is there
    hosts["a"] = {"ansible_facts": HAS_NOT}
    partly = estate_document.document(groups, {"environment": "x"}, hosts, before)["systems"]
    assert ("grafana" in partly) is (before == '{"systems": ["grafana"]}')
    hosts["b"] = {"ansible_facts": HAS}
    assert "grafana" in estate_document.document(groups, {"environment": "x"}, hosts, before)["systems"]
    hosts["b"] = {"ansible_facts": HAS_NOT}
    assert "grafana" not in estate_document.document(groups, {"environment": "x"}, hosts, before)["systems"]


def test_a_system_that_others_run_is_in_the_document():
    assert "grafana" in estate_document.document({"all": []}, {"environment": "x", "elsewhere": ["grafana"]}, {})["systems"]
