"""Grafana (role grafana), or one that others run, and the sync that brings content to it (role grafana_content).

The sync leaves its facts with the node exporter of the host that it ran on, so they are series of the job node. Those in metrics.sample
were recorded through a node exporter and a Prometheus, after syncs with the double of the collection's tests. What Grafana exposes itself
was not: see there."""

from dashboards.model import System

SYSTEM = System(
    id="grafana", title="Grafana", owner="platform",
    description="Whether Grafana answers, well and in time, whether its queries and alert rules work, and whether it holds what the code "
                "says.",
    jobs=("grafana",), logs='{service_name="grafana"}', traces=("grafana",), passing=('{__name__=~"psf_grafana_sync_.+"}',),
    unrecorded="no release of Grafana could be reached; what it exposes is taken from its source",
    left_out=(
        ("severity critical", "alerts and notifications do not go through Grafana; without it people look at Prometheus and Jaeger"),
        ("data sources by name in an alert", "Grafana does not count requests to one that it cannot reach; queries are counted by kind, "
                                             "whatever becomes of them, so GrafanaQueriesFailing reads those"),
        ("an alert on connections to the database",
         "with SQLite there is no limit to wait for; where there is one, GrafanaSlow says what people feel, and a panel shows it"),
        ("grafana_stat_*",
         "counts of users and dashboards, made every half an hour; nobody acts on them, and the sync counts what it owns"),
        ("grafana_alerting_notification_*", "notifications of the platform are Alertmanager's"),
        ("edits between two syncs", "only a sync looks; one with --check leaves no facts"),
        ("dead panels", "verify.yml runs every query of every panel and names those that find nothing"),
    ))
