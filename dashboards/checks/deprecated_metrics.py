"""Exporters rename their metrics; a query on the old name is empty after the upgrade, and so is the alert on it. Names that are gone are
refused with their successor. (metric_contract refuses what the recorded scrape lacks; this says what to write.)"""

import re

from dashboards import checks
from dashboards.checks import Found
from dashboards.load import Content

# Old name (a whole name, as a regular expression) -> (what to write, since when): renames in released exporters.
RETIRED = {
    r"node_(cpu|boot_time|time)|node_(disk_io_time_ms|disk_(?:read|write)_time_ms|disk_reads_merged|disk_sectors_(?:read|written))":
        ("the name with its unit and _total (node_cpu_seconds_total, node_boot_time_seconds, node_disk_io_time_seconds_total)",
         "node_exporter 0.16"),
    r"node_filesystem_(avail|size|free)|node_memory_(MemTotal|MemAvailable|MemFree|Buffers|Cached|SwapTotal|SwapFree)":
        ("the name with _bytes", "node_exporter 0.16"),
    r"node_(network_(?:receive|transmit)_(?:bytes|packets|errs|drop)|context_switches|forks|intr|disk_(?:reads|writes)_completed)":
        ("the name with _total", "node_exporter 0.16"),
    r"pg_replication_slot_(?!.*slots).*": ("pg_replication_slots_*", "postgres_exporter 0.20"),
    r"pg_stat_bgwriter_checkpoints_(timed|req)(_total)?": ("pg_stat_checkpointer_num_timed_total, _num_requested_total", "PostgreSQL 17"),
    r"pg_stat_bgwriter_checkpoint_(write|sync)_time(_total)?": ("pg_stat_checkpointer_write_time_total, _sync_time_total", "PostgreSQL 17"),
    r"pg_stat_bgwriter_buffers_(checkpoint|backend|backend_fsync)(_total)?": ("pg_stat_checkpointer_buffers_written_total, pg_stat_io",
                                                                              "PostgreSQL 17"),
    r"otelcol_(receiver|exporter)_\w*(?:accepted|refused|sent|failed)_(?:spans|metric_points|log_records)":
        ("the name with _total", "OpenTelemetry Collector 0.120"),
    r"jaeger_(collector|agent|query|ingester|tracer|rpc)_\w+": ("otelcol_* and jaeger_storage_*, since it is an OpenTelemetry Collector",
                                                                "Jaeger 2"),
    r"redis_(exporter_scrapes|rejected_connections|connections_received|(evicted|expired)_keys|keyspace_(hits|misses)|commands_processed)":
        ("the name with _total", "redis_exporter 1.0"),
    r"redis_command_call_duration_seconds_(count|sum)": ("redis_commands_total, redis_commands_duration_seconds_total",
                                                         "redis_exporter 1.0"),
    r"kube_hpa_\w+": ("kube_horizontalpodautoscaler_*", "kube-state-metrics 2.0"),
    r"kube_pod_container_resource_(requests|limits)_(cpu_cores|memory_bytes)": ("kube_pod_container_resource_requests{resource=...}",
                                                                                "kube-state-metrics 2.0"),
    r"kube_node_status_(allocatable|capacity)_(cpu_cores|memory_bytes|pods)": ("kube_node_status_allocatable{resource=...}",
                                                                               "kube-state-metrics 2.0"),
    r"apiserver_request_(count|latencies\w*)": ("apiserver_request_total, apiserver_request_duration_seconds_bucket", "Kubernetes 1.14"),
    r"prometheus_local_storage_\w+": ("prometheus_tsdb_*", "Prometheus 2.0"),
    r"prometheus_evaluator_\w+": ("prometheus_rule_*", "Prometheus 2.0"),
    r"cortex_\w+": ("loki_* or mimir's own names; Loki left cortex_ behind", "Loki 3.0"),
    r"keycloak_(logins|failed_login_attempts|registrations|client_logins)(_total)?": ("keycloak_user_events_total{event, error}",
                                                                                      "Keycloak has metrics of its own"),
}
_ANY = re.compile("|".join(f"(?P<r{number}>(?:{name})\\Z)" for number, name in enumerate(RETIRED)))


def successor(name: str) -> tuple[str, str] | None:
    """What to write for a name that is gone, and since which version; None for any other."""
    match = _ANY.match(name)
    return list(RETIRED.values())[int(str(match.lastgroup)[1:])] if match and match.lastgroup else None


def check(content: Content) -> Found:
    for loaded in content.systems:
        for metric in loaded.metrics:
            gone = successor(metric.name)
            if gone:
                yield f"{loaded.system.id}: metric {metric.name}", f"is gone since {gone[1]}; write {gone[0]}"
    for _loaded, row, found in checks.used(content):
        for name in sorted(found.names()):
            gone = successor(name)
            if gone:
                yield row.where, f"uses {name}, which is gone since {gone[1]}; write {gone[0]}"
