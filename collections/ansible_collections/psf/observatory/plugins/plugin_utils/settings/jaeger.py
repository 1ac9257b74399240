# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Jaeger v2 with local storage (Badger): spans by OTLP with a certificate, API and page with a log-in."""

from __future__ import annotations

from ..estate import join
from . import common
from .common import Settings

HTPASSWD = "/etc/jaeger/htpasswd"


def build(options: Settings) -> Settings:
    """jaeger.yml. options: host, listen_address, port, grpc_port, otlp_port, data_dir, retention, tls, users, trace_ratio."""
    data, address = options["data_dir"], options["listen_address"]
    http: Settings = {"endpoint": join(address, options["port"])}
    grpc: Settings = {"endpoint": join(address, options["grpc_port"])}
    otlp: Settings = {"endpoint": join(address, options["otlp_port"])}
    if options["tls"]:
        http["tls"] = common.otel_server_tls(mutual=not options["users"])
        grpc["tls"] = common.otel_server_tls()
        otlp["tls"] = common.otel_server_tls()
    extensions: Settings = {
        "jaeger_storage": {"backends": {"local": {"badger": {
            "directories": {"keys": f"{data}/keys", "values": f"{data}/values"},
            "ephemeral": False, "ttl": {"spans": options["retention"]}}}}},
        "jaeger_query": {"storage": {"traces": "local"}, "http": http, "grpc": grpc},
    }
    if options["users"]:
        extensions["basicauth"] = {"htpasswd": {"file": HTPASSWD}}
        http["auth"] = {"authenticator": "basicauth"}
    return {
        "extensions": extensions,
        "receivers": {"otlp": {"protocols": {"grpc": otlp}}},
        "processors": {"batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "local"}},
        "service": {
            "extensions": list(extensions),
            "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["jaeger_storage_exporter"]}},
            # Requests to the API are traced (environment below); the pipeline is not, for each of its spans would make another.
            "telemetry": common.otel_telemetry("jaeger", "jaeger", options | {"trace_ratio": 0}),
        },
    }


def environment(options: Settings) -> Settings:
    return common.otel_environment("jaeger", "grpc", options["agent_port"], options)


def htpasswd(options: Settings) -> str:
    return "".join(f"{name}:{value}\n" for name, value in common.checked_users(options["users"]).items())
