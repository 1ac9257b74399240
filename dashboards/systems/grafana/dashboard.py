"""The dashboard of Grafana: whether it answers, and whether it holds what the code says."""

from dashboards.model import Dashboard, Row
from dashboards.panels import GREEN, JSON_LEVEL, ORANGE, RED, YELLOW, golden, logs_row, prom, stat, states, table, timeseries
from dashboards.systems.grafana.system import SYSTEM

ELSEWHERE = "a Grafana that others run is not scraped"
NEVER = "no sync has left its facts yet"
BY = "{{grafana}} {{scope}}"

DASHBOARDS = (
    Dashboard(
        "overview", "Grafana", "Whether Grafana answers, and whether it holds what the code says.",
        rows=(
            golden(
                stat("up", "Targets up", "Share of the Grafanas whose last scrape succeeded.", "percentunit",
                     prom('avg(up{job="grafana"})', "up"), steps=((None, RED), (0.99, YELLOW), (1, GREEN)), may_be_empty=ELSEWHERE),
                stat("age", "Since the last sync", "Time since a sync last succeeded, of the oldest.", "s",
                     prom("max(time() - psf_grafana_sync_success_timestamp_seconds)", "age"),
                     steps=((None, GREEN), (86400, YELLOW), (604800, RED)), may_be_empty=NEVER),
                stat("owned", "Objects owned", "Objects in Grafana that the sync owns.", "short",
                     prom("sum(psf_grafana_sync_owned_objects)", "owned"), decimals=0, may_be_empty=NEVER),
                stat("drift", "Edited by hand", "Objects that the last sync found edited or deleted by hand.", "short",
                     prom("sum(psf_grafana_sync_drifted_objects)", "edited"), steps=((None, GREEN), (1, ORANGE)), decimals=0,
                     may_be_empty=NEVER),
                stat("failed", "Objects that failed", "Objects that Grafana refused in the last sync.", "short",
                     prom("sum(psf_grafana_sync_failed_objects)", "failed"), steps=((None, GREEN), (1, RED)), decimals=0,
                     may_be_empty=NEVER),
                stat("success", "Last sync", "Whether the last sync succeeded, of all the worst.", "short",
                     prom("min(psf_grafana_sync_success)", "success"), steps=((None, RED), (1, GREEN)), decimals=0, may_be_empty=NEVER),
                table("syncs", "Syncs", "Every set of objects, with when it was last brought and what was found.", "short",
                      prom("max by (grafana, scope, host) (time() - psf_grafana_sync_success_timestamp_seconds)", "Since", instant=True),
                      prom("max by (grafana, scope, host) (psf_grafana_sync_owned_objects)", "Owned", instant=True),
                      prom("sum by (grafana, scope, host) (psf_grafana_sync_drifted_objects)", "Edited by hand", instant=True),
                      prom("max by (grafana, scope, host) (psf_grafana_sync_failed_objects)", "Failed", instant=True),
                      columns={"grafana": "Grafana", "scope": "Set", "host": "From"}, units={"Since": "s"}, width=24, height=6,
                      may_be_empty=NEVER)),
            Row("Over time", (
                states("up-over-time", "Grafana", "1 while Grafana answered its scrape.", prom('min by (instance) (up{job="grafana"})',
                                                                                               "{{instance}}"),
                       width=8, may_be_empty=ELSEWHERE),
                timeseries("age-over-time", "Since the last sync", "Time since a sync last succeeded.", "s",
                           prom("max by (grafana, scope) (time() - psf_grafana_sync_success_timestamp_seconds)", BY), min=0,
                           may_be_empty=NEVER),
                timeseries("drift-over-time", "Edited by hand, and failed", "Objects of the last sync at each moment.", "short",
                           prom("sum by (grafana, scope, done) (psf_grafana_sync_drifted_objects)", f"{BY} edited, {{{{done}}}}"),
                           prom("sum by (grafana, scope) (psf_grafana_sync_failed_objects)", f"{BY} failed"), min=0, may_be_empty=NEVER))),
            logs_row(SYSTEM, level=JSON_LEVEL, quiet=ELSEWHERE)),
        instances=False, links=(("Landing page", "psf-observatory-landing"),)),
)
