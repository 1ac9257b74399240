# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service's settings have in common: the host's certificate, said once in each server's own words."""

from __future__ import annotations

from typing import Any

TLS_DIRECTORY = "/etc/psf/tls"
CA = f"{TLS_DIRECTORY}/ca.crt"
CERT = f"{TLS_DIRECTORY}/host.crt"
KEY = f"{TLS_DIRECTORY}/host.key"
# How often a collector looks for a renewed certificate.
RELOAD = "1h"
# Where every service on a host sends its own traces and metrics: the host's agent.
AGENT_OTLP_GRPC = 4317

Settings = dict[str, Any]


class SettingsError(Exception):
    """An option of a role that cannot be right: option, value, and what would be."""


def web(options: Settings) -> Settings:
    """The web configuration that Prometheus, Alertmanager and the exporters share (exporter-toolkit).

    options: tls (bool), users (name to bcrypt hash) for a service with log-in; without users, clients show a certificate.
    """
    settings: Settings = {}
    users = options.get("users")
    if options["tls"]:
        settings["tls_server_config"] = {"cert_file": CERT, "key_file": KEY, "min_version": "TLS12"}
        if not users:
            settings["tls_server_config"] |= {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": CA}
    if users:
        settings["basic_auth_users"] = checked_users(users)
    return settings


def checked_users(users: Settings) -> Settings:
    for name, value in users.items():
        if not str(value).startswith(("$2a$", "$2b$", "$2y$")):
            raise SettingsError(f"observatory_users.{name}: not a bcrypt hash (it begins with $2b$); "
                                "`htpasswd -nbBC 10 NAME PASSWORD` makes one")
    return {name: str(users[name]) for name in sorted(users)}


def client_tls() -> Settings:
    """TLS of a client in Prometheus' words."""
    return {"ca_file": CA, "cert_file": CERT, "key_file": KEY}


def otel_server_tls(mutual: bool = True) -> Settings:
    tls: Settings = {"cert_file": CERT, "key_file": KEY, "min_version": "1.2", "reload_interval": RELOAD}
    return tls | {"client_ca_file": CA} if mutual else tls


def otel_client_tls() -> Settings:
    return {"ca_file": CA, "cert_file": CERT, "key_file": KEY, "min_version": "1.2", "reload_interval": RELOAD}


def otel_telemetry(name: str, system: str, options: Settings) -> Settings:
    """A collector's telemetry of itself: metrics and sampled traces by OTLP to the host's agent, logs to the journal."""
    scheme = "https" if options["tls"] else "http"
    exporter: Settings = {"protocol": "grpc", "endpoint": f"{scheme}://127.0.0.1:{options.get('agent_port', AGENT_OTLP_GRPC)}"}
    if options["tls"]:
        exporter |= {"certificate": CA, "client_certificate": CERT, "client_key": KEY}
    else:
        exporter["insecure"] = True
    settings: Settings = {
        "resource": {"service.name": name, "service.instance.id": options["host"], "system": system},
        "logs": {"level": "info", "encoding": "json"},
        "metrics": {"level": "normal", "readers": [{"periodic": {"interval": 15000, "exporter": {"otlp": exporter}}}]},
    }
    ratio = options.get("trace_ratio", 0)
    if ratio:
        settings["traces"] = {
            "sampler": {"parent_based": {"root": {"trace_id_ratio_based": {"ratio": ratio}}}},
            "processors": [{"batch": {"exporter": {"otlp": exporter}}}]}
    return settings


def otel_environment(service: str, protocol: str, port: int, options: Settings) -> Settings:
    """Where a server sends its own traces, as variables of the OpenTelemetry SDK. protocol: grpc or http/protobuf."""
    if not options["trace_ratio"]:
        return {"OTEL_TRACES_SAMPLER": "always_off"}
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{'https' if options['tls'] else 'http'}://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_SERVICE_NAME": service,
        "OTEL_RESOURCE_ATTRIBUTES": f"system={service}",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": str(options["trace_ratio"]),
    }
    if options["tls"]:
        settings |= {"OTEL_EXPORTER_OTLP_CERTIFICATE": CA, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": CERT,
                     "OTEL_EXPORTER_OTLP_CLIENT_KEY": KEY}
    return settings
