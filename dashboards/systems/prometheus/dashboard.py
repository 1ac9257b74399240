"""The dashboards of Prometheus: scraping, rules and notifications; storage, queries and the process.

Panels about targets match instance themselves: the variable Instance chooses a Prometheus, not what it scrapes."""

from dashboards.model import Dashboard, Row
from dashboards.panels import (
    GREEN,
    JSON_LEVEL,
    ORANGE,
    RED,
    YELLOW,
    by_group,
    go_runtime,
    golden,
    heatmap,
    logs_row,
    loki,
    prom,
    stat,
    table,
    targets_up,
    timeseries,
    traces_row,
)
from dashboards.systems.prometheus.alerts import CRASHES, LIMITS, REJECTED, RUNS, UPKEEP
from dashboards.systems.prometheus.system import SYSTEM

TARGETS = 'instance=~".+"'
STORED = "(prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes + prometheus_tsdb_head_chunks_storage_size_bytes)"
RATE = "[$__rate_interval]"
QUIET = "it writes when it starts, reloads or compacts, and is silent for hours between"

HTTP_ERRORS = timeseries("http-errors", "Requests that failed", "Share of the requests answered with a status of 500 or more.",
                         "percentunit",
                         prom(f'(sum by (host) (rate(prometheus_http_requests_total{{code=~"5.."}}{RATE})) '
                              f"or 0 * sum by (host) (rate(prometheus_http_requests_total{RATE}))) "
                              f"/ sum by (host) (rate(prometheus_http_requests_total{RATE}))", "{{host}}"), min=0)
HTTP_LATENCY = timeseries("http-latency", "Time of requests", "Half, 95 % and 99 % of the requests took less than this.", "s",
                          *(prom(f"histogram_quantile({quantile}, sum by (le) "
                                 f"(rate(prometheus_http_request_duration_seconds_bucket{RATE})))", name)
                            for quantile, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0)
QUERY_SLOTS = timeseries("query-slots", "Queries at once", "Share of the queries that may run at once.", "percentunit",
                         prom("prometheus_engine_queries / prometheus_engine_queries_concurrent_max", "{{host}}"), min=0)
STORAGE_USED = timeseries("storage-used", "Storage in use", "Share of the size limit; above it the oldest blocks are deleted early.",
                          "percentunit",
                          prom(f"{STORED} / (prometheus_tsdb_retention_limit_bytes > 0)", "{{host}}"), min=0, max=1)


DASHBOARDS = (
    Dashboard(
        "overview", "Prometheus", "What each Prometheus of the region scrapes, evaluates, sends, stores and answers.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs),
                stat("targets", "Targets", "Targets that discovery found.", "short",
                     prom('sum(prometheus_sd_discovered_targets{name="scrape"})', "targets")),
                stat("targets-down", "Targets down", "Targets whose last scrape failed.", "short",
                     prom(f"sum(1 - up{{{TARGETS}}})", "down"),
                     steps=((None, GREEN), (1, RED))),
                stat("series", "Series", "Series in memory.", "short", prom("sum(prometheus_tsdb_head_series)", "series")),
                stat("rules-total", "Rules", "Rules that are loaded.", "short", prom("sum(prometheus_rule_group_rules)", "rules")),
                stat("version", "Versions", "Different versions in use.", "short",
                     prom("count(count by (version) (prometheus_build_info))", "versions"),
                     steps=((None, GREEN), (2, YELLOW))),
                timeseries("ingestion", "Samples taken in", "Samples per second.", "short",
                           prom(f"sum by (host) (rate(prometheus_tsdb_head_samples_appended_total{RATE}))", "{{host}}"), min=0),
                HTTP_ERRORS,
                HTTP_LATENCY,
                QUERY_SLOTS,
                STORAGE_USED,
                timeseries("firing", "Alerts", "Alerts that are pending or firing, by severity.", "short",
                           prom("sum by (alertstate, severity) (ALERTS)", "{{alertstate}} {{severity}}"), min=0, stack=True,
                           may_be_empty="no alert is active in a healthy estate")),
            Row("Scraping", (
                table("down-now", "Targets down", "Each target whose last scrape failed.", "short",
                      prom(f"up{{{TARGETS}}} == 0", instant=True), hide=("Value", "system"),
                      may_be_empty="all targets of a healthy estate are up"),
                timeseries("discovered", "Targets by job", "Targets that discovery found for each job.", "short",
                           prom('sum by (config) (prometheus_sd_discovered_targets{name="scrape"})', "{{config}}"), min=0, width=12),
                timeseries("scrape-duration", "Slowest scrapes", "The ten targets whose scrape takes longest.", "s",
                           prom(f"topk(10, scrape_duration_seconds{{{TARGETS}}})", "{{job}} {{instance}}"), min=0),
                timeseries("samples-by-job", "Samples by job", "Samples of one scrape of all targets of a job.", "short",
                           prom(f"sum by (job) (scrape_samples_post_metric_relabeling{{{TARGETS}}})", "{{job}}"), min=0, stack=True),
                timeseries("new-series-by-job", "New series by job",
                           "Series that a scrape brought for the first time; a steady rate is churn.", "short",
                           prom(f"sum by (job) (scrape_series_added{{{TARGETS}}})", "{{job}}"), min=0),
                timeseries("interval", "Precision of the interval", "99 % of the scrapes came at most this long after the one before.", "s",
                           prom('prometheus_target_interval_length_seconds{quantile="0.99"}', "{{host}} every {{interval}}"), min=0),
                timeseries("rejected", "Samples rejected", "Samples per second refused for their time.", "short",
                           *(prom(f"rate({name}{RATE})", f"{{{{host}}}} {what}")
                             for name, what in zip(REJECTED, ("duplicate", "out of order", "out of bounds"), strict=True)), min=0),
                timeseries("limits", "Limits hit", "Scrapes and jobs refused because of a limit.", "short",
                           *(prom(f"increase({name}{RATE})", f"{{{{host}}}} {what}")
                             for name, what in zip(LIMITS, ("samples", "bytes", "targets", "labels"), strict=True)), min=0, bars=True),
                timeseries("discovery-errors", "Errors of discovery", "Files that could not be read, configurations and targets refused.",
                           "short",
                           prom(f"increase(prometheus_sd_file_read_errors_total{RATE})", "{{host}} files"),
                           prom("sum by (host) (prometheus_sd_failed_configs)", "{{host}} configurations"),
                           prom(f"sum by (host) (increase(prometheus_target_sync_failed_total{RATE}))", "{{host}} targets"), min=0),
                timeseries("reloads", "Configuration", "1 when the last reload of the configuration worked.", "short",
                           prom("prometheus_config_last_reload_successful", "{{host}}"), min=0, max=1),
                timeseries("reload-age", "Age of the configuration", "Time since the configuration was loaded.", "s",
                           prom("time() - prometheus_config_last_reload_success_timestamp_seconds", "{{host}}"), min=0))),
            Row("Rules", (
                timeseries("rule-rate", "Rules evaluated", "Rules per second.", "ops",
                           prom(f"sum by (host) (rate(prometheus_rule_evaluations_total{RATE}))", "{{host}}"), min=0),
                timeseries("rule-failures", "Failures", "Rules that failed, and texts of alerts that could not be filled in.", "short",
                           prom(by_group(f"sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total{RATE}))"), "{{group}}"),
                           prom(f"sum by (host) (increase(prometheus_template_text_expansion_failures_total{RATE}))", "{{host}} texts"),
                           min=0, bars=True),
                timeseries("rule-use", "Busiest groups", "Time of the last evaluation as a share of the interval, the ten busiest.",
                           "percentunit",
                           prom(by_group("topk(10, prometheus_rule_group_last_duration_seconds / prometheus_rule_group_interval_seconds)"),
                                "{{group}}"), min=0),
                timeseries("rule-missed", "Evaluations left out",
                           "Evaluations left out because the one before was not done, the ten worst groups.",
                           "short",
                           prom(by_group(f"topk(10, increase(prometheus_rule_group_iterations_missed_total{RATE}))"), "{{group}}"),
                           min=0, bars=True, width=12),
                timeseries("rule-count", "Rules by group", "Rules in each group.", "short",
                           prom(by_group("sum by (rule_group) (prometheus_rule_group_rules)"), "{{group}}"), min=0, stack=True, width=12))),
            Row("Notifications", (
                timeseries("sent", "Alerts sent", "Alerts per second to each Alertmanager; a firing alert is sent again every minute.",
                           "ops",
                           prom(f"sum by (alertmanager) (rate(prometheus_notifications_sent_total{RATE}))", "{{alertmanager}}"), min=0),
                timeseries("notification-errors", "Errors of sending", "Failed attempts per second, by Alertmanager.", "ops",
                           prom(f"sum by (alertmanager) (rate(prometheus_notifications_errors_total{RATE}))", "{{alertmanager}}"), min=0),
                timeseries("dropped", "Alerts dropped", "Alerts per second that no Alertmanager took.", "ops",
                           prom(f"rate(prometheus_notifications_dropped_total{RATE})", "{{host}}"), min=0),
                timeseries("queue", "Queue", "Share of the queue of alerts in use.", "percentunit",
                           prom("prometheus_notifications_queue_length / prometheus_notifications_queue_capacity", "{{host}}"), min=0,
                           max=1, width=12),
                timeseries("alertmanagers", "Alertmanagers", "Alertmanagers that are known and in use.", "short",
                           prom("prometheus_notifications_alertmanagers_discovered", "{{host}}"), min=0, width=12))),
            Row("Journal", (
                timeseries("runs", "Starts and ends", "What systemd said of the server: started, or ended.", "short",
                           loki(f"sum by (host) (count_over_time({RUNS} [$__auto]))", "{{host}}"), min=0, bars=True, width=12,
                           may_be_empty="it neither starts nor ends in a calm time"),
                timeseries("crashes", "Crashes", "Ends with an error.", "short",
                           loki(f"sum by (host) (count_over_time({CRASHES} [$__auto]))", "{{host}}"),
                           min=0, bars=True, width=12, may_be_empty="a healthy Prometheus does not crash"))),
            logs_row(SYSTEM, level=JSON_LEVEL, quiet=QUIET), traces_row(SYSTEM))),
    Dashboard(
        "storage", "Prometheus: storage and queries", "How each Prometheus of the region keeps samples and finds them again; its process.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs),
                stat("series", "Series", "Series in memory.", "short", prom("sum(prometheus_tsdb_head_series)", "series")),
                stat("disk-now", "On disk", "Blocks, write-ahead log and chunks of the head.", "bytes", prom(f"sum({STORED})", "bytes")),
                stat("history-now", "History", "Age of the oldest sample of the Prometheus that has the shortest history.", "s",
                     prom("min(time() - prometheus_tsdb_lowest_timestamp_seconds)", "history")),
                stat("memory-now", "Memory", "Memory of the largest process.", "bytes",
                     prom('max(process_resident_memory_bytes{job="prometheus"})', "memory")),
                stat("memory-by-series", "Memory by series", "Bytes of memory for each series in memory.", "bytes",
                     prom('sum(process_resident_memory_bytes{job="prometheus"}) / sum(prometheus_tsdb_head_series)', "bytes")),
                STORAGE_USED, QUERY_SLOTS, HTTP_LATENCY),
            Row("Storage", (
                timeseries("series-growth", "Series against an hour ago", "Series in memory as a multiple of those an hour before.",
                           "short",
                           prom("prometheus_tsdb_head_series / (prometheus_tsdb_head_series offset 1h)", "{{host}}"),
                           steps=((None, GREEN), (1.5, ORANGE)), may_be_empty="there is no hour before within the first hour"),
                timeseries("churn", "Series created and removed", "Series per second; removed are below the axis.", "ops",
                           prom(f"rate(prometheus_tsdb_head_series_created_total{RATE})", "{{host}} created"),
                           prom(f"-rate(prometheus_tsdb_head_series_removed_total{RATE})", "{{host}} removed")),
                timeseries("disk", "On disk", "Blocks, write-ahead log and chunks of the head.", "bytes",
                           prom("sum(prometheus_tsdb_storage_blocks_bytes)", "blocks"),
                           prom("sum(prometheus_tsdb_wal_storage_size_bytes)", "log"),
                           prom("sum(prometheus_tsdb_head_chunks_storage_size_bytes)", "head"), stack=True, min=0),
                timeseries("history", "Length of the history", "Age of the oldest sample, and how long samples are promised to be kept.",
                           "s",
                           prom("time() - prometheus_tsdb_lowest_timestamp_seconds", "{{host}} kept"),
                           prom("prometheus_tsdb_retention_limit_seconds", "{{host}} promised"), min=0),
                timeseries("storage-failures", "Failures", "Writes, compactions, reloads, truncations and checkpoints that failed.",
                           "short",
                           *(prom(f"increase({name}{RATE})", f"{{{{host}}}} {what}") for name, what in (
                               ("prometheus_tsdb_wal_writes_failed_total", "writes"),
                               *zip(UPKEEP, ("compactions", "reloads", "truncations", "checkpoints", "log truncations"), strict=True))),
                           min=0, bars=True),
                timeseries("fsync", "Log to disk", "99 % of the write-ahead log's syncs took less than this.", "s",
                           prom('prometheus_tsdb_wal_fsync_duration_seconds{quantile="0.99"} >= 0', "{{host}}"), min=0,
                           may_be_empty="the log is synced when a segment ends, which takes longer than the summary remembers"),
                timeseries("compactions", "Compactions", "Compactions done.", "short",
                           prom(f"increase(prometheus_tsdb_compactions_total{RATE})", "{{host}}"), min=0, bars=True),
                timeseries("chunks", "Chunks", "Chunks in memory.", "short", prom("prometheus_tsdb_head_chunks", "{{host}}"), min=0),
                timeseries("exemplars", "Exemplars", "Share of the room for exemplars in use; when full, the oldest give way.",
                           "percentunit",
                           prom("prometheus_tsdb_exemplar_exemplars_in_storage / prometheus_tsdb_exemplar_max_exemplars", "{{host}}"),
                           min=0, max=1))),
            Row("Queries", (
                timeseries("query-time", "Time of queries by part", "99 % of the queries spent less than this in each part.", "s",
                           prom('prometheus_engine_query_duration_seconds{quantile="0.99"} >= 0', "{{host}} {{slice}}"), min=0),
                timeseries("query-samples", "Samples loaded", "Samples per second that queries and rules loaded.", "short",
                           prom(f"rate(prometheus_engine_query_samples_total{RATE})", "{{host}}"), min=0),
                timeseries("http-rate", "Requests by page", "Requests per second of the ten busiest pages.", "reqps",
                           prom(f"topk(10, sum by (handler) (rate(prometheus_http_requests_total{RATE})))", "{{handler}}"), min=0),
                heatmap("http-heatmap", "Time of requests", "Requests by how long they took.", "s",
                        prom(f"sum by (le) (rate(prometheus_http_request_duration_seconds_bucket{RATE}))", "{{le}}")),
                timeseries("http-slowest", "Slowest pages", "95 % of a page's requests took less than this, the ten slowest.", "s",
                           prom("topk(10, histogram_quantile(0.95, sum by (le, handler) "
                                f"(rate(prometheus_http_request_duration_seconds_bucket{RATE}))) >= 0)", "{{handler}}"), min=0, width=12))),
            go_runtime(SYSTEM.jobs),
            logs_row(SYSTEM, level=JSON_LEVEL, quiet=QUIET), traces_row(SYSTEM))),
)
