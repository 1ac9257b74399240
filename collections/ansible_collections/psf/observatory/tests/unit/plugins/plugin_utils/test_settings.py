# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the servers: what TLS changes, what a wrong option says, and that equal options give equal settings."""

from __future__ import annotations

import copy
import json
import re

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils import controls
from ansible_collections.psf.observatory.plugins.plugin_utils.settings import (
    alertmanager,
    common,
    jaeger,
    loki,
    otel_collector,
    prometheus,
)
from ansible_collections.psf.observatory.plugins.plugin_utils.settings.common import SettingsError

HASH = "$2b$10$" + "x" * 53
ENDPOINT = {"host": "eu-1", "target": "192.0.2.1:9", "scheme": "https", "url": "https://192.0.2.1:9"}
SECOND = {"host": "eu-2", "target": "192.0.2.2:9", "scheme": "https", "url": "https://192.0.2.2:9"}

PROMETHEUS = {
    "region": "eu", "replica": "eu-1", "scrape_interval": "15s", "evaluation_interval": "15s", "external_labels": {}, "tls": True,
    "machine_user": "machine", "agent_port": 4317, "trace_ratio": 0.1, "remote_write": [], "scrape_configs": [],
    "alertmanagers": [ENDPOINT], "peer_alertmanagers": [], "blackbox": [ENDPOINT], "peer_probes": False,
    "jobs": {"node": {"auth": "certificate", "path": "/metrics", "honor_labels": False},
             "prometheus": {"auth": "basic", "path": "/metrics", "honor_labels": False},
             "otel_agent": {"auth": "certificate", "path": "/metrics", "honor_labels": True, "drop": "target_info"}}}
ALERTMANAGER = {"receivers": [], "route": {}, "owners": {}, "bundle": {},
                "inhibit_rules": [], "time_intervals": [], "global": {}, "alert_logs": [ENDPOINT],
                "tls": True}
LOKI = {"port": 3100, "grpc_port": 9095, "data_dir": "/var/lib/loki", "retention": "744h", "tls": True, "limits": {},
        "listen_address": "0.0.0.0", "trace_ratio": 0.1, "agent_http_port": 4318, "alertmanagers": [ENDPOINT],
        "external_url": "http://192.0.2.1:9", "evaluation_interval": "1m", "machine_user": "machine", "machine_password": "pa'$\"ss: #"}
JAEGER = {"host": "eu-1", "listen_address": "0.0.0.0", "port": 16686, "grpc_port": 16685, "otlp_port": 14317,
          "data_dir": "/var/lib/jaeger", "retention": "168h", "tls": True, "users": {"ada": HASH}, "trace_ratio": 0.1,
          "agent_port": 4317}
COLLECTOR = {"host": "eu-1", "region": "eu", "tls": True, "listen_address": "0.0.0.0", "data_dir": "/var/lib/otel", "journal": True,
             "log_files": ["/var/log/*.log"], "memory_mib": 256, "trace_ratio": 0.01, "gateways": [ENDPOINT], "lokis": [ENDPOINT],
             "jaegers": [ENDPOINT], "ports": {"otlp_grpc": 4317, "otlp_http": 4318, "metrics": 8889, "health": 13133}}

ALL = {"web": (common.web, {"tls": True, "users": {"ada": HASH}}), "prometheus": (prometheus.build, PROMETHEUS),
       "alertmanager": (alertmanager.build, ALERTMANAGER), "loki": (loki.build, LOKI), "loki environment": (loki.environment, LOKI),
       "jaeger": (jaeger.build, JAEGER), "jaeger environment": (jaeger.environment, JAEGER),
       "agent": (otel_collector.agent, COLLECTOR), "gateway": (otel_collector.gateway, COLLECTOR)}


# -- all of them -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ALL)
def test_equal_options_give_equal_settings_and_are_not_changed(name):
    build, options = ALL[name]
    before = copy.deepcopy(options)
    assert json.dumps(build(options)) == json.dumps(build(copy.deepcopy(options)))
    assert options == before


@pytest.mark.parametrize("name", ALL)
def test_without_tls_no_certificate_is_named_and_with_it_the_hosts_own(name):
    build, options = ALL[name]
    plain = {key: [{**row, "scheme": "http", "url": row["url"].replace("https", "http")} for row in value]
             if value in ([ENDPOINT],) else value for key, value in options.items()}
    without, secured = json.dumps(build({**plain, "tls": False})), json.dumps(build(options))
    assert "/etc/psf/tls" not in without and "https" not in without
    assert common.CERT in secured


# -- exporters and the web configuration -------------------------------------------------------------------------------
def test_without_users_clients_show_a_certificate_and_with_users_they_log_in():
    by_certificate = common.web({"tls": True})
    assert by_certificate["tls_server_config"]["client_auth_type"] == "RequireAndVerifyClientCert"
    assert "basic_auth_users" not in by_certificate
    by_log_in = common.web({"tls": True, "users": {"zoe": HASH, "ada": HASH}})
    assert "client_auth_type" not in by_log_in["tls_server_config"]
    assert list(by_log_in["basic_auth_users"]) == ["ada", "zoe"]
    assert common.web({"tls": False}) == {}


@pytest.mark.parametrize("value", ["secret", "", "$5$abc", "{SHA}x", None])
def test_a_password_that_is_no_bcrypt_hash_is_refused_without_showing_it(value):
    with pytest.raises(SettingsError, match=r"observatory_users.ada: not a bcrypt hash .* `htpasswd -nbBC 10 NAME PASSWORD`") as error:
        common.web({"tls": True, "users": {"ada": value}})
    assert not value or value not in str(error.value)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_every_kind_of_bcrypt_hash_will_do(prefix):
    assert common.checked_users({"ada": prefix + "10$x"})


# -- Prometheus --------------------------------------------------------------------------------------------------------
def test_jobs_show_a_certificate_and_log_in_where_people_do():
    jobs = {row["job_name"]: row for row in prometheus.build(PROMETHEUS)["scrape_configs"]}
    assert list(jobs) == ["node", "prometheus", "otel_agent", "probe"]
    assert jobs["node"]["scheme"] == "https" and jobs["node"]["tls_config"]["cert_file"] == common.CERT
    assert "basic_auth" not in jobs["node"]
    assert jobs["prometheus"]["basic_auth"] == {"username": "machine", "password_file": "/etc/prometheus/secrets/machine_password"}
    assert jobs["otel_agent"]["honor_labels"] is True and "honor_labels" not in jobs["node"]
    assert jobs["node"]["file_sd_configs"] == [{"files": ["/etc/prometheus/targets/node.json"]}]
    assert jobs["otel_agent"]["metric_relabel_configs"] == [{"source_labels": ["__name__"], "regex": "target_info", "action": "drop"}]
    assert "metric_relabel_configs" not in jobs["node"]


def test_what_the_region_does_not_have_is_left_out():
    settings = prometheus.build({**PROMETHEUS, "alertmanagers": [], "blackbox": [], "trace_ratio": 0})
    assert not {"alerting", "tracing", "remote_write"} & set(settings)
    assert "probe" not in [row["job_name"] for row in settings["scrape_configs"]]


def test_what_leaves_prometheus_says_where_it_comes_from():
    settings = prometheus.build({**PROMETHEUS, "external_labels": {"environment": "staging"},
                                 "scrape_configs": [{"job_name": "mine"}], "remote_write": [{"url": "https://far"}]})
    assert settings["global"]["external_labels"] == {"region": "eu", "replica": "eu-1", "environment": "staging"}
    assert settings["scrape_configs"][-1] == {"job_name": "mine"} and settings["remote_write"] == [{"url": "https://far"}]
    assert settings["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["192.0.2.1:9"]}]


def test_other_regions_are_told_only_of_what_is_marked_and_are_not_waited_for():
    far = [{**ENDPOINT, "target": "198.51.100.1:9"}, {**ENDPOINT, "target": "203.0.113.1:9", "scheme": "http"}]
    own, secured, plain = prometheus.build({**PROMETHEUS, "peer_alertmanagers": far})["alerting"]["alertmanagers"]
    assert own["static_configs"] == [{"targets": ["192.0.2.1:9"]}] and not {"timeout", "alert_relabel_configs"} & set(own)
    assert secured["static_configs"] == [{"targets": ["198.51.100.1:9"]}] and plain["static_configs"] == [{"targets": ["203.0.113.1:9"]}]
    assert (secured["scheme"], plain["scheme"]) == ("https", "http")
    for section in (secured, plain):
        assert section["timeout"] == "5s" and section["basic_auth"] == own["basic_auth"] and section["tls_config"] == own["tls_config"]
        assert section["alert_relabel_configs"] == [{"source_labels": ["told_elsewhere"], "regex": "true", "action": "keep"}]
    alone = prometheus.build({**PROMETHEUS, "alertmanagers": [], "peer_alertmanagers": far[:1]})
    assert [row["timeout"] for row in alone["alerting"]["alertmanagers"]] == ["5s"]


def test_other_regions_are_probed_by_a_job_of_their_own():
    jobs = {row["job_name"]: row for row in prometheus.build({**PROMETHEUS, "peer_probes": True})["scrape_configs"]}
    assert jobs["peer_probe"]["file_sd_configs"] == [{"files": ["/etc/prometheus/targets/peer_probe.json"]}]
    assert {**jobs["peer_probe"], "job_name": "probe", "file_sd_configs": jobs["probe"]["file_sd_configs"]} == jobs["probe"]
    assert "peer_probe" not in {row["job_name"] for row in prometheus.build({**PROMETHEUS, "peer_probes": True, "blackbox": []})[
        "scrape_configs"]}


def test_what_only_a_probe_asks_is_not_taken_for_scraped():
    """A series of a probing job bears the name of what is probed, so REL-06 must look at the others alone."""
    query = controls.load()["REL-06"]["check"]["with"]["query"]
    left_out = re.fullmatch(r'up\{job!~"([^"]*)"\}', query)
    assert left_out, query
    for job in prometheus.build({**PROMETHEUS, "peer_probes": True})["scrape_configs"]:
        assert bool(re.fullmatch(left_out.group(1), job["job_name"])) == (job["metrics_path"] == "/probe")


# -- Alertmanager ------------------------------------------------------------------------------------------------------
def test_every_notification_is_logged_before_it_goes_to_the_receivers():
    settings = alertmanager.build({**ALERTMANAGER, "receivers": [{"name": "team"}, {"name": "pager"}],
                                   "route": {"routes": [{"receiver": "pager", "matchers": ['severity="critical"']}]}})
    log, rest = settings["route"]["routes"]
    nobody, own = rest["routes"]
    assert log["receiver"] == "alert_log" and log["continue"] is True
    assert nobody == {"receiver": "nobody", "matchers": ['alertname="ObservatoryVerify"']}
    assert own["receiver"] == "pager" and settings["route"]["receiver"] == rest["receiver"] == "team"
    assert [row["name"] for row in settings["receivers"]] == ["team", "pager", "nobody", "alert_log"]
    assert settings["receivers"][3]["webhook_configs"][0]["url"] == "https://192.0.2.1:9/notifications"


def test_without_receivers_notifications_are_only_logged():
    settings = alertmanager.build(ALERTMANAGER)
    assert settings["route"]["receiver"] == "nobody"
    assert not {"global", "inhibit_rules", "time_intervals"} & set(settings)


def test_without_a_log_the_synthetic_alert_still_wakes_nobody():
    settings = alertmanager.build({**ALERTMANAGER, "alert_logs": [], "receivers": [{"name": "pager"}]})
    assert settings["route"]["routes"] == [{"receiver": "nobody", "matchers": ['alertname="ObservatoryVerify"']}]
    assert [row["name"] for row in settings["receivers"]] == ["pager", "nobody"]


@pytest.mark.parametrize("route", [{"receiver": "paper"}, {"routes": [{"receiver": "paper"}]},
                                   {"routes": [{"receiver": "pager", "routes": [{"receiver": "paper"}]}]}])
def test_a_receiver_that_nobody_declared_is_named_with_those_that_are(route):
    with pytest.raises(SettingsError, match=r"alertmanager_route: receiver 'paper' is not one of alertmanager_receivers \(pager\)"):
        alertmanager.build({**ALERTMANAGER, "receivers": [{"name": "pager"}], "route": route})


@pytest.mark.parametrize("name", ["alert_log", "nobody"])
def test_the_collections_own_receivers_cannot_be_taken(name):
    with pytest.raises(SettingsError, match=f"alertmanager_receivers: the name {name} is used by the collection itself"):
        alertmanager.build({**ALERTMANAGER, "receivers": [{"name": name}]})


# -- Loki and Jaeger ---------------------------------------------------------------------------------------------------
def test_lokis_inner_port_stays_on_loopback_and_limits_can_be_set():
    server = loki.build(LOKI)["server"]
    assert (server["grpc_listen_address"], server["http_listen_address"]) == ("127.0.0.1", "0.0.0.0")
    assert server["http_tls_config"]["client_auth_type"] == "RequireAndVerifyClientCert"
    limits = loki.build({**LOKI, "limits": {"ingestion_rate_mb": 64, "retention_period": "1h"}})["limits_config"]
    assert (limits["ingestion_rate_mb"], limits["retention_period"], limits["allow_structured_metadata"]) == (64, "1h", True)


def test_jaegers_page_has_a_log_in_and_its_spans_a_certificate():
    settings = jaeger.build(JAEGER)
    query = settings["extensions"]["jaeger_query"]
    assert query["http"]["auth"] == {"authenticator": "basicauth"}
    assert "client_ca_file" not in query["http"]["tls"]
    assert settings["receivers"]["otlp"]["protocols"]["grpc"]["tls"]["client_ca_file"] == common.CA
    assert settings["service"]["extensions"] == ["jaeger_storage", "jaeger_query", "basicauth"]
    assert jaeger.htpasswd({"users": {"zoe": HASH, "ada": HASH}}) == f"ada:{HASH}\nzoe:{HASH}\n"
    assert "basicauth" not in jaeger.build({**JAEGER, "users": {}})["extensions"]
    assert jaeger.build({**JAEGER, "listen_address": "::"})["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "[::]:14317"


@pytest.mark.parametrize("environment, protocol", [(jaeger.environment, "grpc"), (loki.environment, "http/protobuf")])
def test_own_traces_go_to_the_hosts_agent_or_nowhere(environment, protocol):
    options = {**JAEGER, **LOKI}
    assert environment({**options, "trace_ratio": 0}) == {"OTEL_TRACES_SAMPLER": "always_off"}
    found = environment(options)
    assert found["OTEL_EXPORTER_OTLP_PROTOCOL"] == protocol and found["OTEL_TRACES_SAMPLER_ARG"] == "0.1"
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"].startswith("https://127.0.0.1:")
    assert all(isinstance(value, str) for value in found.values())


# -- OpenTelemetry Collector -------------------------------------------------------------------------------------------
def used_parts(settings):
    """Parts that the pipelines name, and parts that are configured, by kind; a connector is both ends of a pipeline."""
    used = {"receivers": set(), "processors": set(), "exporters": set()}
    for pipeline in settings["service"]["pipelines"].values():
        for kind, names in used.items():
            names.update(pipeline[kind])
    connectors = set(settings.get("connectors", {}))
    return ({kind: names - connectors for kind, names in used.items()},
            {kind: set(settings[kind]) for kind in used})


@pytest.mark.parametrize("build, changes", [
    (otel_collector.agent, {}), (otel_collector.agent, {"gateways": []}), (otel_collector.agent, {"journal": False, "log_files": []}),
    (otel_collector.gateway, {}), (otel_collector.gateway, {"lokis": []}), (otel_collector.gateway, {"jaegers": []}),
])
def test_every_part_that_a_pipeline_names_is_configured_and_none_is_idle(build, changes):
    used, configured = used_parts(build({**COLLECTOR, **changes}))
    assert used == configured


def test_the_agent_listens_on_loopback_and_says_which_host_it_is():
    settings = otel_collector.agent(COLLECTOR)
    protocols = settings["receivers"]["otlp"]["protocols"]
    assert [row["endpoint"] for row in protocols.values()] == ["127.0.0.1:4317", "127.0.0.1:4318"]
    assert {row["key"]: row["value"] for row in settings["processors"]["resource"]["attributes"]} == {"host": "eu-1", "region": "eu"}
    assert settings["exporters"]["otlp_grpc"]["retry_on_failure"] == {"max_elapsed_time": "0s"}


def test_a_line_of_a_log_file_says_which_file_and_which_service():
    moves = otel_collector.agent(COLLECTOR)["receivers"]["file_log"]["operators"]
    assert {row["to"]: row["from"] for row in moves} == {
        'resource["unit"]': 'attributes["log.file.path"]', 'resource["service.name"]': 'attributes["log.file.name"]'}


def test_hosts_spread_over_the_gateways_and_stay_with_theirs():
    def target(host):
        return otel_collector.agent({**COLLECTOR, "host": host, "gateways": [ENDPOINT, SECOND]})["exporters"]["otlp_grpc"]["endpoint"]

    chosen = {host: target(host) for host in (f"web-{number}" for number in range(20))}
    assert set(chosen.values()) == {ENDPOINT["target"], SECOND["target"]}
    assert all(target(host) == chosen[host] for host in chosen)


def test_a_gateway_sends_logs_to_loki_and_traces_to_jaeger():
    settings = otel_collector.gateway(COLLECTOR)
    assert settings["connectors"]["spanmetrics"]["metrics_flush_interval"] == "15s", "no rarer than a scrape"
    assert settings["exporters"]["otlp_http/loki"]["endpoint"] == "https://192.0.2.1:9/otlp"
    assert settings["exporters"]["otlp_grpc/jaeger"]["endpoint"] == "192.0.2.1:9"
    assert set(settings["service"]["pipelines"]) == {"logs", "traces", "metrics/spans"}
    assert set(otel_collector.gateway({**COLLECTOR, "jaegers": []})["service"]["pipelines"]) == {"logs"}


def test_a_gateway_without_anywhere_to_send_is_an_error_that_names_host_and_region():
    with pytest.raises(SettingsError, match="otel_gateway on eu-1: its region eu has neither loki nor jaeger; put a host"):
        otel_collector.gateway({**COLLECTOR, "lokis": [], "jaegers": []})


# -- who is told -------------------------------------------------------------------------------------------------------
RECEIVERS = [{"name": "pager"}, {"name": "tickets"}, {"name": "web"}]
OWNERS = {"web": {"critical": "web", "info": "tickets"}, "platform": None}


def told(route, labels):
    """Receivers of an alert by Alertmanager's rules, for matchers of the form name="value"."""
    found = []
    for child in route.get("routes") or []:
        wanted = [matcher.replace('"', "").split("=") for matcher in child.get("matchers", [])]
        if all(labels.get(name) == value for name, value in wanted):
            found += told({"receiver": route["receiver"], **child}, labels)
            if not child.get("continue"):
                return found
    return found or [route["receiver"]]


@pytest.mark.parametrize(("labels", "receiver"), [
    ({"owner": "web", "severity": "critical"}, "web"), ({"owner": "web", "severity": "warning"}, "pager"),
    ({"owner": "web", "severity": "info"}, "tickets"), ({"owner": "platform", "severity": "critical"}, "pager"),
    ({"owner": "platform", "severity": "info"}, "nobody"), ({"owner": "stranger", "severity": "info"}, "nobody"),
    ({"owner": "stranger", "severity": "critical"}, "pager"), ({"alertname": "ObservatoryVerify", "severity": "info"}, "nobody"),
    ({"owner": "web", "severity": "critical", "team": "own"}, "tickets")])
def test_each_owner_and_severity_reaches_its_receiver(labels, receiver):
    options = {**ALERTMANAGER, "receivers": RECEIVERS, "owners": OWNERS,
               "route": {"routes": [{"matchers": ['team="own"'], "receiver": "tickets"}]}}
    route = alertmanager.build(options)["route"]
    assert told(route, labels)[-1] == receiver
    assert route["routes"][0]["receiver"] == "alert_log" and route["routes"][0]["continue"]


def test_amtool_is_asked_for_every_owner_and_severity():
    commands = alertmanager.route_tests({**ALERTMANAGER, "receivers": RECEIVERS, "owners": OWNERS})
    asked = {(words[-2], words[-1]): words[-3] for words in commands}
    assert len(asked) == len(commands) == 6
    assert asked["owner=web", "severity=critical"] == "--verify.receivers=alert_log,web"
    assert asked["owner=platform", "severity=info"] == "--verify.receivers=alert_log,nobody"
    assert alertmanager.route_tests(ALERTMANAGER) == []


@pytest.mark.parametrize(("owners", "words"), [
    ({"web": {"critical": "paper"}}, "observatory_owners.web.critical: receiver 'paper' is not one of"),
    ({"web": {"urgent": "pager"}}, "observatory_owners.web.urgent: there is no such severity; there are critical, warning, info"),
    ({"web": {"critical": "alert_log"}}, "receiver 'alert_log' is not one of")])
def test_an_owner_that_cannot_be_told_is_refused(owners, words):
    with pytest.raises(SettingsError, match=words):
        alertmanager.build({**ALERTMANAGER, "receivers": RECEIVERS, "owners": owners})


def test_the_bundles_inhibitions_come_before_the_users():
    bundle = {"inhibit_rules": [{"equal": ["a"]}], "time_intervals": [{"name": "nights"}]}
    settings = alertmanager.build({**ALERTMANAGER, "bundle": bundle, "inhibit_rules": [{"equal": ["b"]}]})
    assert settings["inhibit_rules"] == [{"equal": ["a"]}, {"equal": ["b"]}] and settings["time_intervals"] == [{"name": "nights"}]
    with pytest.raises(SettingsError, match="alertmanager_time_intervals: nights is defined twice"):
        alertmanager.build({**ALERTMANAGER, "bundle": bundle, "time_intervals": [{"name": "nights"}]})


# -- alerts from logs --------------------------------------------------------------------------------------------------
def test_lokis_password_is_not_in_its_file_and_survives_yaml():
    settings = json.dumps(loki.build(LOKI))
    assert "pa'" not in settings and "${LOKI_ALERTMANAGER_PASSWORD}" in settings
    secret = loki.secret_environment(LOKI)
    assert len(secret) == 1
    name = next(iter(secret))
    value = secret[name]
    text = f"basic_auth_password: ${{{name}}}".replace(f"${{{name}}}", value)
    assert yaml.safe_load(text) == {"basic_auth_password": LOKI["machine_password"]}


def test_loki_without_alertmanagers_or_password():
    assert "alertmanager_client" not in loki.build({**LOKI, "tls": False, "machine_password": ""})["ruler"]
    assert "alertmanager_url" not in loki.build({**LOKI, "alertmanagers": []})["ruler"]
    assert loki.secret_environment({**LOKI, "alertmanagers": []}) == loki.secret_environment({**LOKI, "machine_password": ""}) == {}


def test_a_dollar_of_the_users_own_is_no_variable_of_loki():
    assert loki.build({**LOKI, "limits": {"a": ["x$y"]}})["limits_config"]["a"] == ["x$$y"]
