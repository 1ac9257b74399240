"""Metrics of the OpenTelemetry Collector and of its span metrics connector; https://opentelemetry.io/docs/collector/internal-telemetry/
and the connector's page document them. The collectors tell them by OTLP to the agent of their host, so `instance` is the host."""

from dashboards.model import Metric

SELF = ("otel_scope_name", "service_instance_id", "service_name", "service_version")
RECEIVER = ("receiver", "transport", *SELF)
EXPORTER = ("exporter", *SELF)
SENT = ("server_address", "server_port", *EXPORTER)
PROCESSOR = ("processor", *SELF)
QUEUE = ("data_type", *EXPORTER)
SPAN = ("service_name", "span_name", "span_kind", "status_code", "http_route", "http_response_status_code", "rpc_method",
        "collector_instance_id",
        "otel_scope_name", "service_instance_id", "service_version")

METRICS = (
    Metric("otelcol_receiver_accepted_log_records_total", "counter", "records", "Log records taken in", ("receiver", *SELF)),
    Metric("otelcol_receiver_accepted_spans_total", "counter", "spans", "Spans taken in", RECEIVER),
    Metric("otelcol_receiver_accepted_metric_points_total", "counter", "points", "Metric points taken in", RECEIVER),
    Metric("otelcol_receiver_refused_log_records_total", "counter", "records", "Log records that the pipeline did not take",
           ("receiver", *SELF)),
    Metric("otelcol_receiver_refused_spans_total", "counter", "spans", "Spans that the pipeline did not take", RECEIVER),
    Metric("otelcol_receiver_refused_metric_points_total", "counter", "points", "Metric points that the pipeline did not take", RECEIVER),
    Metric("otelcol_receiver_failed_log_records_total", "counter", "records", "Log records that the receiver itself could not read",
           ("receiver", *SELF)),
    Metric("otelcol_receiver_failed_spans_total", "counter", "spans", "Spans that the receiver itself could not read", RECEIVER),
    Metric("otelcol_receiver_failed_metric_points_total", "counter", "points", "Metric points that the receiver itself could not read",
           RECEIVER),
    Metric("otelcol_processor_incoming_items_total", "counter", "items", "Items that came to a step", ("otel_signal", *PROCESSOR)),
    Metric("otelcol_processor_outgoing_items_total", "counter", "items", "Items that left a step", ("otel_signal", *PROCESSOR)),
    Metric("otelcol_processor_batch_batch_send_size", "histogram", "items", "Items of a batch", PROCESSOR),
    Metric("otelcol_processor_batch_batch_size_trigger_send_total", "counter", "batches", "Batches sent because they were full", PROCESSOR),
    Metric("otelcol_processor_batch_timeout_trigger_send_total", "counter", "batches", "Batches sent because time was up", PROCESSOR),
    Metric("otelcol_exporter_sent_log_records_total", "counter", "records", "Log records that the next one took", SENT),
    Metric("otelcol_exporter_sent_spans_total", "counter", "spans", "Spans that the next one took", SENT),
    Metric("otelcol_exporter_sent_metric_points_total", "counter", "points", "Metric points shown to Prometheus", EXPORTER),
    Metric("otelcol_exporter_send_failed_log_records_total", "counter", "records", "Log records of batches that were refused for good",
           SENT),
    Metric("otelcol_exporter_queue_size", "gauge", "batches", "Batches that wait to be sent", QUEUE),
    Metric("otelcol_exporter_queue_capacity", "gauge", "batches", "Batches that may wait", QUEUE),
    Metric("otelcol_exporter_in_flight_requests", "gauge", "requests", "Requests that were sent and not answered yet", QUEUE),
    Metric("otelcol_fileconsumer_open_files", "gauge", "files", "Log files that are open", SELF),
    Metric("otelcol_process_uptime_seconds_total", "counter", "seconds", "How long the collector runs", SELF),
    Metric("otelcol_process_cpu_seconds_total", "counter", "seconds", "Processor time used", SELF),
    Metric("otelcol_process_memory_rss_bytes", "gauge", "bytes", "Resident memory", SELF),
    Metric("otelcol_process_runtime_heap_alloc_bytes", "gauge", "bytes", "Heap memory in use", SELF),
    Metric("traces_span_metrics_calls_total", "counter", "spans", "Spans by service, name, kind and status", SPAN),
    Metric("traces_span_metrics_duration_milliseconds", "histogram", "milliseconds", "Duration of spans", SPAN),
)
