"""OpenTelemetry collectors, as they count what they take, pass on and lose; and the services whose spans they count."""

from dashboards.model import System

SYSTEM = System(
    id="otel_collector", title="OpenTelemetry collectors", owner="platform",
    description="The way of logs, traces and metrics from each host to Loki, Jaeger and Prometheus, and rate, errors and duration of every "
                "traced service.",
    jobs=("otel_agent", "otel_gateway"), logs='{service_name=~"otel_agent|otel_gateway"}', traces=("otel_gateway", "otel_agent"),
    passing=('{__name__=~"traces_span_metrics_.+"}',),
    left_out=(
        ("items that a full queue refused (otelcol_exporter_enqueue_failed_*)",
         "the counter exists only after a queue of 1,000 batches was full, which the lab does not "
         "provoke; OtelQueueFull fires before the first item is lost"),
        ("failed sends of spans and metric points (otelcol_exporter_send_failed_spans_total, ..._metric_points_total)",
         "the counters exist only after a refusal for good, and "
         "neither Jaeger nor the page for Prometheus refuses so; OtelExportDropped reads the collector's own line, which is the same for "
         "all three"),
        ("alerts on memory and processor of a collector",
         "its memory limiter refuses data before memory runs out, and OtelReceiverRefusing says so; the host's alerts cover the rest"),
        ("an alert on restarts", "SystemdUnitFlapping says it for every unit; queues and reading positions outlive a restart"),
        ("an alert on items lost between the steps of a pipeline",
         "no step of the platform's pipelines filters or samples; what the memory limiter refuses is counted by the receiver"),
        ("an alert on a gateway without input",
         "its agents say whether they send (OtelExportStalled), and a region without input has agents that are down"),
        ("alerts on errors and duration of each service",
         "what is too many or too slow is the service's own promise: its SLOs alert, this dashboard shows"),
        ("scraper and Kafka receiver metrics, tail sampling, load balancing exporter", "the platform's collectors have none of them"),
    ))
