"""Metrics of the receiver; roles/alert_log/files/alert_log.py makes them."""

from dashboards.model import Metric

METRICS = (
    Metric("alert_log_notifications_total", "counter", "notifications", "Notifications received from Alertmanager"),
    Metric("alert_log_alerts_total", "counter", "alerts", "Alerts in those notifications"),
    Metric("alert_log_refused_total", "counter", "requests", "Requests that were not a notification"),
)
