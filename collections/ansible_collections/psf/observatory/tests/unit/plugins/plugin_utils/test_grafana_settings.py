# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""grafana.ini: no secret in it, closed by default, and what cannot be right is refused with the option's name."""

from __future__ import annotations

import configparser

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils.settings import grafana
from ansible_collections.psf.observatory.plugins.plugin_utils.settings.common import SettingsError
from hypothesis import given
from hypothesis import strategies as st

HERE = {"host": "eu-1", "address": "192.0.2.1"}
OPTIONS = {
    "host": "eu-1", "listen_address": "0.0.0.0", "port": 3000, "cluster_port": 9096, "external_url": "https://192.0.2.1:3000", "tls": True,
    "instances": [HERE], "admin_user": "admin", "admin_password": "s3cret-admin", "secret_key": "s3cret-key", "machine_user": "machine",
    "machine_password": "s3cret-machine", "database": {}, "database_password": "", "oidc": {}, "oidc_client_secret": "", "smtp": {},
    "smtp_password": "", "default_role": "Viewer", "trace_address": "", "trace_ca": "/etc/psf/tls/ca.crt", "trace_insecure": False,
    "trace_ratio": 0.1, "settings": {}}
DATABASE = {"database": {"host": "db.example"}, "database_password": "s3cret-db"}


def made(**changes):
    """The file as a parser reads it: section to key to value, without Grafana's three quotes."""
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    parser.optionxform = str
    parser.read_string(grafana.build({**OPTIONS, **changes}))
    return {section: {key: value.removeprefix('"""').removesuffix('"""') for key, value in parser[section].items()}
            for section in parser.sections()}


def test_it_is_closed_by_default():
    settings = made()
    assert settings["auth.anonymous"]["enabled"] == "false" and settings["users"]["allow_sign_up"] == "false"
    assert settings["server"]["protocol"] == "https" and settings["security"]["cookie_secure"] == "true"
    assert settings["analytics"]["reporting_enabled"] == "false" and settings["plugins"]["preinstall_disabled"] == "true"
    assert settings["log"]["mode"] == "console" and settings["log.console"]["format"] == "json"
    assert settings["database"]["type"] == "sqlite3" and "tracing.opentelemetry.otlp" not in settings
    assert settings["metrics"] == {"enabled": "true", "basic_auth_username": "machine",
                                   "basic_auth_password": "$__file{/etc/grafana/secrets/metrics_password}"}


def test_no_secret_is_in_the_file_and_each_that_it_names_is_one_of_the_secrets():
    changes = {**DATABASE, "smtp": {"host": "mail", "from_address": "a@b.example", "user": "u"}, "smtp_password": "s3cret-smtp",
               "oidc": {"url": "https://kc.example/realms/psf"}, "oidc_client_secret": "s3cret-oidc"}
    text, files = grafana.build({**OPTIONS, **changes}), grafana.secrets({**OPTIONS, **changes})
    assert "s3cret" not in text
    assert sorted(files.values()) == sorted(f"s3cret-{name}" for name in ("admin", "key", "machine", "db", "smtp", "oidc"))
    for path in files:
        assert text.count("$__file{%s}" % path) == 1


def test_without_tls_there_is_no_certificate_and_spans_go_to_the_agent():
    settings = made(tls=False, external_url="http://192.0.2.1:3000", trace_address="127.0.0.1:4317", trace_insecure=True)
    assert settings["server"]["protocol"] == "http" and "cert_file" not in settings["server"]
    assert settings["security"]["cookie_secure"] == "false"
    assert settings["tracing.opentelemetry.otlp"] == {"address": "127.0.0.1:4317", "propagation": "w3c", "insecure": "true"}
    assert settings["tracing.opentelemetry"]["sampler_param"] == "0.1"
    assert "tracing.opentelemetry" not in made(trace_address="127.0.0.1:4317", trace_ratio=0)


def test_with_tls_spans_go_by_https_and_the_unit_names_the_files_alone():
    there = {**OPTIONS, "trace_address": "https://127.0.0.1:4318/v1/traces"}
    settings = made(**there)
    assert settings["tracing.opentelemetry.jaeger"] == {"address": "https://127.0.0.1:4318/v1/traces", "propagation": "w3c"}
    assert "tracing.opentelemetry.otlp" not in settings and settings["tracing.opentelemetry"]["sampler_type"] == "probabilistic"
    assert grafana.environment(there) == {
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/etc/psf/tls/ca.crt",
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": "/etc/psf/tls/host.crt",
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": "/etc/psf/tls/host.key"}


@pytest.mark.parametrize("changes", [{"trace_ratio": 0}, {"trace_address": ""}, {"trace_address": "eu-1:4317"}, {"trace_ca": ""}])
def test_the_unit_has_no_variables_where_nothing_reads_them(changes):
    assert grafana.environment({**OPTIONS, "trace_address": "https://127.0.0.1:4318/v1/traces", **changes}) == {}


@pytest.mark.parametrize("address", ["http://127.0.0.1:4318/v1/traces", "127.0.0.1", "ftp://x", "https://"])
def test_an_address_for_traces_that_cannot_be_right_is_refused(address):
    with pytest.raises(SettingsError, match="grafana_trace_address: '%s' is " % address):
        grafana.build({**OPTIONS, "trace_address": address})
    assert made(trace_address="http://127.0.0.1:4318/v1/traces", trace_insecure=True)["tracing.opentelemetry.jaeger"]


def test_several_share_a_database_and_tell_each_other_what_they_sent():
    other = {"host": "eu-2", "address": "2001:db8::2"}
    settings = made(instances=[HERE, other], **DATABASE)
    assert settings["database"] == {"type": "postgres", "host": "db.example:5432", "name": "grafana", "user": "grafana",
                                    "ssl_mode": "verify-full", "ca_cert_path": "/etc/psf/tls/ca.crt",
                                    "password": "$__file{/etc/grafana/secrets/database_password}"}
    assert settings["unified_alerting"] == {"ha_listen_address": "0.0.0.0:9096", "ha_advertise_address": "192.0.2.1:9096",
                                            "ha_peers": "192.0.2.1:9096,[2001:db8::2]:9096"}
    assert "unified_alerting" not in made(**DATABASE)


def test_keycloak_is_named_by_its_realm():
    oauth = made(oidc={"url": "https://kc.example/realms/psf/"}, oidc_client_secret="x")["auth.generic_oauth"]
    assert oauth["auth_url"] == "https://kc.example/realms/psf/protocol/openid-connect/auth" and oauth["use_pkce"] == "true"
    assert oauth["signout_redirect_url"].endswith("post_logout_redirect_uri=https%3A%2F%2F192.0.2.1%3A3000%2Flogin")
    assert oauth["role_attribute_strict"] == "true" and "|| 'Viewer'" in oauth["role_attribute_path"]


def test_a_url_with_a_path_is_served_below_it():
    server = made(external_url="https://ops.example/grafana")["server"]
    assert (server["domain"], server["root_url"], server["serve_from_sub_path"]) == ("ops.example", "https://ops.example/grafana/", "true")


def test_what_the_user_says_replaces_what_the_role_says():
    settings = made(settings={"users": {"allow_org_create": True}, "feature_toggles": {"enable": "a b"}})
    assert settings["users"]["allow_org_create"] == "true" and settings["users"]["allow_sign_up"] == "false"
    assert settings["feature_toggles"] == {"enable": "a b"}


@pytest.mark.parametrize("changes, problem", [
    ({"admin_password": ""}, "grafana_admin_password: it is empty"), ({"secret_key": ""}, "grafana_secret_key: it is empty"),
    ({"instances": [HERE, {"host": "eu-2", "address": "b"}]}, "grafana_database: eu-1, eu-2 are Grafanas of one region"),
    ({"database": {"name": "g"}}, "grafana_database.host: it is needed"),
    ({"database": {"host": "db", "type": "mysql"}}, "grafana_database.type: 'mysql' is not postgres"),
    ({"database": {"hots": "db"}}, "grafana_database: unknown hots; there are type, host"),
    ({"external_url": "grafana.example"}, "grafana_external_url: 'grafana.example' is not a URL"),
    ({"oidc": {"url": "kc.example"}}, "grafana_oidc.url: 'kc.example' is not the URL of a realm"),
    ({"smtp": {"host": "m", "from_address": "a", "starttls": "yes"}}, "grafana_smtp.starttls: 'yes' is not one of"),
    ({"settings": {"users": True}}, "grafana_settings.users: True is not a mapping"),
    ({"settings": {"a": {"b": "x\ny"}}}, r"\[a\] b: a value can have neither a line break"),
])
def test_what_cannot_be_right_is_refused_with_its_option(changes, problem):
    with pytest.raises(SettingsError, match=problem):
        grafana.secrets({**OPTIONS, **changes})
        grafana.build({**OPTIONS, **changes})


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30).filter(lambda text: '"""' not in text))
def test_a_value_stays_what_it_is(text):
    line = next(row for row in grafana.build({**OPTIONS, "settings": {"x": {"key": text}}}).split("\n") if row.startswith("key = "))
    value = line.removeprefix("key = ")
    plain = value.removeprefix('"""').removesuffix('"""') if value.startswith('"""') else value
    assert plain == text
    assert value.startswith('"""') or not set(text) & set("#;`\"'\\")
