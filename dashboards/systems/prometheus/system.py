"""Prometheus, as it sees itself, and as its host's journal sees it when it does not run."""

from dashboards.model import System

SYSTEM = System(
    id="prometheus", title="Prometheus", owner="platform",
    description="What each region's Prometheus scrapes, evaluates, sends, stores and answers.",
    jobs=("prometheus",), logs='{service_name="prometheus"}', traces=("prometheus",),
    left_out=(
        ("remote write (queues, shards, lag)", "nothing is written elsewhere unless prometheus_remote_write is set, so no recorded scrape "
                                               "has its metrics"),
        ("an alert that always fires, as a sign of life", "it shows nothing unless somebody outside misses it; Loki's ruler, a process of "
                                                          "its own, "
         "watches Prometheus through the journal instead (PrometheusStopped, PrometheusCrashed, PrometheusCrashLooping)"),
        ("one alert for any target that is down", "each system has a Down alert that knows what the loss means"),
        ("targets that come and go", "SystemdUnitFlapping names the unit that restarts, PrometheusScrapeSlow the target that is too slow"),
        ("restarts counted by metrics", "Prometheus does not scrape itself while it restarts; the journal has each restart with its "
                                        "reason"),
        ("replay of the WAL, readiness", "nothing scrapes itself before it is ready; the log tells the progress"),
        ("refused log-ins", "they are answered before anything counts or logs them"),
        ("service discovery other than files", "targets come from files that the inventory writes"),
        ("query log", "it is off"),
    ))
