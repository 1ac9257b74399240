"""Loki as one process with its disk, one for each region."""

from dashboards.model import System

SYSTEM = System(
    id="loki", title="Loki", owner="platform",
    description="Whether lines are taken, kept, found again and deleted in time, and whether the alerts on them are evaluated and sent.",
    jobs=("loki",), logs='{service_name="loki"}', traces=("loki-all",),
    left_out=(
        ("an alert on more than one compactor", "every Loki of the platform has its own disk and rightly its own compactor"),
        ("loki_ingester_wal_corruptions_total",
         "the series begins with the first corruption, so increase() does not see it; LokiWalCorrupt reads the line instead"),
        ("object storage, memberlist, index gateway, bloom filters, Kafka", "one process with a local disk uses none of them"),
        ("an alert on a long queue of queries", "LokiReadsSlow says the same when somebody waits for it; the panel shows the queue"),
        ("an alert on lines without a level", "it depends on the services, not on Loki"),
        ("process_start_time_seconds", "the unit hides the rest of /proc (ProcSubset=pid), without which the process does not know it"),
    ))
