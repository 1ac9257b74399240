"""What asks somebody about the log of notifications. Nobody is woken: people are told by other receivers."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Threshold

LABELS = 'instance="obs-eu-1:9099",job="alert_log",region="eu",host="obs-eu-1",system="alert_log"'
ALERTMANAGER = 'instance="obs-eu-1:9093",job="alertmanager",region="eu",host="obs-eu-1",system="alertmanager"'
LOG = {"service_name": "alert_log", "unit": "alert_log.service", "host": "obs-eu-1", "region": "eu"}
# A client that the handshake did not let in, or that went away in its middle.
FAILED = '{service_name="alert_log"} |= "\\"event\\": \\"connection failed\\""'
REFUSED = ('{"event": "connection failed", "client": "10.0.0.9", "error": "SSLError(1, \'[SSL: PEER_DID_NOT_RETURN_A_CERTIFICATE] '
           'peer did not return a certificate (_ssl.c:1029)\')"}')
NOTED = ('{"annotations": {"summary": "Host app-eu-1 does not answer"}, "ends_at": "0001-01-01T00:00:00Z", "event": "notification", '
         '"fingerprint": "126bf692b6e9235f", "labels": {"alertname": "NodeDown", "region": "eu", "severity": "critical"}, '
         '"receiver": "alert_log", "starts_at": "2026-01-02T03:04:05Z", "status": "firing"}')

ALERTS = (
    Alert(
        "AlertLogDown", "warning", 'up{job="alert_log"} == 0', "2m",
        "The log of notifications {{ $labels.instance }} of {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "People are still told. What they are told is not kept until it is back.",
        "overview/up",
        Proof(firing={f"up{{{LABELS}}}": "0"}, silent={f"up{{{LABELS}}}": "1"}),
        inhibits=(Inhibit(("*",), ("region", "host")), Inhibit(("AlertmanagerNotificationsFailing", "AlertmanagerNotificationsSlow"),
                                                               ("region",),
                                                               system="alertmanager")),
        elsewhere=True),
    Alert(
        "AlertLogAbsent", "warning", 'group by (region) (up{job="alertmanager"}) unless on (region) group by (region) '
                                     '(up{job="alert_log"})', "5m",
        "Region {{ $labels.region }} has an Alertmanager, but no log of notifications is scraped (Alertmanager is there: {{ $value }})",
        "What people are told in this region is not kept.",
        "overview/up",
        Proof(firing={f"up{{{ALERTMANAGER}}}": "1"}, silent={f"up{{{ALERTMANAGER}}}": "1", f"up{{{LABELS}}}": "1"}),
        elsewhere=True),
    Alert(
        "AlertLogRefusing", "warning", "increase(alert_log_refused_total[15m]) > $refused", "2m",
        "{{ $labels.instance }} refused {{ $value | humanize }} requests that were not notifications in fifteen minutes",
        "Something with a valid certificate posts what Alertmanager would not; or an Alertmanager sends a format that the receiver does "
        "not know.",
        "overview/refused",
        Proof(firing={f"alert_log_refused_total{{{LABELS}}}": "0+1"}, silent={f"alert_log_refused_total{{{LABELS}}}": "0"}),
        thresholds=(Threshold("refused", 2, "requests", "requests refused within fifteen minutes"),)),
    Alert(
        "AlertLogConnectionsFailing", "warning", f"sum by (region, host) (count_over_time({FAILED} [10m])) > $failed_connections", "1m",
        "{{ $value }} connections to the log of notifications on {{ $labels.host }} failed within ten minutes",
        "Clients come without a certificate of the platform's authority, or do not trust the receiver's. If Alertmanager is among them, "
        "notifications are lost.",
        "overview/log-complaints",
        LogProof(LOG, (REFUSED,) * 6, (NOTED, REFUSED)), source="loki",
        thresholds=(Threshold("failed_connections", 5, "connections", "connections that failed within ten minutes"),)),
)
