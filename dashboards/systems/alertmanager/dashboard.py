"""The dashboard of Alertmanager: golden signals, then alerts in, notifications out, state, configuration, requests."""

from dashboards.model import Dashboard, Row
from dashboards.panels import (
    GREEN,
    JSON_LEVEL,
    RED,
    YELLOW,
    go_runtime,
    golden,
    heatmap,
    logs_row,
    loki,
    prom,
    stat,
    targets_up,
    timeseries,
)
from dashboards.systems.alertmanager.alerts import GIVEN_UP, STATE
from dashboards.systems.alertmanager.system import SYSTEM

RATE = "[$__rate_interval]"
QUIET = "it writes when it starts, reloads or fails, and is silent otherwise"

DASHBOARDS = (
    Dashboard(
        "overview", "Alertmanager", "Alerts in, notifications out: what each Alertmanager of the region receives, holds back and tells.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs),
                stat("active", "Active alerts", "Alerts that fire and are neither silenced nor inhibited.", "short",
                     prom('sum(alertmanager_alerts{state="active"})', "active")),
                stat("suppressed", "Held back", "Alerts that fire, but are silenced or inhibited.", "short",
                     prom('sum(alertmanager_alerts{state="suppressed"})', "held back"), steps=((None, GREEN), (1, YELLOW))),
                stat("silences-active", "Silences", "Silences that hold now.", "short",
                     prom('sum(alertmanager_silences{state="active"})', "silences")),
                stat("given-up-hour", "Given up in an hour", "Notifications that were given up in the last hour.", "short",
                     prom("sum(increase(alertmanager_notifications_failed_total[1h]))", "given up"), steps=((None, GREEN), (1, RED)),
                     decimals=0),
                stat("version", "Versions", "Different versions in use.", "short",
                     prom("count(count by (version) (alertmanager_build_info))", "versions"),
                     steps=((None, GREEN), (2, YELLOW))),
                timeseries("notifications", "Notifications", "Notifications per second, the five busiest kinds.", "ops",
                           prom(f"topk(5, sum by (integration) (rate(alertmanager_notifications_total{RATE})))", "{{integration}}"), min=0),
                timeseries("notification-errors", "Notifications given up", "Share of the notifications, by kind.", "percentunit",
                           prom(f"sum by (integration) (rate(alertmanager_notifications_failed_total{RATE})) "
                                f"/ (sum by (integration) (rate(alertmanager_notifications_total{RATE})) > 0)", "{{integration}}"), min=0,
                           may_be_empty="nobody is notified while nothing fires"),
                timeseries("notification-latency", "Time of notifications", "Half, 90 % and 99 % of the notifications took less than this.",
                           "s",
                           *(prom(f"histogram_quantile({quantile}, sum by (le) "
                                  f"(rate(alertmanager_notification_latency_seconds_bucket{RATE}))) >= 0", name)
                             for quantile, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))), min=0,
                           may_be_empty="nobody is notified while nothing fires")),
            Row("Alerts", (
                timeseries("alerts", "Alerts by state", "Alerts that Alertmanager holds.", "short",
                           prom("sum by (state) (alertmanager_alerts)", "{{state}}"), min=0, stack=True),
                timeseries("received", "Alerts received", "Alerts per second by status; those refused as invalid below the axis.", "ops",
                           prom(f"sum by (status) (rate(alertmanager_alerts_received_total{RATE}))", "{{status}}"),
                           prom(f"-sum(rate(alertmanager_alerts_invalid_total{RATE}))", "invalid")),
                timeseries("groups", "Groups", "Groups of alerts that are told together.", "short",
                           prom("alertmanager_dispatcher_aggregation_groups", "{{host}}"), min=0),
                timeseries("processing", "Time to group", "Mean time to put an alert into its group.", "s",
                           prom(f"rate(alertmanager_dispatcher_alert_processing_duration_seconds_sum{RATE}) "
                                f"/ (rate(alertmanager_dispatcher_alert_processing_duration_seconds_count{RATE}) > 0)", "{{host}}"), min=0,
                           may_be_empty="no alert comes in while nothing fires"))),
            Row("Notifications", (
                timeseries("given-up", "Given up by receiver", "Notifications that were given up, from the log.", "short",
                           loki(f"sum by (receiver) (count_over_time({GIVEN_UP} [$__auto]))", "{{receiver}}"), min=0, bars=True,
                           may_be_empty="notifications arrive"),
                timeseries("reasons", "Given up by reason", "Notifications per second that were given up.", "ops",
                           prom(f"topk(5, sum by (integration, reason) (rate(alertmanager_notifications_failed_total{RATE})))",
                                "{{integration}} {{reason}}"), min=0),
                timeseries("attempts", "Attempts", "Attempts per second, the repeated ones too; failed ones below the axis.", "reqps",
                           prom(f"sum(rate(alertmanager_notification_requests_total{RATE}))", "tried"),
                           prom(f"-sum(rate(alertmanager_notification_requests_failed_total{RATE}))", "failed")),
                heatmap("latency-heatmap", "Time of notifications", "Notifications by how long they took.", "s",
                        prom(f"sum by (le) (rate(alertmanager_notification_latency_seconds_bucket{RATE}))", "{{le}}"), width=24))),
            Row("State", (
                timeseries("silences", "Silences by state", "Silences that hold, wait and have ended.", "short",
                           prom("sum by (state) (alertmanager_silences)", "{{state}}"), min=0, stack=True),
                timeseries("state-errors", "Errors of state", "Failed look-ups and failed attempts to store.", "short",
                           *(prom(f"increase({name}{RATE})", f"{{{{host}}}} {what}") for name, what in zip(
                               STATE, ("store silences", "store notifications", "tidy silences", "look up silences"), strict=True)),
                           min=0, bars=True),
                timeseries("snapshots", "Stored state", "Size of what is on disk.", "bytes",
                           prom("alertmanager_silences_snapshot_size_bytes", "{{host}} silences"),
                           prom("alertmanager_nflog_snapshot_size_bytes", "{{host}} notifications"), min=0))),
            Row("Configuration", (
                timeseries("reloads", "Configuration", "1 when the last reload of the configuration worked.", "short",
                           prom("alertmanager_config_last_reload_successful", "{{host}}"), min=0, max=1, width=6),
                timeseries("reload-age", "Age of the configuration", "Time since the configuration was loaded.", "s",
                           prom("time() - alertmanager_config_last_reload_success_timestamp_seconds", "{{host}}"), min=0, width=6),
                timeseries("configurations", "Configurations", "Different configurations in each region; more than one is an error.",
                           "short",
                           prom('count by (region) (count_values by (region) ("config_hash", alertmanager_config_hash))', "{{region}}"),
                           min=0, width=6),
                timeseries("configured", "Receivers and inhibitions", "What the configuration has.", "short",
                           prom("alertmanager_receivers", "{{host}} receivers"), prom("alertmanager_integrations", "{{host}} integrations"),
                           prom("alertmanager_inhibition_rules", "{{host}} inhibitions"), min=0, width=6))),
            Row("Requests", (
                timeseries("http-rate", "Requests", "Requests per second, the ten busiest pages.", "reqps",
                           prom(f"topk(10, sum by (handler, method) (rate(alertmanager_http_request_duration_seconds_count{RATE})))",
                                "{{method}} {{handler}}"), min=0),
                timeseries("http-errors", "Requests that failed", "Share of the requests answered with a status of 500 or more.",
                           "percentunit",
                           prom(f'(sum by (host) (rate(alertmanager_http_request_duration_seconds_count{{code=~"5.."}}{RATE})) '
                                f"or 0 * sum by (host) (rate(alertmanager_http_request_duration_seconds_count{RATE}))) "
                                f"/ sum by (host) (rate(alertmanager_http_request_duration_seconds_count{RATE}))", "{{host}}"), min=0),
                timeseries("http-latency", "Time of requests", "Half, 95 % and 99 % of the requests took less than this.", "s",
                           *(prom(f"histogram_quantile({quantile}, sum by (le) "
                                  f"(rate(alertmanager_http_request_duration_seconds_bucket{RATE})))", name)
                             for quantile, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0),
                timeseries("in-flight", "Requests at once", "Requests being answered.", "short",
                           prom("sum by (host, method) (alertmanager_http_requests_in_flight)", "{{host}} {{method}}"), min=0, width=12),
                timeseries("refused", "Requests refused", "Requests refused because there were too many at once.", "short",
                           prom(f"sum by (host) (increase(alertmanager_http_concurrency_limit_exceeded_total{RATE}))", "{{host}}"), min=0,
                           bars=True, width=12))),
            go_runtime(SYSTEM.jobs),
            logs_row(SYSTEM, level=JSON_LEVEL, quiet=QUIET))),
)
