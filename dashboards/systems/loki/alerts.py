"""What wakes or asks somebody about Loki. Lines that are not taken or kept are lost, so writing is critical; reading is not.

Alerts on lines cannot fire while Loki itself is away: LokiDown stands for all of them."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Threshold

LOKI = 'instance="obs-eu-1:3100",job="loki",region="eu",host="obs-eu-1",system="loki"'
OTHER = 'instance="app-eu-1:9100",job="node",region="eu",host="app-eu-1",system="node"'
GROUP = f'{LOKI},rule_group="/var/lib/loki/ruler/fake/loki.yml;loki",user="fake"'
SYSTEMD = {"service_name": "systemd", "unit": "init.scope", "region": "eu", "host": "obs-eu-1"}
OWN = {"service_name": "loki", "unit": "loki.service", "region": "eu", "host": "obs-eu-1"}
WRITES = 'route=~"otlp_v1_logs|loki_api_v1_push"'
READS = 'route=~"loki_api_v1_(query|query_range|series|labels?|label_.+|index_.+|detected_.+|patterns)"'
ENDED = '{service_name="systemd"} |~ "^loki[.]service: Main process exited"'
DAMAGED = '{service_name="loki"} |~ `"msg":"Recovered from (checkpoint|WAL segments) with errors`'
SERVER = "region, host, instance"
COMPACTED = "loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds"
RETAINED = "loki_compactor_apply_retention_last_successful_run_timestamp_seconds"
AGO = "{{ if gt $value 1e9 }}its start{{ else }}{{ $value | humanizeDuration }}{{ end }}"


def errors(routes: str) -> str:
    """Share of the requests to some routes that the server could not answer."""
    return (f'sum by ({SERVER}) (rate(loki_request_duration_seconds_count{{{routes}, status_code=~"5.."}}[5m])) '
            f"/ sum by ({SERVER}) (rate(loki_request_duration_seconds_count{{{routes}}}[5m]))")


def slowest(routes: str) -> str:
    """Seconds within which 99 % of the requests to some routes were answered."""
    return f"histogram_quantile(0.99, sum by ({SERVER}, le) (rate(loki_request_duration_seconds_bucket{{{routes}}}[5m])))"


def answers(route: str, good: str, bad: str) -> dict[str, str]:
    """Requests that were answered, and those that were not."""
    request = f'{LOKI},method="POST",route="{route}",ws="false"'
    return {f'loki_request_duration_seconds_count{{{request},status_code="204"}}': good,
            f'loki_request_duration_seconds_count{{{request},status_code="500"}}': bad}


def durations(route: str, fast: str) -> dict[str, str]:
    """One request a second, of which some were answered at once, the others only after ten to 25 s."""
    request = f'{LOKI},method="GET",route="{route}",ws="false",status_code="200"'
    return {f'loki_request_duration_seconds_bucket{{{request},le="{le}"}}': value
            for le, value in (("0.1", fast), ("10", fast), ("25", "0+60"), ("+Inf", "0+60"))}


def member(state: str) -> dict[str, str]:
    return {f'loki_ring_members{{{LOKI},name="ingester",state="{name}"}}': str(int(name == state)) for name in ("ACTIVE", "JOINING",
                                                                                                                "Unhealthy")}


ALERTS = (
    Alert(
        "LokiDown", "critical", 'up{job="loki"} == 0', "2m",
        "Loki on {{ $labels.host }} in {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "No line of the region can be found, and no alert on lines can fire. The collectors keep what they cannot send, within the size "
        "of their queues.",
        "overview/up",
        Proof(firing={f"up{{{LOKI}}}": "0"}, silent={f"up{{{LOKI}}}": "1"}),
        inhibits=(Inhibit(("*",), ("region", "host")),
                  Inhibit(("OtelExportStalled", "OtelQueueFilling"), ("region",), system="otel_collector"))),
    Alert(
        "LokiMissing", "critical", 'count by (region) (up) unless count by (region) (up{job="loki"})', "5m",
        "Region {{ $labels.region }} has {{ $value }} targets but no Loki among them",
        "Prometheus has no target of Loki any more: the target file is empty or the last run of the inventory left it out. Nothing of it "
        "is watched.",
        "overview/up",
        Proof(firing={f"up{{{OTHER}}}": "1"}, silent={f"up{{{OTHER}}}": "1", f"up{{{LOKI}}}": "1"})),
    Alert(
        "LokiRingWithoutMember", "critical",
        'sum by (region, host, instance, name) (loki_ring_members{state="ACTIVE"}) == 0', "10m",
        "Ring {{ $labels.name }} of Loki on {{ $labels.host }} has {{ $value }} active members",
        "The part of Loki that the ring belongs to does not work: without an ingester nothing is written, without a scheduler nothing is "
        "read. "
        "After a start it may still read its write-ahead log.",
        "overview/ring",
        Proof(firing=member("JOINING"), silent=member("ACTIVE")),
        inhibits=(Inhibit(("LokiWritesFailing", "LokiReadsFailing"), ("region", "host")),)),
    Alert(
        "LokiDiskNearlyFull", "critical", "loki_ingester_wal_disk_usage_percent > $disk_used", "5m",
        "The disk of Loki on {{ $labels.host }} is {{ $value | humanizePercentage }} full",
        "At 90 % Loki stops taking lines, long before the file system itself is full, and the collectors' queues begin to fill.",
        "overview/disk",
        Proof(firing={f"loki_ingester_wal_disk_usage_percent{{{LOKI}}}": "0.88"},
              silent={f"loki_ingester_wal_disk_usage_percent{{{LOKI}}}": "0.4"}),
        thresholds=(Threshold("disk_used", 0.85, "ratio", "share of Loki's file system in use; Loki refuses lines at 0.9"),),
        inhibits=(Inhibit(("LokiWritesFailing",), ("region", "host")),)),
    Alert(
        "LokiWritesFailing", "critical", f"{errors(WRITES)} > $write_errors", "5m",
        "Loki on {{ $labels.host }} fails {{ $value | humanizePercentage }} of the requests that bring lines",
        "The collectors send these lines again until their queues are full, then they are lost.",
        "overview/write-errors",
        Proof(firing=answers("otlp_v1_logs", "0+50", "0+10"), silent=answers("otlp_v1_logs", "0+60", "0+0")),
        thresholds=(Threshold("write_errors", 0.05, "ratio", "share of the requests with lines that end with a server error"),)),
    Alert(
        "LokiWritesSlow", "warning", f"{slowest(WRITES)} > $write_seconds", "15m",
        "Loki on {{ $labels.host }} takes {{ $value | humanizeDuration }} for the slowest hundredth of the requests that bring lines",
        "Lines arrive late, and the collectors need more memory for what waits.",
        "overview/write-latency",
        Proof(firing=durations("otlp_v1_logs", "0+30"), silent=durations("otlp_v1_logs", "0+60")),
        thresholds=(Threshold("write_seconds", 1, "seconds", "time within which 99 % of the requests with lines should be taken"),)),
    Alert(
        "LokiReadsFailing", "warning", f"{errors(READS)} > $read_errors", "10m",
        "Loki on {{ $labels.host }} fails {{ $value | humanizePercentage }} of the queries",
        "Panels of lines stay empty and links from alerts to lines lead nowhere, just when they are needed.",
        "overview/read-errors",
        Proof(firing=answers("loki_api_v1_query_range", "0+40", "0+20"), silent=answers("loki_api_v1_query_range", "0+60", "0+0")),
        thresholds=(Threshold("read_errors", 0.1, "ratio", "share of the queries that end with a server error"),)),
    Alert(
        "LokiReadsSlow", "warning", f"{slowest(READS)} > $read_seconds", "15m",
        "Loki on {{ $labels.host }} takes {{ $value | humanizeDuration }} for the slowest hundredth of the queries",
        "Somebody waits for lines. One large query may do it; so may a disk that is too slow.",
        "overview/read-latency",
        Proof(firing=durations("loki_api_v1_query_range", "0+30"), silent=durations("loki_api_v1_query_range", "0+60")),
        thresholds=(Threshold("read_seconds", 10, "seconds", "time within which 99 % of the queries should be answered"),)),
    Alert(
        "LokiPanics", "warning", "increase(loki_panic_total[10m]) > 0", "0s",
        "{{ $value | humanize }} requests to Loki on {{ $labels.host }} ended in a panic within ten minutes",
        "Loki caught the panic and goes on, but the request failed; it is a fault of Loki's that should be reported with its stack.",
        "overview/panics",
        Proof(firing={f"loki_panic_total{{{LOKI}}}": "0+1"}, silent={f"loki_panic_total{{{LOKI}}}": "2"})),
    Alert(
        "LokiFlushFailing", "critical", "increase(loki_ingester_chunks_flush_failures_total[10m]) > 0", "10m",
        "Loki on {{ $labels.host }} failed {{ $value | humanize }} times within ten minutes to write chunks to its disk",
        "Lines stay in memory and in the write-ahead log until one of them is full.",
        "overview/flush",
        Proof(firing={f"loki_ingester_chunks_flush_failures_total{{{LOKI}}}": "0+1"},
              silent={f"loki_ingester_chunks_flush_failures_total{{{LOKI}}}": "3"})),
    Alert(
        "LokiCheckpointFailing", "warning", "increase(loki_ingester_checkpoint_creations_failed_total[30m]) > 0", "10m",
        "{{ $value | humanize }} checkpoints of the write-ahead log of Loki on {{ $labels.host }} failed within half an hour",
        "The log is not shortened: it fills the disk, and the next start takes longer.",
        "storage/checkpoints",
        Proof(firing={f"loki_ingester_checkpoint_creations_failed_total{{{LOKI}}}": "0+1"},
              silent={f"loki_ingester_checkpoint_creations_failed_total{{{LOKI}}}": "1"})),
    Alert(
        "LokiLinesDiscarded", "warning", f"sum by ({SERVER}, reason) (rate(loki_discarded_samples_total[5m])) > $discarded_lines", "10m",
        "Loki on {{ $labels.host }} refuses {{ $value | humanize }} lines a second: {{ $labels.reason }}",
        "These lines are lost: the sender is told that they are wrong, and does not try again.",
        "overview/discarded",
        Proof(firing={f'loki_discarded_samples_total{{{LOKI},reason="rate_limited",tenant="fake",format="otlp"}}': "0+60"},
              silent={f'loki_discarded_samples_total{{{LOKI},reason="rate_limited",tenant="fake",format="otlp"}}': "7"}),
        thresholds=(Threshold("discarded_lines", 0.1, "lines per second", "lines that may be refused for one reason"),)),
    Alert(
        "LokiCompactionStale", "warning", f"time() - {COMPACTED} > $compaction_age", "30m",
        f"Loki on {{{{ $labels.host }}}} has compacted no index since {AGO}",
        "Queries open more and more small files, and nothing is deleted: retention runs with the compaction.",
        "storage/compaction",
        Proof(firing={f"{COMPACTED}{{{LOKI}}}": "-20000"}, silent={f"{COMPACTED}{{{LOKI}}}": "0+60"}),
        thresholds=(Threshold("compaction_age", 10800, "seconds",
                              "time since the last compaction that succeeded; it runs every ten minutes"),),
        inhibits=(Inhibit(("LokiRetentionStale",), ("region", "host")),)),
    Alert(
        "LokiRetentionStale", "warning", f"time() - {RETAINED} > $retention_age", "30m",
        f"Loki on {{{{ $labels.host }}}} has deleted no old lines since {AGO}",
        "Lines are kept longer than was promised, and the disk fills.",
        "storage/compaction",
        Proof(firing={f"{RETAINED}{{{LOKI}}}": "-100000"}, silent={f"{RETAINED}{{{LOKI}}}": "0+60"}),
        thresholds=(Threshold("retention_age", 21600, "seconds", "time since the last run of the retention that succeeded"),)),
    Alert(
        "LokiRulesFailing", "critical",
        "sum by (region, host, instance, rule_group) (increase(loki_prometheus_rule_evaluation_failures_total[5m])) > 0", "10m",
        "Loki on {{ $labels.host }} failed {{ $value | humanize }} times within five minutes to evaluate rules of {{ $labels.rule_group }}",
        "Alerts on lines cannot fire, and nothing else says that they would.",
        "storage/rule-failures",
        Proof(firing={f"loki_prometheus_rule_evaluation_failures_total{{{GROUP}}}": "0+1"},
              silent={f"loki_prometheus_rule_evaluation_failures_total{{{GROUP}}}": "4"})),
    Alert(
        "LokiRulesMissed", "warning",
        "sum by (region, host, instance, rule_group) (increase(loki_prometheus_rule_group_iterations_missed_total[15m])) > 0", "5m",
        "Loki on {{ $labels.host }} left out {{ $value | humanize }} turns of {{ $labels.rule_group }} within a quarter of an hour",
        "The rules of the group take longer than the time between two turns; their alerts come late.",
        "storage/rule-duration",
        Proof(firing={f"loki_prometheus_rule_group_iterations_missed_total{{{GROUP}}}": "0+1"},
              silent={f"loki_prometheus_rule_group_iterations_missed_total{{{GROUP}}}": "1"})),
    Alert(
        "LokiRulesNotLoaded", "warning", "loki_ruler_config_last_reload_successful == 0", "5m",
        "Loki on {{ $labels.host }} could not read its rules (last reload is {{ $value }})",
        "It goes on with the rules that it had; what was changed since does not count.",
        "storage/rules",
        Proof(firing={f'loki_ruler_config_last_reload_successful{{{LOKI},user="fake"}}': "0"},
              silent={f'loki_ruler_config_last_reload_successful{{{LOKI},user="fake"}}': "1"})),
    Alert(
        "LokiNotificationsFailing", "critical",
        f"min by ({SERVER}) (increase(loki_prometheus_notifications_errors_total[5m])) > 0", "2m",
        "No Alertmanager took {{ $value | humanize }} alerts that Loki on {{ $labels.host }} sent within five minutes",
        "Alerts on lines fire and nobody hears of them.",
        "storage/notifications",
        Proof(firing={f'loki_prometheus_notifications_errors_total{{{LOKI},user="fake",alertmanager="{one}"}}': "0+1" for one in ("a",
                                                                                                                                  "b")},
              silent={f'loki_prometheus_notifications_errors_total{{{LOKI},user="fake",alertmanager="a"}}': "0+1",
                      f'loki_prometheus_notifications_errors_total{{{LOKI},user="fake",alertmanager="b"}}': "0+0"})),
    Alert(
        "LokiCrashed", "warning",
        f"sum by (region, host) (count_over_time({ENDED} [10m])) > 0", "0s",
        "Loki on {{ $labels.host }} ended {{ $value }} times within ten minutes without being asked to",
        "systemd starts it again at once, so that its scrape may not miss it. What it did not have in its write-ahead log is lost.",
        "overview/crashes",
        LogProof(SYSTEMD, firing=("loki.service: Main process exited, code=killed, status=9/KILL",),
                 silent=("loki.service: Deactivated successfully.", "my-loki.service: Main process exited, code=exited, status=1/FAILURE")),
        source="loki"),
    Alert(
        "LokiWalCorrupt", "warning",
        f"sum by (region, host) (count_over_time({DAMAGED} [15m])) > 0", "0s",
        "Loki on {{ $labels.host }} found {{ $value }} parts of its write-ahead log damaged when it started",
        "Lines of the last hours before the start are missing for good. There is one copy only, so no other Loki has them.",
        "overview/complaints",
        LogProof(OWN, firing=('{"caller":"ingester.go:604","elapsed":"1.2s","level":"error","msg":"Recovered from WAL segments with '
                              'errors. Some streams '
                              'and/or entries were likely not recovered","ts":"2026-01-01T00:00:00Z"}',),
                 silent=('{"caller":"ingester.go:611","errors":false,"level":"info","msg":"WAL segment recovery finished"}',
                         '{"level":"info","msg":"executing query","query":"{service_name=\\"loki\\"} |~ \\"msg\\":\\"Recovered from WAL '
                         'segments with errors"}')),
        source="loki"),
)
