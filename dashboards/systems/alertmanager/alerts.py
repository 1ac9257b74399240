"""What wakes or asks somebody about Alertmanager: alerts that reach nobody."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Threshold

HOST = 'job="alertmanager",region="eu",host="obs-eu-1",system="alertmanager"'
AM = f'instance="obs-eu-1:9093",{HOST}'
OTHER = 'instance="obs-eu-2:9093",job="alertmanager",region="eu",host="obs-eu-2",system="alertmanager"'
PROM = 'instance="obs-eu-1:9090",job="prometheus",region="eu",host="obs-eu-1",system="prometheus"'
HOOK = f'{AM},integration="webhook"'
LOG = {"service_name": "alertmanager", "unit": "alertmanager.service", "host": "obs-eu-1", "region": "eu"}
STATE = ("alertmanager_silences_maintenance_errors_total", "alertmanager_nflog_maintenance_errors_total",
         "alertmanager_silences_gc_errors_total", "alertmanager_silences_query_errors_total")
LATENCY = "alertmanager_notification_latency_seconds"
# A notification that was given up; the receiver stands before the / of the error.
GIVEN_UP = '{service_name="alertmanager"} |= "\\"msg\\":\\"Notify for alerts failed\\"" | regexp "\\"err\\":\\"(?P<receiver>[^/\\"]+)/"'


def given_up(receiver: str) -> str:
    """A line of Alertmanager 0.31 for a receiver that refuses connections."""
    return ('{"time":"2026-01-02T03:04:05.678901234Z","level":"ERROR","source":"dispatch.go:515","msg":"Notify for alerts failed",'
            '"component":"dispatcher","aggrGroup":"{}:{}","num_alerts":1,"err":"' + receiver
            + '/webhook[0]: notify retry canceled after 6 attempts: '
            'Post \\"<redacted>\\": dial tcp 127.0.0.1:9: connect: connection refused"}')


def latency(fast: str, every: str) -> dict[str, str]:
    """Buckets of notifications: up to 1 s, up to 10 s, all."""
    return {f'{LATENCY}_bucket{{{HOOK},le="1"}}': fast, f'{LATENCY}_bucket{{{HOOK},le="10"}}': every,
            f'{LATENCY}_bucket{{{HOOK},le="+Inf"}}': every}


ALERTS = (
    Alert(
        "AlertmanagerDown", "critical", 'up{job="alertmanager"} == 0', "2m",
        "Alertmanager {{ $labels.instance }} of {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "Alerts of the region reach nobody by this server. Where it is the only one, you are told by another region's Alertmanager.",
        "overview/up",
        Proof(firing={f"up{{{AM}}}": "0"}, silent={f"up{{{AM}}}": "1"}),
        elsewhere=True,
        inhibits=(Inhibit(("*",), ("region", "host")),
                  Inhibit(("PrometheusAlertsDropped", "PrometheusNotificationsFailing"), ("region",), system="prometheus"))),
    Alert(
        "AlertmanagerAbsent", "critical", 'group by (region) (up{job="prometheus"}) unless on (region) group by (region) '
                                          '(up{job="alertmanager"})', "5m",
        "Region {{ $labels.region }} has a Prometheus, but no Alertmanager is scraped (Prometheus is there: {{ $value }})",
        "Every region tells its own people. Without an Alertmanager of its own, what fires there reaches nobody, but for what other "
        "regions are told.",
        "overview/up",
        Proof(firing={f"up{{{PROM}}}": "1"}, silent={f"up{{{PROM}}}": "1", f"up{{{AM}}}": "1"}),
        elsewhere=True,
        inhibits=(Inhibit(("PrometheusJobWithoutTargets", "PrometheusWithoutAlertmanager"), ("region",), system="prometheus"),)),
    Alert(
        "AlertmanagerConfigReloadFailed", "warning", "max_over_time(alertmanager_config_last_reload_successful[5m]) == 0", "1m",
        "Alertmanager {{ $labels.instance }} could not load its configuration (reload is {{ $value }})",
        "It goes on with the old routes and receivers; a restart would not come up.",
        "overview/reloads",
        Proof(firing={f"alertmanager_config_last_reload_successful{{{AM}}}": "0"},
              silent={f"alertmanager_config_last_reload_successful{{{AM}}}": "1"}),
        inhibits=(Inhibit(("AlertmanagerConfigInconsistent",), ("region",)),)),
    Alert(
        "AlertmanagerConfigInconsistent", "warning",
        'count by (region) (count_values by (region) ("config_hash", alertmanager_config_hash)) > 1', "15m",
        "The Alertmanagers of {{ $labels.region }} have {{ $value }} different configurations",
        "Who is told depends on which of them took the alert.",
        "overview/configurations",
        Proof(firing={f"alertmanager_config_hash{{{AM}}}": "11", f"alertmanager_config_hash{{{OTHER}}}": "12"},
              silent={f"alertmanager_config_hash{{{AM}}}": "11", f"alertmanager_config_hash{{{OTHER}}}": "11"})),
    Alert(
        "AlertmanagerReceiverFailing", "critical",
        f'sum by (region, host, receiver) (count_over_time({GIVEN_UP} | receiver!="alert_log" [10m])) > $given_up', "1m",
        "Alertmanager on {{ $labels.host }} gave up {{ $value }} notifications to {{ $labels.receiver }} within ten minutes",
        "Who is behind this receiver is not told. The log names receiver and reason, the metrics know only the kind of integration.",
        "overview/given-up",
        LogProof(LOG, (given_up("pager"),) * 3, (given_up("alert_log"),) * 3), source="loki",
        thresholds=(Threshold("given_up", 1, "notifications", "notifications to one receiver that were given up within ten minutes"),),
        inhibits=(Inhibit(("AlertmanagerNotificationsFailing", "AlertmanagerNotificationsSlow"), ("region", "host")),)),
    Alert(
        "AlertmanagerNotificationsFailing", "warning",
        "sum by (region, host, instance, integration) (rate(alertmanager_notifications_failed_total[5m])) "
        "/ (sum by (region, host, instance, integration) (rate(alertmanager_notifications_total[5m])) > 0) > $notifications_failed", "5m",
        "{{ $value | humanizePercentage }} of the {{ $labels.integration }} notifications of {{ $labels.instance }} fail",
        "Somebody is told late or not at all. When the log is at hand, AlertmanagerReceiverFailing says who.",
        "overview/notification-errors",
        Proof(firing={f'alertmanager_notifications_failed_total{{{HOOK},reason="other"}}': "0+3",
                      f"alertmanager_notifications_total{{{HOOK}}}": "0+6"},
              silent={f'alertmanager_notifications_failed_total{{{HOOK},reason="other"}}': "0",
                      f"alertmanager_notifications_total{{{HOOK}}}": "0+6"}),
        thresholds=(Threshold("notifications_failed", 0.01, "ratio", "share of the notifications of one kind that were given up"),),
        elsewhere=True),
    Alert(
        "AlertmanagerNotificationsSlow", "warning",
        f"histogram_quantile(0.9, sum by (region, host, instance, integration, le) (rate({LATENCY}_bucket[10m]))) > $notification_seconds",
        "10m",
        "A tenth of the {{ $labels.integration }} notifications of {{ $labels.instance }} takes {{ $value | humanizeDuration }} or longer",
        "The receiver answers late; when it takes longer than a group's interval, notifications are given up.",
        "overview/notification-latency",
        Proof(firing=latency("0+1", "0+60"), silent=latency("0+60", "0+60")),
        thresholds=(Threshold("notification_seconds", 5, "seconds", "time in which nine of ten notifications should be done"),)),
    Alert(
        "AlertmanagerAlertsInvalid", "warning", "increase(alertmanager_alerts_invalid_total[15m]) > 0", "2m",
        "Alertmanager {{ $labels.instance }} refused {{ $value | humanize }} alerts as invalid in fifteen minutes",
        "Somebody sends alerts with labels or times that are not valid; they are lost.",
        "overview/received",
        Proof(firing={f'alertmanager_alerts_invalid_total{{{AM},version="v2"}}': "0+1"},
              silent={f'alertmanager_alerts_invalid_total{{{AM},version="v2"}}': "0"})),
    Alert(
        "AlertmanagerStateFailing", "warning", " + ".join(f"increase({name}[1h])" for name in STATE) + " > 0", "5m",
        "Alertmanager {{ $labels.instance }} cannot keep its state ({{ $value | humanize }} errors in an hour)",
        "Silences and what was already notified are not stored. After a restart silences are gone and everybody is told again.",
        "overview/state-errors",
        Proof(firing={f"{name}{{{AM}}}": "0" if index else "0+1" for index, name in enumerate(STATE)},
              silent={f"{name}{{{AM}}}": "0" for name in STATE})),
    Alert(
        "AlertmanagerRequestsRefused", "warning", "sum without (method) "
                                                  "(increase(alertmanager_http_concurrency_limit_exceeded_total[10m])) > 0", "5m",
        "Alertmanager {{ $labels.instance }} refused {{ $value | humanize }} requests in ten minutes: too many at once",
        "Somebody asks it more than it answers, often a page that is open many times. Silences cannot be set, alerts may be lost.",
        "overview/refused",
        Proof(firing={f'alertmanager_http_concurrency_limit_exceeded_total{{{AM},method="get"}}': "0+6"},
              silent={f'alertmanager_http_concurrency_limit_exceeded_total{{{AM},method="get"}}': "0"})),
)
