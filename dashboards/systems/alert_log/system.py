"""The platform's own receiver, which logs every notification (role alert_log)."""

from dashboards.model import System

SYSTEM = System(
    id="alert_log", title="Log of notifications", owner="platform",
    description="Every notification of Alertmanager, one line an alert, kept with the logs.",
    jobs=("alert_log",), logs='{service_name="alert_log"}',
    left_out=(
        ("notifications that Alertmanager could not deliver here", "AlertmanagerNotificationsFailing sees them from the side that knows"),
        ("latency of requests, memory and processor time", "the receiver counts notifications, nothing else; its unit's limits keep it "
                                                           "small"),
        ("traces", "it makes none"),
        ("lines of level warning", "it has no levels; the second panel of logs shows connections that failed"),
    ))
