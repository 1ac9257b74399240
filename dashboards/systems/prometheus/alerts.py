"""What wakes or asks somebody about Prometheus. That it does not run at all, Loki's ruler tells from the journal."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Threshold

PROM = 'instance="obs-eu-1:9090",job="prometheus",region="eu",host="obs-eu-1",system="prometheus"'
GROUP = 'rule_group="/etc/prometheus/content/current/rules/node.yml;psf-node-alerts"'
SENT_TO = 'alertmanager="https://10.0.0.1:9093/api/v2/alerts"'
SELF = ("region", "instance")
JOURNAL = {"service_name": "systemd", "unit": "init.scope", "host": "obs-eu-1", "region": "eu"}
LOG = {"service_name": "prometheus", "unit": "prometheus.service", "host": "obs-eu-1", "region": "eu"}
STARTED = "Started prometheus.service - Prometheus of region eu."
ENDED = "prometheus.service: Deactivated successfully."
FAILED = "prometheus.service: Failed with result 'oom-kill'."
# Lines of systemd that say that the server started, or ended in whichever way.
RUNS = '{service_name="systemd"} |~ "^(Started prometheus[.]service|prometheus[.]service: (Deactivated successfully|Failed with result))"'
CRASHES = '{service_name="systemd"} |~ "^prometheus[.]service: Failed with result"'
# What the storage says when it finds its own files damaged at the start.
DAMAGED = ('{service_name="prometheus"} |~ "\\"msg\\":\\"(Encountered W[AB]L read error|Loading on-disk chunks failed'
           '|Deletion of corrupted mmap chunk files failed)"')


def grows(*names: str, labels: str = PROM, by: str = "0+60") -> dict[str, str]:
    """Counters of one server: the first grows, the others stand still."""
    return {f"{name}{{{labels}}}": by if not index else "0" for index, name in enumerate(names)}


def still(*names: str, labels: str = PROM) -> dict[str, str]:
    return {f"{name}{{{labels}}}": "0" for name in names}


REJECTED = ("prometheus_target_scrapes_sample_duplicate_timestamp_total", "prometheus_target_scrapes_sample_out_of_order_total",
            "prometheus_target_scrapes_sample_out_of_bounds_total")
LIMITS = ("prometheus_target_scrapes_exceeded_sample_limit_total", "prometheus_target_scrapes_exceeded_body_size_limit_total",
          "prometheus_target_scrape_pool_exceeded_target_limit_total", "prometheus_target_scrape_pool_exceeded_label_limits_total")
UPKEEP = ("prometheus_tsdb_compactions_failed_total", "prometheus_tsdb_reloads_failures_total",
          "prometheus_tsdb_head_truncations_failed_total",
          "prometheus_tsdb_checkpoint_creations_failed_total", "prometheus_tsdb_wal_truncations_failed_total")


def stored(blocks: str) -> dict[str, str]:
    """What is on disk, of a limit of 50 GB."""
    return {f"prometheus_tsdb_storage_blocks_bytes{{{PROM}}}": blocks, f"prometheus_tsdb_wal_storage_size_bytes{{{PROM}}}": "1000000000",
            f"prometheus_tsdb_head_chunks_storage_size_bytes{{{PROM}}}": "1000000000",
            f"prometheus_tsdb_retention_limit_bytes{{{PROM}}}": "50000000000"}


ALERTS = (
    # -- whether it runs -----------------------------------------------------------------------------------------------
    Alert(
        "PrometheusDown", "critical", 'up{job="prometheus"} == 0', "2m",
        "Prometheus {{ $labels.instance }} of {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "Another Prometheus of the region sees it gone, or it cannot reach itself. Where it is the only one, PrometheusStopped says it "
        "from the journal.",
        "overview/up",
        Proof(firing={f"up{{{PROM}}}": "0"}, silent={f"up{{{PROM}}}": "1"}),
        inhibits=(Inhibit(("*",), ("region", "host")),)),
    Alert(
        "PrometheusStopped", "critical",
        f'last_over_time({RUNS} | regexp "^(?P<started>Started)" | label_format '
        f'running="{{{{ if .started }}}}1{{{{ else }}}}0{{{{ end }}}}" '
        "| unwrap running [6h]) by (region, host) == 0", "2m",
        "Prometheus on {{ $labels.host }} in {{ $labels.region }} ended and was not started again (running is {{ $value }})",
        "The last that systemd said of prometheus.service within six hours is that it ended. Nothing scrapes and no rule of Prometheus is "
        "evaluated on this host; this alert comes from Loki's ruler.",
        "overview/runs",
        LogProof(JOURNAL, (STARTED, ENDED), (ENDED, STARTED)), source="loki",
        inhibits=(Inhibit(("PrometheusCrashed", "PrometheusCrashLooping"), ("region", "host")),)),
    Alert(
        "PrometheusCrashLooping", "critical", f"sum by (region, host) (count_over_time({CRASHES} [15m])) > $crashes", "1m",
        "Prometheus on {{ $labels.host }} in {{ $labels.region }} failed {{ $value }} times in fifteen minutes",
        "systemd starts it, it fails, systemd starts it again. Between two starts it replays its log and sees nothing; alerts come late "
        "or not at all.",
        "overview/crashes",
        LogProof(JOURNAL, (FAILED,) * 5, (FAILED, STARTED)), source="loki",
        thresholds=(Threshold("crashes", 3, "crashes", "failures of Prometheus in fifteen minutes"),),
        inhibits=(Inhibit(("PrometheusCrashed",), ("region", "host")),)),
    Alert(
        "PrometheusCrashed", "warning", f"sum by (region, host) (count_over_time({CRASHES} [10m])) > 0", "1m",
        "Prometheus on {{ $labels.host }} in {{ $labels.region }} ended with an error ({{ $value }} times in ten minutes)",
        "systemd started it again. The time until its log was replayed is a gap in every series.",
        "overview/crashes",
        LogProof(JOURNAL, (STARTED, FAILED, STARTED), (ENDED, STARTED, "Started prometheus_exporter.service: Failed with result")),
        source="loki"),
    Alert(
        "PrometheusStorageDamaged", "warning", f"sum by (region, host) (count_over_time({DAMAGED} [15m])) > 0", "1m",
        "Prometheus on {{ $labels.host }} in {{ $labels.region }} found damage in its storage ({{ $value }} lines)",
        "At the start it found its write-ahead log or the head's chunks damaged and threw away what it could not read: up to three hours "
        "of samples.",
        "overview/log-complaints",
        LogProof(LOG, ('{"caller":"db.go:1053","component":"tsdb","err":"corruption in segment 00000072 at 33177751: '
                       'unexpected checksum","level":"warn","msg":"Encountered WAL read error, attempting '
                       'repair","ts":"2026-01-02T03:04:05.678Z"}',),
                 ('{"caller":"head.go:830","component":"tsdb","level":"info","msg":"WAL replay '
                  'completed","ts":"2026-01-02T03:04:05.678Z"}',)),
        source="loki"),
    Alert(
        "PrometheusConfigReloadFailed", "warning", "max_over_time(prometheus_config_last_reload_successful[5m]) == 0", "1m",
        "Prometheus {{ $labels.instance }} could not load its configuration (reload is {{ $value }})",
        "It goes on with the old one: new targets and rules are missing, and a restart would not come up.",
        "overview/reloads",
        Proof(firing={f"prometheus_config_last_reload_successful{{{PROM}}}": "0"},
              silent={f"prometheus_config_last_reload_successful{{{PROM}}}": "1"})),
    # -- scraping ------------------------------------------------------------------------------------------------------
    Alert(
        "PrometheusJobWithoutTargets", "warning", 'prometheus_sd_discovered_targets{name="scrape"} == 0', "10m",
        "Job {{ $labels.config }} of Prometheus {{ $labels.instance }} has {{ $value }} targets",
        "Its file of targets is empty or cannot be read. Alerts on series of this job stay silent, whatever happens.",
        "overview/discovered",
        Proof(firing={f'prometheus_sd_discovered_targets{{{PROM},name="scrape",config="node"}}': "0",
                      f'prometheus_sd_discovered_targets{{{PROM},name="notify",config="config-0"}}': "0"},
              silent={f'prometheus_sd_discovered_targets{{{PROM},name="scrape",config="node"}}': "2",
                      f'prometheus_sd_discovered_targets{{{PROM},name="notify",config="config-0"}}': "0"})),
    Alert(
        "PrometheusDiscoveryFailing", "warning",
        "sum without (name) (prometheus_sd_failed_configs) + increase(prometheus_sd_file_read_errors_total[15m]) > 0", "5m",
        "Prometheus {{ $labels.instance }} cannot read its targets ({{ $value | humanize }} errors)",
        "It keeps the targets that it knew. New hosts are not scraped, and hosts that are gone look down.",
        "overview/discovery-errors",
        Proof(firing={f'prometheus_sd_failed_configs{{{PROM},name="scrape"}}': "0", **grows("prometheus_sd_file_read_errors_total")},
              silent={f'prometheus_sd_failed_configs{{{PROM},name="scrape"}}': "0", **still("prometheus_sd_file_read_errors_total")})),
    Alert(
        "PrometheusTargetsRefused", "warning", "increase(prometheus_target_sync_failed_total[30m]) > 0", "5m",
        "Prometheus {{ $labels.instance }} refused targets of job {{ $labels.scrape_job }} ({{ $value | humanize }} times in half an hour)",
        "Relabelling gave them an address or a label that is not valid. They are not scraped, and no up series says so.",
        "overview/discovery-errors",
        Proof(firing={f'prometheus_target_sync_failed_total{{{PROM},scrape_job="node"}}': "0+1"},
              silent={f'prometheus_target_sync_failed_total{{{PROM},scrape_job="node"}}': "0"})),
    Alert(
        "PrometheusScrapeSlow", "warning", "min_over_time(scrape_duration_seconds[5m]) > $scrape_seconds", "10m",
        "A scrape of {{ $labels.instance }} (job {{ $labels.job }}) takes {{ $value | humanizeDuration }}",
        "At ten seconds a scrape is given up and the target counts as down.",
        "overview/scrape-duration",
        Proof(firing={f"scrape_duration_seconds{{{PROM}}}": "9"}, silent={f"scrape_duration_seconds{{{PROM}}}": "0.1"}),
        thresholds=(Threshold("scrape_seconds", 8, "seconds",
                              "time of a scrape; it is given up after prometheus' scrape_timeout, by default 10"),)),
    Alert(
        "PrometheusScrapeLimitHit", "warning", " + ".join(f"increase({name}[15m])" for name in LIMITS) + " > 0", "5m",
        "Prometheus {{ $labels.instance }} refused scrapes above a limit ({{ $value | humanize }} in fifteen minutes)",
        "A target has more samples, bytes, labels or fellows than its job allows. The whole scrape is thrown away, and the target counts "
        "as down.",
        "overview/limits",
        Proof(firing=grows(*LIMITS), silent=still(*LIMITS))),
    Alert(
        "PrometheusSamplesRejected", "warning", " + ".join(f"rate({name}[5m])" for name in REJECTED) + " > $rejected_samples", "15m",
        "Prometheus {{ $labels.instance }} rejects {{ $value | humanize }} samples per second by their time",
        "Two targets expose the same series, or a clock is wrong. Which of the values is kept is chance.",
        "overview/rejected",
        Proof(firing=grows(*REJECTED), silent=still(*REJECTED)),
        thresholds=(Threshold("rejected_samples", 0, "samples/s", "samples rejected for their time"),)),
    Alert(
        "PrometheusNotIngesting", "critical",
        "sum without (type) (rate(prometheus_tsdb_head_samples_appended_total[5m])) <= 0 "
        "and sum without (scrape_job) (prometheus_target_metadata_cache_entries) > 0", "5m",
        "Prometheus {{ $labels.instance }} of {{ $labels.region }} takes in {{ $value }} samples per second",
        "It runs and has targets, but stores nothing: usually a full or read-only disk. No alert of Prometheus in this region can be "
        "trusted.",
        "overview/ingestion",
        Proof(firing={f'prometheus_tsdb_head_samples_appended_total{{{PROM},type="float"}}': "500",
                      f'prometheus_target_metadata_cache_entries{{{PROM},scrape_job="node"}}': "300"},
              silent={f'prometheus_tsdb_head_samples_appended_total{{{PROM},type="float"}}': "0+600",
                      f'prometheus_target_metadata_cache_entries{{{PROM},scrape_job="node"}}': "300"}),
        inhibits=(Inhibit(("PrometheusWalWritesFailing", "PrometheusStorageUpkeepFailing", "PrometheusRuleFailures"), SELF),)),
    Alert(
        "PrometheusSeriesExploding", "warning",
        "prometheus_tsdb_head_series / (prometheus_tsdb_head_series offset 1h) > $series_growth "
        "and prometheus_tsdb_head_series > $series_least",
        "15m",
        "Prometheus {{ $labels.instance }} has {{ $value | humanize }} times the series of an hour ago",
        "Some label takes ever new values. Memory grows with the series until the kernel ends the process.",
        "storage/series-growth",
        Proof(firing={f"prometheus_tsdb_head_series{{{PROM}}}": "60000+1000"}, silent={f"prometheus_tsdb_head_series{{{PROM}}}": "100000"},
              minutes=100),
        thresholds=(Threshold("series_growth", 1.5, "ratio", "series in memory as a multiple of those an hour before"),
                    Threshold("series_least", 50_000, "series", "series in memory below which growth is no matter"))),
    # -- rules ---------------------------------------------------------------------------------------------------------
    Alert(
        "PrometheusRuleFailures", "critical", "increase(prometheus_rule_evaluation_failures_total[5m]) > 0", "10m",
        "Rules of {{ $labels.rule_group }} fail on {{ $labels.instance }} ({{ $value | humanize }} times in five minutes)",
        "An alert in this group cannot fire, whatever happens. The usual cause is a join that meets several series where it expects one.",
        "overview/rule-failures",
        Proof(firing={f"prometheus_rule_evaluation_failures_total{{{PROM},{GROUP}}}": "0+4"},
              silent={f"prometheus_rule_evaluation_failures_total{{{PROM},{GROUP}}}": "0"})),
    Alert(
        "PrometheusRuleEvaluationsMissed", "warning", "increase(prometheus_rule_group_iterations_missed_total[5m]) > 0", "15m",
        "Rule group {{ $labels.rule_group }} on {{ $labels.instance }} left out {{ $value | humanize }} evaluations in five minutes",
        "The group takes longer than its interval: alerts come late, recorded series have gaps.",
        "overview/rule-missed",
        Proof(firing={f"prometheus_rule_group_iterations_missed_total{{{PROM},{GROUP}}}": "0+1"},
              silent={f"prometheus_rule_group_iterations_missed_total{{{PROM},{GROUP}}}": "0"})),
    Alert(
        "PrometheusTemplatesFailing", "warning", "increase(prometheus_template_text_expansion_failures_total[15m]) > 0", "5m",
        "Texts of alerts cannot be filled in on {{ $labels.instance }} ({{ $value | humanize }} times in fifteen minutes)",
        "The alert itself fires, but its text or links read 'error expanding template'.",
        "overview/rule-failures",
        Proof(firing=grows("prometheus_template_text_expansion_failures_total"),
              silent=still("prometheus_template_text_expansion_failures_total"))),
    # -- notifications -------------------------------------------------------------------------------------------------
    Alert(
        "PrometheusWithoutAlertmanager", "warning", "max_over_time(prometheus_notifications_alertmanagers_discovered[5m]) < 1", "5m",
        "Prometheus {{ $labels.instance }} knows {{ $value }} Alertmanagers",
        "Its configuration names none, not even of another region. Alerts fire, and nobody is told; this one is seen only where another "
        "Prometheus looks at it.",
        "overview/alertmanagers",
        Proof(firing={f"prometheus_notifications_alertmanagers_discovered{{{PROM}}}": "0"},
              silent={f"prometheus_notifications_alertmanagers_discovered{{{PROM}}}": "1"}),
        inhibits=(Inhibit(("PrometheusAlertsDropped",), SELF),)),
    Alert(
        # Each reload drops what is sent before the Alertmanagers are found again: over five minutes, two reloads would look like one fault.
        "PrometheusAlertsDropped", "critical", "rate(prometheus_notifications_dropped_total[2m]) > 0", "5m",
        "Prometheus {{ $labels.instance }} of {{ $labels.region }} drops {{ $value | humanize }} alerts per second: no Alertmanager takes "
        "them",
        "Every Alertmanager of the region refuses or does not answer, or the queue is full: what fires in this region does not reach "
        "anybody. Or those of another region do not, just when they are to be told that this one cannot tell.",
        "overview/dropped",
        Proof(firing=grows("prometheus_notifications_dropped_total"), silent=still("prometheus_notifications_dropped_total")),
        inhibits=(Inhibit(("PrometheusNotificationsFailing", "PrometheusNotificationQueueFilling"), SELF),), elsewhere=True),
    Alert(
        "PrometheusNotificationsFailing", "warning",
        "rate(prometheus_notifications_errors_total[5m]) / (rate(prometheus_notifications_sent_total[5m]) > 0) > $notification_errors",
        "10m",
        "Sending alerts from {{ $labels.instance }} to {{ $labels.alertmanager }} fails ({{ $value | humanizePercentage }})",
        "One Alertmanager refuses or does not answer. As long as another takes the alerts, people are still told.",
        "overview/notification-errors",
        Proof(firing={**grows("prometheus_notifications_errors_total", labels=f"{PROM},{SENT_TO}"),
                      **grows("prometheus_notifications_sent_total", labels=f"{PROM},{SENT_TO}")},
              silent={**still("prometheus_notifications_errors_total", labels=f"{PROM},{SENT_TO}"),
                      **grows("prometheus_notifications_sent_total", labels=f"{PROM},{SENT_TO}")}),
        thresholds=(Threshold("notification_errors", 0.01, "ratio",
                              "failed attempts for each alert sent; a batch has up to 64 alerts and is one attempt"),)),
    Alert(
        "PrometheusNotificationQueueFilling", "warning",
        "min_over_time(prometheus_notifications_queue_length[5m]) / prometheus_notifications_queue_capacity > $queue_used", "5m",
        "The queue of alerts on {{ $labels.instance }} is {{ $value | humanizePercentage }} full",
        "Alerts fire faster than Alertmanager takes them. When the queue is full, the oldest are dropped.",
        "overview/queue",
        Proof(firing={f"prometheus_notifications_queue_length{{{PROM}}}": "9000",
                      f"prometheus_notifications_queue_capacity{{{PROM}}}": "10000"},
              silent={f"prometheus_notifications_queue_length{{{PROM}}}": "10",
                      f"prometheus_notifications_queue_capacity{{{PROM}}}": "10000"}),
        thresholds=(Threshold("queue_used", 0.5, "ratio", "share of the queue of alerts that is in use"),)),
    # -- storage -------------------------------------------------------------------------------------------------------
    Alert(
        "PrometheusWalWritesFailing", "critical", "increase(prometheus_tsdb_wal_writes_failed_total[15m]) > 0", "1m",
        "Prometheus {{ $labels.instance }} cannot write its log ({{ $value | humanize }} failures in fifteen minutes)",
        "Samples are refused or live in memory only; they are lost at the next restart. Usually the disk is full.",
        "storage/storage-failures",
        Proof(firing=grows("prometheus_tsdb_wal_writes_failed_total"), silent=still("prometheus_tsdb_wal_writes_failed_total")),
        inhibits=(Inhibit(("PrometheusStorageUpkeepFailing",), SELF),)),
    Alert(
        "PrometheusStorageUpkeepFailing", "warning", " + ".join(f"increase({name}[3h])" for name in UPKEEP) + " > 0", "15m",
        "Prometheus {{ $labels.instance }} fails to tidy its storage ({{ $value | humanize }} times in three hours)",
        "Compaction, checkpoints or truncation fail: memory and disk grow, and queries over long times get slow. Blocks may be damaged.",
        "storage/storage-failures",
        Proof(firing=grows(*UPKEEP), silent=still(*UPKEEP))),
    Alert(
        "PrometheusRetentionCut", "warning",
        "(prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes + prometheus_tsdb_head_chunks_storage_size_bytes) "
        "/ (prometheus_tsdb_retention_limit_bytes > 0) > $storage_used", "30m",
        "Prometheus {{ $labels.instance }} uses {{ $value | humanizePercentage }} of the disk space that it may",
        "At 100 % it deletes the oldest blocks before they reach the age that was promised; long SLO windows lose their past.",
        "storage/storage-used",
        Proof(firing=stored("46000000000"), silent=stored("20000000000")),
        thresholds=(Threshold("storage_used", 0.9, "ratio", "share of prometheus' size limit that is in use"),)),
    # -- queries -------------------------------------------------------------------------------------------------------
    Alert(
        "PrometheusQueriesSaturated", "warning",
        "avg_over_time(prometheus_engine_queries[5m]) / prometheus_engine_queries_concurrent_max > $queries_used", "10m",
        "Queries use {{ $value | humanizePercentage }} of what {{ $labels.instance }} can run at once",
        "Further queries wait: dashboards are slow, and rules too, for they share the engine.",
        "storage/query-slots",
        Proof(firing={f"prometheus_engine_queries{{{PROM}}}": "19", f"prometheus_engine_queries_concurrent_max{{{PROM}}}": "20"},
              silent={f"prometheus_engine_queries{{{PROM}}}": "1", f"prometheus_engine_queries_concurrent_max{{{PROM}}}": "20"}),
        thresholds=(Threshold("queries_used", 0.8, "ratio", "share of the queries that may run at once"),)),
    Alert(
        "PrometheusRequestsFailing", "warning",
        'sum by (region, host, instance) (rate(prometheus_http_requests_total{code=~"5.."}[5m])) '
        "/ sum by (region, host, instance) (rate(prometheus_http_requests_total[5m])) > $requests_failed", "10m",
        "Prometheus {{ $labels.instance }} fails {{ $value | humanizePercentage }} of its requests",
        "Queries end in a timeout or hit a limit; dashboards show gaps.",
        "overview/http-errors",
        Proof(firing={f'prometheus_http_requests_total{{{PROM},handler="/api/v1/query",code="503"}}': "0+30",
                      f'prometheus_http_requests_total{{{PROM},handler="/api/v1/query",code="200"}}': "0+60"},
              silent={f'prometheus_http_requests_total{{{PROM},handler="/api/v1/query",code="503"}}': "0",
                      f'prometheus_http_requests_total{{{PROM},handler="/api/v1/query",code="200"}}': "0+60"}),
        thresholds=(Threshold("requests_failed", 0.05, "ratio", "share of the requests answered with a status of 500 or more"),)),
)
