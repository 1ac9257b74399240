"""Grafana (role grafana), or one that others run, and the sync that brings content to it (role grafana_content).

The sync leaves its facts with the node exporter of the host that it ran on, so they are series of the job node. metrics.sample has only
these: recorded through a node exporter and a Prometheus, after syncs with the double of the collection's tests."""

from dashboards.model import System

SYSTEM = System(
    id="grafana", title="Grafana", owner="platform",
    description="Whether Grafana answers, and whether it holds what the code says: the last sync, what it owns, what was edited by hand.",
    jobs=("grafana",), logs='{service_name="grafana"}', passing=('{__name__=~"psf_grafana_sync_.+"}',),
    left_out=(
        ("Grafana's own metrics (requests, alert rules, data sources, database)",
         "no scrape of the pinned version could be recorded, as its release could not be reached; Prometheus keeps them all the same"),
        ("severity critical", "alerts and notifications do not go through Grafana; without it people look at Prometheus and Jaeger"),
        ("edits between two syncs", "only a sync looks; one with --check leaves no facts"),
        ("traces", "it sends none where the platform speaks TLS, see the role's README"),
        ("dead panels", "verify.yml runs every query of every panel and names those that find nothing"),
    ))
