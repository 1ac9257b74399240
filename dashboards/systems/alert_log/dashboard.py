"""The dashboard of the log of notifications: whether it works, and the history of who was told what."""

from dashboards.model import Dashboard, Row
from dashboards.panels import GREEN, YELLOW, golden, logs, logs_row, loki, prom, stat, targets_up, timeseries
from dashboards.systems.alert_log.system import SYSTEM

RATE = "[$__rate_interval]"
QUIET = "nothing was notified in a calm time"
NOTED = ('{service_name="alert_log"} |= "\\"event\\": \\"notification\\"" | json status="status", alertname="labels.alertname", '
         'severity="labels.severity", owner="labels.owner", summary="annotations.summary"')

DASHBOARDS = (
    Dashboard(
        "overview", "Log of notifications", "Who was told what, and when; and whether the log itself works.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs),
                stat("notified", "Notifications", "Notifications received in the last hour.", "short",
                     prom("sum(increase(alert_log_notifications_total[1h]))", "notifications"), decimals=0),
                stat("alerts-notified", "Alerts", "Alerts in the notifications of the last hour.", "short",
                     prom("sum(increase(alert_log_alerts_total[1h]))", "alerts"), decimals=0),
                stat("refused-hour", "Refused", "Requests of the last hour that were not a notification.", "short",
                     prom("sum(increase(alert_log_refused_total[1h]))", "refused"), steps=((None, GREEN), (1, YELLOW)), decimals=0),
                timeseries("rate", "Notifications", "Notifications per second, and the alerts in them.", "ops",
                           prom(f"sum by (host) (rate(alert_log_notifications_total{RATE}))", "{{host}} notifications"),
                           prom(f"sum by (host) (rate(alert_log_alerts_total{RATE}))", "{{host}} alerts"), min=0, width=12),
                timeseries("refused", "Requests refused", "Requests that were not a notification.", "short",
                           prom(f"sum by (host) (increase(alert_log_refused_total{RATE}))", "{{host}}"), min=0, bars=True, width=12)),
            Row("History", (
                timeseries("by-alert", "By alert", "Lines in the log, by the alert's name.", "short",
                           loki(f"sum by (alertname) (count_over_time({NOTED} [$__auto]))", "{{alertname}}"), min=0, stack=True, bars=True,
                           may_be_empty=QUIET),
                timeseries("by-severity", "By severity", "Lines in the log, by severity and whether the alert fires or ended.", "short",
                           loki(f"sum by (severity, status) (count_over_time({NOTED} [$__auto]))", "{{severity}} {{status}}"), min=0,
                           stack=True, bars=True,
                           may_be_empty=QUIET),
                timeseries("by-owner", "By owner", "Lines in the log, by who owns the alert.", "short",
                           loki(f"sum by (owner) (count_over_time({NOTED} [$__auto]))", "{{owner}}"), min=0, stack=True, bars=True,
                           may_be_empty=QUIET),
                logs("history", "Notifications", "Each alert of each notification: firing or resolved, severity, name, what it said.",
                     NOTED + ' | line_format "{{.status}} {{.severity}} {{.alertname}}: {{.summary}}"', may_be_empty=QUIET))),
            logs_row(SYSTEM, 'json event="event" | event!="notification"', quiet=QUIET))),
)
