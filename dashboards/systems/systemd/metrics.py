"""Metrics of node_exporter's systemd collector."""

from dashboards.model import Metric

METRICS = (
    Metric("node_systemd_unit_state", "gauge", "boolean", "1 for the state that a unit is in", ("name", "state", "type")),
    Metric("node_systemd_units", "gauge", "units", "Units in each state", ("state",)),
    Metric("node_systemd_system_running", "gauge", "boolean", "1 when the manager has started everything and nothing failed"),
    Metric("node_systemd_timer_last_trigger_seconds", "gauge", "seconds", "When a timer last ran, in Unix time", ("name",)),
    Metric("node_systemd_socket_accepted_connections_total", "counter", "connections", "Connections that a socket unit accepted",
           ("name",)),
    Metric("node_systemd_version", "gauge", "version", "Version of systemd", ("version",)),
)
