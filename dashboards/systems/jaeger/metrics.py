"""Metrics of Jaeger v2 that this system uses; https://www.jaegertracing.io/docs/latest/operations/monitoring/ names the main ones.

Jaeger is built on the OpenTelemetry collector, so its pipeline counts as a collector's does. Requests to its API are counted from its spans
(traces_span_metrics_*, declared by otel_collector)."""

from dashboards.model import Metric

SELF = ("service_name", "service_instance_id", "service_version")
STORE = ("kind", "name", "role", *SELF)
READ = ("operation", "result", *STORE)

METRICS = (
    # the way of a span
    Metric("otelcol_receiver_accepted_spans_total", "counter", "spans", "Spans taken in", ("receiver", "transport", *SELF)),
    Metric("otelcol_receiver_refused_spans_total", "counter", "spans", "Spans that the pipeline did not take",
           ("receiver", "transport", *SELF)),
    Metric("otelcol_receiver_failed_spans_total", "counter", "spans", "Spans that the receiver itself could not read",
           ("receiver", "transport", *SELF)),
    Metric("otelcol_processor_batch_batch_send_size", "histogram", "items", "Spans of a batch", ("processor", *SELF)),
    Metric("otelcol_exporter_sent_spans_total", "counter", "spans", "Spans written to the store", ("exporter", *SELF)),
    Metric("otelcol_exporter_send_failed_spans_total", "counter", "spans", "Spans that could not be written to the store",
           ("exporter", *SELF)),
    # reads
    Metric("jaeger_storage_requests_total", "counter", "requests", "Reads of the store by what was asked and how it ended", READ),
    Metric("jaeger_storage_latency_seconds", "histogram", "seconds", "Duration of reads of the store, in buckets from 5 s on", READ),
    # Badger
    Metric("jaeger_storage_badger_size_bytes_lsm", "gauge", "bytes", "Size of the tables of keys, as Badger last counted it", STORE),
    Metric("jaeger_storage_badger_size_bytes_vlog", "gauge", "bytes", "Size of the value log, with the two GiB that it reserves", STORE),
    Metric("jaeger_storage_badger_key_log_bytes_available", "gauge", "bytes", "Space left on the file system of the keys", STORE),
    Metric("jaeger_storage_badger_value_log_bytes_available", "gauge", "bytes", "Space left on the file system of the values", STORE),
    Metric("jaeger_storage_badger_storage_maintenance_last_run", "gauge", "nanoseconds", "When the store was last tended, in Unix time",
           STORE),
    Metric("jaeger_storage_badger_storage_valueloggc_last_run", "gauge", "nanoseconds",
           "When the value log was last swept to its end, in Unix time", STORE),
    Metric("jaeger_storage_badger_put_num_user", "gauge", "writes", "Entries written since the start", STORE),
    Metric("jaeger_storage_badger_write_bytes_user", "gauge", "bytes", "Bytes written since the start, as they were given", STORE),
    Metric("jaeger_storage_badger_write_bytes_l0", "gauge", "bytes", "Bytes written since the start to the first level of tables", STORE),
    Metric("jaeger_storage_badger_iterator_num_user", "gauge", "iterators", "Searches through keys since the start", STORE),
    Metric("jaeger_storage_badger_compaction_current_num_lsm", "gauge", "tables", "Tables that are being compacted", STORE),
    # process
    Metric("otelcol_process_uptime_seconds_total", "counter", "seconds", "How long Jaeger runs", SELF),
    Metric("otelcol_process_cpu_seconds_total", "counter", "seconds", "Processor time used", SELF),
    Metric("otelcol_process_memory_rss_bytes", "gauge", "bytes", "Resident memory", SELF),
    Metric("otelcol_process_runtime_heap_alloc_bytes", "gauge", "bytes", "Heap memory in use", SELF),
    Metric("otelcol_process_runtime_total_sys_memory_bytes", "gauge", "bytes", "Memory that the runtime took from the system", SELF),
)
