# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Loki as one process with local storage: logs by OTLP, a few labels, the rest as structured metadata.

Loki's own parts talk gRPC to each other; in one process that stays on loopback, where no other host can reach it.
"""

from __future__ import annotations

import json
from typing import Any

from . import common
from .common import Settings

# The ruler reads the rules of a tenant from a directory of its name; without tenants, Loki calls the one there is "fake".
RULES = "/etc/loki/rules"
POLL = "10s"
PASSWORD = "LOKI_ALERTMANAGER_PASSWORD"  # noqa: S105 (a variable's name)

LABELS = ("region", "host", "system", "unit", "service.name", "service.namespace", "deployment.environment")


def build(options: Settings) -> Settings:
    """loki.yml, in which Loki replaces variables of its environment (-config.expand-env).

    options: port, grpc_port, data_dir, retention, tls, limits (further limits_config), alertmanagers (endpoints), external_url,
    machine_user, machine_password, evaluation_interval.
    """
    data = options["data_dir"]
    server: Settings = {
        "http_listen_address": options["listen_address"], "http_listen_port": options["port"],
        "grpc_listen_address": "127.0.0.1", "grpc_listen_port": options["grpc_port"],
        "log_level": "info", "log_format": "json", "graceful_shutdown_timeout": "10s",
    }
    if options["tls"]:
        server["tls_min_version"] = "VersionTLS12"
        server["http_tls_config"] = {"cert_file": common.CERT, "key_file": common.KEY, "client_ca_file": common.CA,
                                     "client_auth_type": "RequireAndVerifyClientCert"}
    return {
        "auth_enabled": False,
        "server": server,
        "common": {
            "instance_addr": "127.0.0.1", "path_prefix": data, "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {"filesystem": {"chunks_directory": f"{data}/chunks", "rules_directory": f"{data}/rules"}},
        },
        "schema_config": {"configs": [{
            "from": "2024-01-01", "store": "tsdb", "object_store": "filesystem", "schema": "v13",
            "index": {"prefix": "index_", "period": "24h"}}]},
        "limits_config": {
            "retention_period": options["retention"], "allow_structured_metadata": True, "volume_enabled": True,
            "otlp_config": {"resource_attributes": {"ignore_defaults": True, "attributes_config": [
                {"action": "index_label", "attributes": list(LABELS)}]}},
            **_escaped(options["limits"]),
        },
        "ruler": _ruler(options),
        "compactor": {"working_directory": f"{data}/compactor", "retention_enabled": True,
                      "delete_request_store": "filesystem"},
        "ingester": {"wal": {"dir": f"{data}/wal"}},
        "analytics": {"reporting_enabled": False},
    }


def _ruler(options: Settings) -> Settings:
    """Alerts from logs. The password is not in the file: it comes from the environment."""
    ruler: Settings = {
        "storage": {"type": "local", "local": {"directory": RULES}}, "rule_path": f"{options['data_dir']}/ruler",
        "enable_api": True, "poll_interval": POLL, "evaluation_interval": options["evaluation_interval"],
        "ring": {"kvstore": {"store": "inmemory"}},
    }
    if options["external_url"]:
        ruler["external_url"] = options["external_url"]
    if options["alertmanagers"]:
        ruler["alertmanager_url"] = ",".join(row["url"] for row in options["alertmanagers"])
        client: Settings = {}
        if options["tls"]:
            client |= {"tls_ca_path": common.CA, "tls_cert_path": common.CERT, "tls_key_path": common.KEY}
        if options["machine_password"]:
            client |= {"basic_auth_username": options["machine_user"], "basic_auth_password": f"${{{PASSWORD}}}"}
        if client:
            ruler["alertmanager_client"] = client
    return ruler


def _escaped(value: Any) -> Any:
    """A dollar sign of the user's own stays one."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def secret_environment(options: Settings) -> Settings:
    """The password as it may stand in YAML: JSON's quotes keep every character what it is."""
    if not (options["alertmanagers"] and options["machine_password"]):
        return {}
    return {PASSWORD: json.dumps(str(options["machine_password"]))}


def environment(options: Settings) -> Settings:
    return common.otel_environment("loki", "http/protobuf", options["agent_http_port"], options)
