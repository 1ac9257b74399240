# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the OpenTelemetry Collector: the agent on every host and the gateway of a region."""

from __future__ import annotations

from ..estate import join
from . import common
from .common import Settings, SettingsError

# syslog(3) priorities as the severities of OpenTelemetry.
SEVERITIES = {"fatal": ["0", "1", "2"], "error": "3", "warn": "4", "info": ["5", "6"], "debug": "7"}
# The level in a line of JSON ("level":"warn") or of logfmt (level=warn), and other words than OpenTelemetry's for one.
LEVEL_SAID = '(^[{].*"level":"[A-Za-z]+")|((^| )level=[A-Za-z]+ )'
LEVEL_READ = '("level":"|(^| )level=)(?P<level>[A-Za-z]+)'
LEVELS = {"info": ["info", "notice"], "warn": ["warn", "warning"], "error": ["error", "err"],
          "fatal": ["fatal", "panic", "critical", "crit", "dpanic"]}


def agent(options: Settings) -> Settings:
    """agent: OTLP on loopback, the journal and files of the host -> the region's gateway; metrics -> Prometheus.

    options: host, region, tls, ports {otlp_grpc, otlp_http, metrics, health}, listen_address, data_dir, gateways (endpoints),
    log_files (globs), journal (bool), memory_mib, trace_ratio.
    """
    ports = options["ports"]
    receivers: Settings = {"otlp": {"protocols": {
        "grpc": _server(options, "127.0.0.1", ports["otlp_grpc"]), "http": _server(options, "127.0.0.1", ports["otlp_http"])}}}
    logs = ["otlp"]
    if options["journal"]:
        receivers["journald"] = {"start_at": "beginning", "storage": "file_storage", "operators": _journal()}
        logs.append("journald")
    if options["log_files"]:
        receivers["file_log"] = {
            "include": list(options["log_files"]), "start_at": "beginning", "storage": "file_storage",
            "include_file_path": True,
            "operators": [{"type": "move", "from": "attributes[\"log.file.path\"]", "to": "resource[\"unit\"]"},
                          # A file does not say whose it is; its name is better than a service that is unknown.
                          {"type": "move", "from": "attributes[\"log.file.name\"]", "to": "resource[\"service.name\"]"}]}
        logs.append("file_log")
    settings = _base(options, "otel_agent", "otel_collector")
    settings["receivers"] = receivers
    settings["processors"]["resource"] = {"attributes": [
        {"key": "host", "value": options["host"], "action": "upsert"},
        {"key": "region", "value": options["region"], "action": "upsert"}]}
    settings["exporters"] = {"prometheus": _metrics(options)}
    way: list[str] = []
    if options["gateways"]:
        # Hosts spread over the gateways of their region by name; the same host always takes the same one.
        gateway = options["gateways"][sum(options["host"].encode()) % len(options["gateways"])]
        settings["exporters"]["otlp_grpc"] = _client(options, gateway["target"]) | {
            "sending_queue": {"storage": "file_storage"}, "retry_on_failure": {"max_elapsed_time": "0s"}}
        way = ["otlp_grpc"]
    common_steps = ["memory_limiter", "resource", "batch"]
    settings["service"]["pipelines"] = {
        "metrics": {"receivers": ["otlp"], "processors": common_steps, "exporters": ["prometheus"]}}
    if way:
        settings["service"]["pipelines"] |= {
            "logs": {"receivers": logs, "processors": common_steps, "exporters": way},
            "traces": {"receivers": ["otlp"], "processors": common_steps, "exporters": way}}
    else:
        for name in logs[1:]:
            del receivers[name]
    return settings


def gateway(options: Settings) -> Settings:
    """gateway: OTLP from the agents of the region -> Loki, Jaeger, and span metrics for Prometheus.

    options: as agent, with lokis and jaegers (endpoints; jaegers by their OTLP port).
    """
    settings = _base(options, "otel_gateway", "otel_collector")
    settings["receivers"] = {"otlp": {"protocols": {
        "grpc": _server(options, options["listen_address"], options["ports"]["otlp_grpc"])}}}
    settings["exporters"] = {}
    pipelines: Settings = {}
    steps = ["memory_limiter", "batch"]
    queue = {"sending_queue": {"storage": "file_storage"}, "retry_on_failure": {"max_elapsed_time": "0s"}}
    if options["lokis"]:
        exporter: Settings = {"endpoint": f"{options['lokis'][0]['url']}/otlp", **queue}
        if options["tls"]:
            exporter["tls"] = common.otel_client_tls()
        settings["exporters"]["otlp_http/loki"] = exporter
        pipelines["logs"] = {"receivers": ["otlp"], "processors": steps, "exporters": ["otlp_http/loki"]}
    if options["jaegers"]:
        settings["exporters"]["otlp_grpc/jaeger"] = _client(options, options["jaegers"][0]["target"]) | queue
        settings["exporters"]["prometheus"] = _metrics(options)
        settings["connectors"] = {"spanmetrics": {
            "histogram": {"explicit": {"buckets": ["5ms", "10ms", "25ms", "50ms", "100ms", "200ms", "500ms", "1s", "2s", "5s"]}},
            "exemplars": {"enabled": True},
            # As often as Prometheus scrapes: a counter that moves once a minute has no rate in every second window of a minute.
            "metrics_flush_interval": "15s",
            "dimensions": [{"name": "http.route"}, {"name": "http.response.status_code"}, {"name": "rpc.method"}],
            "resource_metrics_key_attributes": ["service.name", "region", "host", "system"]}}
        pipelines["traces"] = {"receivers": ["otlp"], "processors": steps, "exporters": ["otlp_grpc/jaeger", "spanmetrics"]}
        pipelines["metrics/spans"] = {"receivers": ["spanmetrics"], "processors": ["batch"], "exporters": ["prometheus"]}
    if not pipelines:
        raise SettingsError(f"otel_gateway on {options['host']}: its region {options['region']} has neither loki nor jaeger; "
                            "put a host of the region into the group loki or jaeger, or take this one out of otel_gateway")
    settings["service"]["pipelines"] = pipelines
    return settings


def _base(options: Settings, name: str, system: str) -> Settings:
    health: Settings = {"endpoint": join("127.0.0.1", options["ports"]["health"])}
    if options["tls"]:
        health["tls"] = common.otel_server_tls(mutual=False)
    return {
        "extensions": {"health_check": health,
                       "file_storage": {"directory": f"{options['data_dir']}/storage", "create_directory": True}},
        "receivers": {},
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_mib": options["memory_mib"],
                               "spike_limit_mib": options["memory_mib"] // 4},
            "batch": {"timeout": "1s", "send_batch_size": 2048, "send_batch_max_size": 4096}},
        "exporters": {},
        "service": {"extensions": ["health_check", "file_storage"], "pipelines": {},
                    "telemetry": common.otel_telemetry(name, system, options)},
    }


def _server(options: Settings, address: str, port: int) -> Settings:
    server: Settings = {"endpoint": join(address, port)}
    return server | {"tls": common.otel_server_tls()} if options["tls"] else server


def _client(options: Settings, target: str) -> Settings:
    return {"endpoint": target, "tls": common.otel_client_tls() if options["tls"] else {"insecure": True}}


def _metrics(options: Settings) -> Settings:
    """The page that Prometheus scrapes; what a resource says of itself becomes labels."""
    return _server(options, options["listen_address"], options["ports"]["metrics"]) | {
        "resource_to_telemetry_conversion": {"enabled": True}, "enable_open_metrics": True, "metric_expiration": "5m"}


def _journal() -> list[Settings]:
    """A journal entry as a log record: severity, unit and program as labels, the message as the body."""
    return [
        {"type": "severity_parser", "parse_from": "body.PRIORITY", "if": "body.PRIORITY != nil", "mapping": SEVERITIES,
         "overwrite_text": True},
        {"type": "move", "from": "body._SYSTEMD_UNIT", "to": "resource[\"unit\"]", "if": "body._SYSTEMD_UNIT != nil"},
        {"type": "move", "from": "body.SYSLOG_IDENTIFIER", "to": "resource[\"service.name\"]",
         "if": "body.SYSLOG_IDENTIFIER != nil"},
        {"type": "move", "from": "body._PID", "to": "attributes[\"process.pid\"]", "if": "body._PID != nil"},
        {"type": "move", "from": "body.MESSAGE", "to": "body", "if": "body.MESSAGE != nil"},
        # The journal gives every line of a service the same priority; the level that the line itself says is the better one.
        {"type": "regex_parser", "if": f"type(body) == 'string' and body matches '{LEVEL_SAID}'", "parse_to": "attributes",
         "on_error": "send_quiet", "regex": LEVEL_READ,
         "severity": {"parse_from": "attributes.level", "mapping": LEVELS, "overwrite_text": True}},
        {"type": "remove", "field": "attributes.level", "if": "attributes.level != nil"},
    ]
