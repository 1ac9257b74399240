"""The dashboard of Loki: golden signals, then the path of a line: taken, kept in memory, written, found, deleted, watched by rules."""

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
    states,
    table,
    targets_up,
    timeseries,
    traces_row,
)
from dashboards.systems.loki.alerts import COMPACTED, ENDED, READS, RETAINED, WRITES
from dashboards.systems.loki.system import SYSTEM

IDLE = "nobody asked within the last minutes"
QUIET = "no chunk was written within the last minutes"
NO_RULES = "a region without rules on lines has none of these series"
INTERNAL = 'route!~"metrics|ready|.*/QuerierLoop|.*[Tt]ail.*"'


def requests(routes: str) -> str:
    return f"rate(loki_request_duration_seconds_count{{{routes}}}[$__rate_interval])"


def failed(routes: str) -> str:
    """Share of failed requests by route; 0 where none failed."""
    bad = routes + ', status_code=~"5.."'
    return f"(sum by (route) ({requests(bad)}) or 0 * sum by (route) ({requests(routes)})) / sum by (route) ({requests(routes)})"


def quantile(share: float, routes: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate(loki_request_duration_seconds_bucket{{{routes}}}[$__rate_interval])))"

DISK = timeseries("disk", "Disk in use",
                  "Share of the file system of the write-ahead log and the chunks; at 90 % Loki takes no more lines.",
                  "percentunit", prom("loki_ingester_wal_disk_usage_percent", "{{host}}"), min=0, max=1,
                  steps=((None, GREEN), (0.75, YELLOW), (0.85, RED)))
FLUSH = timeseries("flush", "Chunks written", "Attempts per second to write chunks to the disk, and those that failed.", "ops",
                   prom("rate(loki_ingester_chunks_flush_requests_total[$__rate_interval])", "{{host}}"),
                   prom("rate(loki_ingester_chunks_flush_failures_total[$__rate_interval])", "{{host}} failed"), min=0)
STREAMS = stat("streams-now", "Streams", "Streams in memory.", "short", prom("sum(loki_ingester_memory_streams)"))

DASHBOARDS = (
    Dashboard(
        "overview", "Loki", "The lines of a region: taken, kept, found again, deleted in time, watched by rules.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs),
                stat("lines", "Lines", "Lines received per second.", "cps",
                     prom("sum(rate(loki_distributor_lines_received_total[$__rate_interval]))")),
                stat("bytes", "Bytes", "Bytes of lines received per second, before compression.", "Bps",
                     prom("sum(rate(loki_distributor_bytes_received_total[$__rate_interval]))")),
                STREAMS,
                stat("lost", "Lines refused", "Lines that were refused in the time shown.", "short",
                     prom("sum(increase(loki_discarded_samples_total[$__range]))"), steps=((None, GREEN), (1, ORANGE)),
                     may_be_empty="the series begins with the first line that is refused"),
                stat("version", "Version", "Version of Loki.", "short", prom("loki_build_info", "{{version}}"), text="name"),
                timeseries("write-rate", "Requests that bring lines", "Requests per second by what they brought lines with.", "reqps",
                           prom(f"sum by (route) ({requests(WRITES)})", "{{route}}"), min=0),
                timeseries("write-errors", "Failed writes", "Share of the requests that bring lines and end with a server error.",
                           "percentunit",
                           prom(failed(WRITES), "{{route}}"), min=0),
                timeseries("write-latency", "Duration of writes",
                           "Half, 95 % and 99 % of the requests that bring lines took less than this.", "s",
                           *(prom(quantile(share, WRITES), name) for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0),
                timeseries("read-rate", "Queries", "Requests per second that read lines, streams or labels.", "reqps",
                           prom(f"sum by (route) ({requests(READS)})", "{{route}}"), min=0),
                timeseries("read-errors", "Failed queries", "Share of the queries that end with a server error.", "percentunit",
                           prom(failed(READS), "{{route}}"), min=0, may_be_empty=IDLE),
                timeseries("read-latency", "Duration of queries", "Half, 95 % and 99 % of the queries took less than this.", "s",
                           *(prom(quantile(share, READS), name) for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0,
                           may_be_empty=IDLE),
                DISK,
                FLUSH,
                timeseries("panics", "Panics", "Requests that ended in a panic which was caught.", "short",
                           prom("increase(loki_panic_total[$__rate_interval])", "{{host}}"), min=0, bars=True)),
            Row("Requests", (
                states("up-states", "Reachable", "Whether each Loki answered its scrape.", prom('up{job="loki"}', "{{host}}"), height=6),
                table("ring", "Rings", "Members of each ring by state; each needs one that is ACTIVE.", "short",
                      prom("sum by (host, name, state) (loki_ring_members) > 0", "Members", instant=True), height=6,
                      columns={"host": "Host", "name": "Ring", "state": "State"}),
                timeseries("requests", "All requests", "Requests per second by status, those between Loki's own parts included.", "reqps",
                           prom(f"sum by (status_code) ({requests(INTERNAL)})", "{{status_code}}"), stack=True, min=0),
                timeseries("slow-routes", "Slowest routes",
                           "Within this time 99 % of the requests to a route were answered, the ten slowest.", "s",
                           prom("topk(10, histogram_quantile(0.99, sum by (route, le) "
                                f"(rate(loki_request_duration_seconds_bucket{{{INTERNAL}}}[$__rate_interval]))))", "{{route}}"), min=0),
                timeseries("inflight", "Requests in work", "Requests that are being served, by route.", "short",
                           prom(f"sum by (route) (loki_inflight_requests{{{INTERNAL}}})", "{{route}}"), min=0),
                timeseries("connections", "Connections", "Connections that are open.", "short",
                           prom("loki_tcp_connections", "{{host}} {{protocol}}"), min=0),
                timeseries("crashes", "Ended without being asked", "How often systemd saw the process end on its own.", "short",
                           loki(f"sum by (host) (count_over_time({ENDED} [$__auto]))", "{{host}}"),
                           min=0, bars=True, may_be_empty="a healthy Loki ends only when it is told to"),
                timeseries("complaints", "Own lines by level", "Lines per second that Loki wrote itself, without debug.", "cps",
                           prom('sum by (level) (rate(loki_log_messages_total{level!="debug"}[$__rate_interval]))', "{{level}}"), min=0,
                           stack=True))),
            Row("Lines taken", (
                timeseries("lines-format", "Lines by way", "Lines per second by the protocol they came with.", "cps",
                           prom("sum by (format) (rate(loki_distributor_lines_received_total[$__rate_interval]))", "{{format}}"),
                           stack=True, min=0),
                timeseries("bytes-format", "Bytes", "Bytes per second of lines, and of their structured metadata.", "Bps",
                           prom("sum(rate(loki_distributor_bytes_received_total[$__rate_interval]))", "lines"),
                           prom("sum(rate(loki_distributor_structured_metadata_bytes_received_total[$__rate_interval]))", "metadata"),
                           min=0),
                timeseries("line-size", "Size of a line", "Mean size of a line.", "bytes",
                           prom("sum(rate(loki_bytes_per_line_sum[$__rate_interval])) / "
                                "sum(rate(loki_bytes_per_line_count[$__rate_interval]))", "mean"), min=0),
                timeseries("discarded", "Lines refused", "Lines per second that were refused, by reason. They are lost.", "cps",
                           prom("sum by (reason) (rate(loki_discarded_samples_total[$__rate_interval]))", "{{reason}}"), min=0,
                           may_be_empty="the series begins with the first line that is refused"),
                timeseries("discarded-bytes", "Bytes refused", "Bytes per second that were refused, by reason.", "Bps",
                           prom("sum by (reason) (rate(loki_discarded_bytes_total[$__rate_interval]))", "{{reason}}"), min=0,
                           may_be_empty="the series begins with the first line that is refused"),
                timeseries("services", "Lines by service", "Lines per second of the ten services that write most.", "cps",
                           loki('topk(10, sum by (service_name) (rate({service_name!=""} [$__auto])))', "{{service_name}}"), min=0))),
            Row("Queries", (
                heatmap("query-latency", "Duration of LogQL", "How long queries took, in the buckets of their histogram.", "s",
                        prom("sum by (le) (rate(loki_logql_querystats_latency_seconds_bucket[$__rate_interval]))", "{{le}}"),
                        may_be_empty=IDLE),
                timeseries("query-kinds", "Queries by kind", "LogQL queries per second by kind (filter, metric, labels...) and status.",
                           "reqps",
                           prom("sum by (type, status_code) (rate(loki_logql_querystats_latency_seconds_count[$__rate_interval]))",
                                "{{type}} {{status_code}}"),
                           min=0, width=12),
                timeseries("query-speed", "Speed", "Bytes per second that a query goes through, on average.", "Bps",
                           prom("sum(rate(loki_logql_querystats_bytes_processed_per_seconds_sum[$__rate_interval])) "
                                "/ sum(rate(loki_logql_querystats_bytes_processed_per_seconds_count[$__rate_interval]))", "mean"), min=0,
                           may_be_empty=IDLE),
                timeseries("queue", "Queue", "Parts of queries that wait for a querier.", "short",
                           prom("sum by (host) (loki_query_scheduler_queue_length)", "{{host}}"), min=0),
                timeseries("queue-time", "Time in the queue", "Of all parts of queries, 99 % waited less than this.", "s",
                           prom("histogram_quantile(0.99, sum by (le) "
                                "(rate(loki_query_scheduler_queue_duration_seconds_bucket[$__rate_interval])))", "p99"), min=0,
                           may_be_empty=IDLE),
                timeseries("workers", "Workers in use", "Share of the workers that are busy.", "percentunit",
                           prom("loki_querier_worker_inflight_queries / loki_querier_worker_concurrency", "{{host}}"), min=0, max=1),
                timeseries("tails", "Live followers", "Clients that follow live lines.", "short",
                           prom("loki_querier_tail_active", "{{host}}"), min=0),
                timeseries("cache-hits", "Cache hits", "Share of the keys that each cache had.", "percentunit",
                           prom("sum by (name) (rate(loki_cache_hits[$__rate_interval])) / sum by (name) "
                                "(rate(loki_cache_fetched_keys[$__rate_interval]))", "{{name}}"),
                           min=0, max=1, may_be_empty="a cache that nobody asks has no rate of hits"),
                timeseries("cache-memory", "Memory of caches", "What each cache holds.", "bytes",
                           prom("sum by (cache) (loki_embeddedcache_memory_bytes)", "{{cache}}"),
                           min=0, stack=True))),
            logs_row(SYSTEM, level=JSON_LEVEL),
            traces_row(SYSTEM))),
    Dashboard(
        "storage", "Loki: storage and rules",
              "What becomes of lines once they are taken: memory, disk, index, retention, and the rules on them.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs),
                STREAMS,
                stat("chunks-now", "Chunks", "Chunks in memory that are not yet written.", "short",
                     prom("sum(loki_ingester_memory_chunks)")),
                stat("replay", "Last reading of the log", "How long it took to read the write-ahead log at the last start.", "s",
                     prom("max(loki_ingester_wal_replay_duration_seconds)"), width=4),
                stat("replaying", "Reads its log", "Whether the log is being read: a start that is not done.", "short",
                     prom("max(loki_ingester_wal_replay_active)"), width=4, values={"0": ("no", GREEN), "1": ("yes", YELLOW)}),
                stat("disk-full", "Stops for want of space",
                     "How often the log could not be written or writes were stopped, in the time shown.", "short",
                     prom("sum(increase(loki_ingester_wal_disk_full_failures_total[$__range]))"), width=4, steps=((None, GREEN), (1, RED))),
                stat("index-age", "Age of the index", "Time since an index was last built; it is built every quarter of an hour.", "s",
                     prom("time() - max(loki_tsdb_build_index_last_successful_timestamp_seconds)"), width=8, height=8,
                     steps=((None, GREEN), (3600, YELLOW), (7200, RED))),
                DISK,
                FLUSH),
            Row("Memory and disk", (
                timeseries("streams", "Streams in memory",
                           "Streams that have lines in memory. Each set of labels is one; many of them make Loki slow.", "short",
                           prom("sum by (host) (loki_ingester_memory_streams)", "{{host}}"), min=0),
                timeseries("stream-churn", "Streams begun and forgotten",
                           "Streams per second that were begun, and below the axis forgotten.", "ops",
                           prom("sum by (host) (rate(loki_ingester_streams_created_total[$__rate_interval]))", "{{host}} begun"),
                           prom("-sum by (host) (rate(loki_ingester_streams_removed_total[$__rate_interval]))", "{{host}} forgotten")),
                timeseries("chunks", "Chunks in memory", "Chunks that are not yet written.", "short",
                           prom("loki_ingester_memory_chunks", "{{host}}"), min=0),
                timeseries("flush-queue", "Streams that wait to be written", "Length of the flush queue.", "short",
                           prom("loki_ingester_flush_queue_length", "{{host}}"), min=0),
                timeseries("chunk-shape", "Size of chunks",
                           "Mean size of the chunks that were written. Small ones (few KiB) make queries slow.", "bytes",
                           prom("sum by (host) (rate(loki_ingester_chunk_size_bytes_sum[$__rate_interval])) "
                                "/ sum by (host) (rate(loki_ingester_chunk_size_bytes_count[$__rate_interval]))", "{{host}}"), min=0,
                           may_be_empty=QUIET),
                timeseries("chunk-age", "Age of chunks", "Mean age of chunks when they were written.", "s",
                           prom("sum by (host) (rate(loki_ingester_chunk_age_seconds_sum[$__rate_interval])) "
                                "/ sum by (host) (rate(loki_ingester_chunk_age_seconds_count[$__rate_interval]))", "{{host}}"), min=0,
                           may_be_empty=QUIET),
                timeseries("compression", "Compression", "How much smaller chunks are than their lines.", "short",
                           prom("sum by (host) (rate(loki_ingester_chunk_compression_ratio_sum[$__rate_interval])) "
                                "/ sum by (host) (rate(loki_ingester_chunk_compression_ratio_count[$__rate_interval]))", "{{host}}"),
                           min=0, may_be_empty=QUIET),
                timeseries("wal", "Write-ahead log", "Bytes per second written to the log.", "Bps",
                           prom("rate(loki_ingester_wal_logged_bytes_total[$__rate_interval])", "{{host}}"), min=0),
                timeseries("checkpoints", "Checkpoints",
                           "Checkpoints of the log, and those that failed. There should be one every five minutes.",
                           "short",
                           prom("increase(loki_ingester_checkpoint_creations_total[$__rate_interval])", "{{host}}"),
                           prom("increase(loki_ingester_checkpoint_creations_failed_total[$__rate_interval])", "{{host}} failed"),
                           min=0, bars=True))),
            Row("Compaction and retention", (
                timeseries("compaction", "Time since the last run",
                           "How long ago a compaction, and the retention, last succeeded. After a start there is none until the first run.",
                           "s",
                           prom(f"time() - ({COMPACTED} > 0)", "{{host}} compaction"),
                           prom(f"time() - ({RETAINED} > 0)", "{{host}} retention"), min=0, width=12,
                           may_be_empty="the first run comes ten minutes after the start"),
                timeseries("compactions", "Runs by result", "Compactions and runs of the retention, one of each every ten minutes.",
                           "short",
                           prom("increase(loki_boltdb_shipper_compact_tables_operation_total[$__rate_interval])",
                                "{{host}} compaction {{status}}"),
                           prom("increase(loki_compactor_apply_retention_operation_total[$__rate_interval])",
                                "{{host}} retention {{status}}"), min=0,
                           width=12, bars=True,
                           may_be_empty="the first run comes ten minutes after the start"),
                timeseries("compaction-duration", "Duration", "How long the last compaction took.", "s",
                           prom("loki_boltdb_shipper_compact_tables_operation_duration_seconds", "{{host}}"), min=0),
                timeseries("deletes", "Requests to delete", "Requests to delete lines that are not done.", "short",
                           prom("loki_compactor_pending_delete_requests_count", "{{host}}"), min=0),
                timeseries("markers", "Files to sweep", "Lists of chunks to delete that are not done.", "short",
                           prom("loki_boltdb_shipper_retention_sweeper_marker_files_current", "{{host}}"), min=0)), collapsed=True),
            Row("Rules on lines", (
                table("rules", "Groups", "Rules of each group; Rules read is 1 when the last reading of the rule files succeeded.", "short",
                      prom(f"sum by (host, group) ({by_group('loki_prometheus_rule_group_rules')})", "Rules", instant=True),
                      prom("max by (host) (loki_ruler_config_last_reload_successful)", "Rules read", instant=True), width=24, height=6,
                      columns={"host": "Host", "group": "Group"}, may_be_empty=NO_RULES),
                timeseries("rule-rate", "Evaluations", "Rules evaluated per second.", "ops",
                           prom("sum by (host) (rate(loki_prometheus_rule_evaluations_total[$__rate_interval]))", "{{host}}"), min=0,
                           may_be_empty=NO_RULES),
                timeseries("rule-failures", "Failed evaluations", "Rules per second whose evaluation failed.", "ops",
                           prom(by_group("sum by (host, rule_group) "
                                         "(rate(loki_prometheus_rule_evaluation_failures_total[$__rate_interval]))"), "{{host}} {{group}}"),
                           min=0, may_be_empty=NO_RULES),
                timeseries("rule-duration", "Duration of a group",
                           "Share of the time between two turns that the last turn took; above 100 % turns are left out.", "percentunit",
                           prom(by_group("loki_prometheus_rule_group_last_duration_seconds / loki_prometheus_rule_group_interval_seconds"),
                                "{{host}} {{group}}"),
                           min=0, may_be_empty=NO_RULES),
                timeseries("notifications", "Alerts sent", "Alerts per second sent to each Alertmanager, and those that it did not take.",
                           "ops",
                           prom("sum by (alertmanager) (rate(loki_prometheus_notifications_sent_total[$__rate_interval]))",
                                "{{alertmanager}}"),
                           prom("sum by (alertmanager) (rate(loki_prometheus_notifications_errors_total[$__rate_interval]))",
                                "{{alertmanager}} failed"),
                           min=0, width=16, may_be_empty=NO_RULES),
                stat("alertmanagers", "Alertmanagers", "Servers that the rules' alerts are sent to.", "short",
                     prom("min(loki_prometheus_notifications_alertmanagers_discovered)"), width=8, height=8,
                     steps=((None, RED), (1, GREEN)),
                     may_be_empty=NO_RULES))),
            go_runtime(SYSTEM.jobs),
            logs_row(SYSTEM, level=JSON_LEVEL),
            traces_row(SYSTEM))),
)
