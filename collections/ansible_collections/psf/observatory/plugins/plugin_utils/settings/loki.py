# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Loki as one process with local storage: logs by OTLP, a few labels, the rest as structured metadata.

Loki's own parts talk gRPC to each other; in one process that stays on loopback, where no other host can reach it.
"""

from __future__ import annotations

from . import common
from .common import Settings

LABELS = ("region", "host", "system", "unit", "service.name", "service.namespace", "deployment.environment")


def build(options: Settings) -> Settings:
    """loki.yml. options: port, grpc_port, data_dir, retention, tls, limits (further limits_config)."""
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
            **options["limits"],
        },
        "compactor": {"working_directory": f"{data}/compactor", "retention_enabled": True,
                      "delete_request_store": "filesystem"},
        "ingester": {"wal": {"dir": f"{data}/wal"}},
        "analytics": {"reporting_enabled": False},
    }


def environment(options: Settings) -> Settings:
    return common.otel_environment("loki", "http/protobuf", options["agent_http_port"], options)
