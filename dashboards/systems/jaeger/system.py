"""Jaeger v2 as one process with Badger on its disk, one for each region.

Its metrics are not scraped: it sends them by OTLP to its host's collector."""

from dashboards.model import System

SYSTEM = System(
    id="jaeger", title="Jaeger", owner="platform",
    description="Whether spans are taken and stored, traces are found again, and the store is kept in order.",
    jobs=("jaeger",), logs='{service_name="jaeger"}', traces=("jaeger",),
    left_out=(
        ("severity critical", "without traces every service goes on; what must wake somebody shows in metrics, and the collectors keep "
                              "spans in their queues meanwhile"),
        ("up of Jaeger itself", "it has no page that is scraped; the probe of its API says whether it answers, JaegerTelemetryMissing "
                                "whether its metrics arrive"),
        ("percentiles of the store's latency",
         "the buckets of jaeger_storage_latency_seconds are those meant for milliseconds (first bound 5 s), so all reads fall into one; "
         "the mean is shown, and percentiles of the API from its spans"),
        ("public rules for jaeger_collector_*, jaeger_agent_*, jaeger_query_*", "metrics of version 1, none of which version 2 has"),
        ("an alert on the space left for the store",
         "NodeFilesystemFull and NodeFilesystemFilling say it for the file system; the panel shows what Badger itself sees"),
        ("latency of writing to the store",
         "version 2 measures reads only; spans that could not be written are counted, and JaegerSpansNotStored reads that"),
        ("a queue in front of the store",
         "the exporter to the store has none; spans wait in the gateway's queue, which OtelQueueFilling watches"),
        ("sampling, Kafka, Elasticsearch, Cassandra, ClickHouse", "the platform's Jaeger uses none of them"),
    ))
