"""Metrics of Loki that this system uses; https://grafana.com/docs/loki/latest/operations/observability/ describes the main ones."""

from dashboards.model import Metric

QUERY = ("range", "status_code", "type")
GROUP = ("rule_group", "user")
RECEIVER = ("alertmanager", "user")

METRICS = (
    Metric("loki_build_info", "info", "info", "Version of Loki", ("version", "goversion", "revision")),
    # requests
    Metric("loki_request_duration_seconds", "histogram", "seconds", "Requests over HTTP and gRPC",
           ("method", "route", "status_code", "ws")),
    Metric("loki_inflight_requests", "gauge", "requests", "Requests that are being served", ("method", "route")),
    Metric("loki_tcp_connections", "gauge", "connections", "Connections that are open", ("protocol",)),
    Metric("loki_panic_total", "counter", "panics", "Requests that ended in a panic which was caught"),
    Metric("loki_log_messages_total", "counter", "lines", "Lines that Loki itself wrote", ("level",)),
    Metric("loki_ring_members", "gauge", "members", "Members of each ring in each state", ("name", "state")),
    # writes
    Metric("loki_distributor_lines_received_total", "counter", "lines", "Lines received", ("format", "is_internal_stream", "tenant")),
    Metric("loki_distributor_bytes_received_total", "counter", "bytes", "Bytes received, before compression",
           ("format", "is_internal_stream", "retention_hours", "tenant")),
    Metric("loki_distributor_structured_metadata_bytes_received_total", "counter", "bytes", "Bytes of structured metadata received",
           ("format", "is_internal_stream", "retention_hours", "tenant")),
    Metric("loki_bytes_per_line", "histogram", "bytes", "Size of a line"),
    Metric("loki_discarded_samples_total", "counter", "lines", "Lines that were refused", ("reason", "tenant", "format")),
    Metric("loki_discarded_bytes_total", "counter", "bytes", "Bytes of lines that were refused", ("reason", "tenant", "format")),
    # streams and chunks in memory
    Metric("loki_ingester_memory_streams", "gauge", "streams", "Streams in memory", ("tenant",)),
    Metric("loki_ingester_memory_chunks", "gauge", "chunks", "Chunks in memory"),
    Metric("loki_ingester_streams_created_total", "counter", "streams", "Streams begun", ("tenant",)),
    Metric("loki_ingester_streams_removed_total", "counter", "streams", "Streams forgotten", ("tenant",)),
    Metric("loki_ingester_flush_queue_length", "gauge", "series", "Streams that wait to be flushed"),
    Metric("loki_ingester_chunks_flush_requests_total", "counter", "flushes", "Attempts to write chunks to the disk"),
    Metric("loki_ingester_chunks_flush_failures_total", "counter", "flushes", "Attempts to write chunks that failed"),
    Metric("loki_ingester_chunk_size_bytes", "histogram", "bytes", "Size of a chunk when it was written"),
    Metric("loki_ingester_chunk_age_seconds", "histogram", "seconds", "Age of a chunk when it was written"),
    Metric("loki_ingester_chunk_compression_ratio", "histogram", "ratio", "How much smaller a chunk was made"),
    # write-ahead log
    Metric("loki_ingester_wal_disk_usage_percent", "gauge", "ratio",
           "Share of the log's file system that is in use (0 to 1, whatever the name says)"),
    Metric("loki_ingester_wal_disk_full_failures_total", "counter", "failures",
           "Times the log could not be written, or writes were stopped, for want of space"),
    Metric("loki_ingester_wal_logged_bytes_total", "counter", "bytes", "Bytes written to the log"),
    Metric("loki_ingester_wal_replay_active", "gauge", "boolean", "1 while the log is read after a start"),
    Metric("loki_ingester_wal_replay_duration_seconds", "gauge", "seconds", "How long reading the log took at the last start"),
    Metric("loki_ingester_checkpoint_creations_total", "counter", "checkpoints", "Checkpoints of the log that were begun"),
    Metric("loki_ingester_checkpoint_creations_failed_total", "counter", "checkpoints", "Checkpoints of the log that failed"),
    # reads
    Metric("loki_logql_querystats_latency_seconds", "histogram", "seconds", "LogQL queries by their kind", QUERY),
    Metric("loki_logql_querystats_bytes_processed_per_seconds", "histogram", "bytes per second", "How fast queries went through lines",
           (*QUERY, "latency_type", "sharded")),
    Metric("loki_query_scheduler_queue_duration_seconds", "histogram", "seconds", "How long a part of a query waited for a querier"),
    Metric("loki_query_scheduler_queue_length", "gauge", "queries", "Parts of queries that wait", ("user",)),
    Metric("loki_querier_worker_concurrency", "gauge", "workers", "Parts of queries that could be worked on at once"),
    Metric("loki_querier_worker_inflight_queries", "gauge", "queries", "Parts of queries that are being worked on"),
    Metric("loki_querier_tail_active", "gauge", "tails", "Followers of live lines"),
    Metric("loki_cache_fetched_keys", "counter", "keys", "Keys asked of each cache", ("name",)),
    Metric("loki_cache_hits", "counter", "keys", "Keys that each cache had", ("name",)),
    Metric("loki_embeddedcache_memory_bytes", "gauge", "bytes", "Memory of each cache", ("cache",)),
    # index, compaction, retention
    Metric("loki_tsdb_build_index_last_successful_timestamp_seconds", "gauge", "seconds", "When an index was last built, in Unix time",
           ("component",)),
    Metric("loki_boltdb_shipper_compact_tables_operation_total", "counter", "runs", "Compactions by their result", ("status",)),
    Metric("loki_boltdb_shipper_compact_tables_operation_duration_seconds", "gauge", "seconds", "How long the last compaction took"),
    Metric("loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds", "gauge", "seconds",
           "When a compaction last succeeded, in Unix time; 0 before the first since the start"),
    Metric("loki_compactor_apply_retention_operation_total", "counter", "runs", "Runs of the retention by their result", ("status",)),
    Metric("loki_compactor_apply_retention_last_successful_run_timestamp_seconds", "gauge", "seconds",
           "When the retention last ran through, in Unix time; 0 before the first since the start"),
    Metric("loki_compactor_pending_delete_requests_count", "gauge", "requests", "Requests to delete lines that are not done"),
    Metric("loki_boltdb_shipper_retention_sweeper_marker_files_current", "gauge", "files", "Files of chunks to delete that are not done",
           ("from",)),
    # ruler
    Metric("loki_prometheus_rule_group_rules", "gauge", "rules", "Rules of each group", GROUP),
    Metric("loki_prometheus_rule_evaluations_total", "counter", "evaluations", "Rules evaluated", GROUP),
    Metric("loki_prometheus_rule_evaluation_failures_total", "counter", "evaluations", "Rules whose evaluation failed", GROUP),
    Metric("loki_prometheus_rule_group_iterations_missed_total", "counter", "evaluations",
           "Turns of a group that were left out because the last took too long", GROUP),
    Metric("loki_prometheus_rule_group_last_duration_seconds", "gauge", "seconds", "How long the last turn of a group took", GROUP),
    Metric("loki_prometheus_rule_group_interval_seconds", "gauge", "seconds", "How often a group should be evaluated", GROUP),
    Metric("loki_prometheus_notifications_sent_total", "counter", "alerts", "Alerts sent to each Alertmanager", RECEIVER),
    Metric("loki_prometheus_notifications_errors_total", "counter", "alerts", "Alerts that an Alertmanager did not take", RECEIVER),
    Metric("loki_prometheus_notifications_alertmanagers_discovered", "gauge", "servers", "Alertmanagers that the ruler sends to",
           ("user",)),
    Metric("loki_ruler_config_last_reload_successful", "gauge", "boolean", "1 when the rules were last read without error", ("user",)),
    # process
    Metric("process_resident_memory_bytes", "gauge", "bytes", "Resident memory of the process"),
    Metric("process_cpu_seconds_total", "counter", "seconds", "Processor time of the process"),
    Metric("process_open_fds", "gauge", "files", "File descriptors that are open"),
    Metric("process_max_fds", "gauge", "files", "File descriptors that may be open"),
    Metric("go_memstats_heap_inuse_bytes", "gauge", "bytes", "Bytes of the heap in use"),
    Metric("go_goroutines", "gauge", "goroutines", "Goroutines that exist"),
)
