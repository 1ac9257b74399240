"""The dashboard of systemd's units."""

from dashboards.model import Dashboard, Row
from dashboards.panels import GREEN, RED, golden, logs_row, prom, stat, states, table, targets_up, timeseries
from dashboards.systems.systemd.system import SYSTEM

DASHBOARDS = (
    Dashboard(
        "overview", "systemd units", "Units that failed, restart or are late, on every host of the region.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs, height=8),
                stat("failed-now", "Failed units", "Units that are in the state failed now.", "short",
                     prom('sum(node_systemd_units{state="failed"})'), steps=((None, GREEN), (1, RED)), height=8),
                stat("active-now", "Active units", "Units that are active now.", "short", prom('sum(node_systemd_units{state="active"})'),
                     height=8),
                timeseries("failed", "Failed units by host", "Units in the state failed.", "short",
                           prom('sum by (host) (node_systemd_units{state="failed"})', "{{host}}"), min=0, width=12),
                timeseries("changes", "Starts and stops", "Services that changed between running and not running in fifteen minutes.",
                           "short",
                           prom('topk(10, changes(node_systemd_unit_state{state="active", name=~".+[.]service", type!="oneshot"}[15m]) > '
                                '0)', "{{host}} {{name}}"),
                           min=0, width=12, may_be_empty="nothing starts or stops in a calm quarter of an hour"),
                states("running", "Hosts fully started", "Whether systemd calls the host running, not degraded.",
                       prom("node_systemd_system_running", "{{host}}"), values={"1": ("running", GREEN), "0": ("degraded", RED)})),
            Row("Units", (
                table("failed-units", "Failed units", "Each unit that is in the state failed.", "short",
                      prom('node_systemd_unit_state{state="failed"} == 1', instant=True), hide=("instance", "system", "Value", "state"),
                      columns={"region": "Region", "host": "Host", "name": "Unit", "type": "Type"},
                      may_be_empty="no unit fails on a healthy host"),
                table("platform-units", "Units of the platform", "The services of the platform on each host and whether they are active.",
                      "short",
                      prom('node_systemd_unit_state{state="active", '
                           'name=~"(prometheus|alertmanager|loki|jaeger|otel_.*|.*_exporter|alert_log|psf_.*)[.]service"}', "Active",
                           instant=True), hide=("instance", "system", "state"),
                      columns={"region": "Region", "host": "Host", "name": "Unit", "type": "Type"},
                      colors={"Active": {"1": ("active", GREEN), "0": ("not active", RED)}}, sort=(("Active", False), ("Unit", False))),
                timeseries("by-state", "Units by state", "How many units are in each state, all hosts together.", "short",
                           prom("sum by (state) (node_systemd_units)", "{{state}}"), stack=True, min=0, width=12),
                timeseries("timers", "Time since timers ran", "How long ago each timer last ran; - for those that never did.", "s",
                           prom("time() - (node_systemd_timer_last_trigger_seconds > 0)", "{{host}} {{name}}"), min=0, width=12,
                           may_be_empty="on a fresh host no timer has run yet"))),
            logs_row(SYSTEM))),
)
