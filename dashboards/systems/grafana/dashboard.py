"""The dashboard of Grafana: whether it answers, well and in time, and whether it holds what the code says."""

from dashboards.model import Dashboard, Row
from dashboards.panels import (
    GREEN,
    JSON_LEVEL,
    ORANGE,
    RED,
    YELLOW,
    go_runtime,
    golden,
    logs_row,
    prom,
    stat,
    states,
    table,
    timeseries,
    traces,
)
from dashboards.systems.grafana.alerts import BROKEN, ENDED, FAILED, OWN, evaluations, queries, requests, slowest
from dashboards.systems.grafana.system import SYSTEM

ELSEWHERE = "a Grafana that others run is not scraped"
IDLE = "nobody looked within the last minutes, or the Grafana is one that others run"
NO_RULES = "the platform's rules are Prometheus' and Loki's; a Grafana without rules of its own has none of these series"
OLD = "Grafana has these since version 13"
NEVER = "no sync has left its facts yet"
BY = "{{grafana}} {{scope}}"
ALL = 'job="grafana"'
REFUSED = ', code!~"[123].."'
W = "$__rate_interval"


def share(part: str, whole: str) -> str:
    """A part of a whole; 0 where there is a whole and none of the part."""
    return f"({part} or 0 * {whole}) / {whole}"


def sources(metric: str, more: str = "") -> str:
    return f"rate(grafana_datasource_{metric}{{{ALL}{more}}}[{W}])"


DASHBOARDS = (
    Dashboard(
        "overview", "Grafana", "Whether Grafana answers, well and in time, and whether it holds what the code says.",
        rows=(
            golden(
                stat("up", "Targets up", "Share of the Grafanas whose last scrape succeeded.", "percentunit",
                     prom('avg(up{job="grafana"})', "up"), steps=((None, RED), (0.99, YELLOW), (1, GREEN)), may_be_empty=ELSEWHERE),
                stat("failing", "Failed requests",
                     "Share of the requests to Grafana itself that end with a server error; queries are counted apart.", "percentunit",
                     prom(share(requests(f"{OWN}, {FAILED}", W, "job"), requests(OWN, W, "job")), "failed"),
                     may_be_empty=IDLE),
                stat("latency", "p95 of requests", "95 % of the requests to Grafana itself took less than this, queries not counted.", "s",
                     prom(slowest(0.95, OWN, W, ""), "p95"), may_be_empty=IDLE),
                stat("queries", "Failed queries", "Share of the queries to data sources that failed, of the kind where most did.",
                     "percentunit", prom(f"max({share(queries(BROKEN, W, 'plugin_id'), queries(ENDED, W, 'plugin_id'))})", "failed"),
                     may_be_empty=IDLE),
                stat("drift", "Edited by hand", "Objects that the last sync found edited or deleted by hand.", "short",
                     prom("sum(psf_grafana_sync_drifted_objects)", "edited"), steps=((None, GREEN), (1, ORANGE)), decimals=0,
                     may_be_empty=NEVER),
                stat("success", "Last sync", "Whether the last sync succeeded, of all the worst.", "short",
                     prom("min(psf_grafana_sync_success)", "success"), values={"1": ("succeeded", GREEN), "0": ("failed", RED)},
                     may_be_empty=NEVER),
                timeseries("rate", "Requests by status", "Requests per second by the status of their answer, all of them.", "reqps",
                           prom(requests(ALL, W, "status_code"), "{{status_code}}"), min=0, stack=True, may_be_empty=ELSEWHERE),
                timeseries("durations", "Duration of requests", "Half, 95 % and 99 % of the requests to Grafana itself took less than "
                           "this; queries wait for data sources and are counted apart.", "s",
                           *(prom(slowest(part, OWN, W, ""), name) for part, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0,
                           may_be_empty=IDLE),
                timeseries("query-errors", "Failed queries", "Share of the queries that failed, by kind of data source; those that "
                           "somebody gave up are not counted.", "percentunit",
                           prom(share(queries(BROKEN, W, "plugin_id"), queries(ENDED, W, "plugin_id")), "{{plugin_id}}"), min=0,
                           may_be_empty=IDLE)),
            Row("Content", (
                stat("age", "Since the last sync", "Time since a sync last succeeded, of the oldest.", "s",
                     prom("max(time() - psf_grafana_sync_success_timestamp_seconds)", "age"),
                     steps=((None, GREEN), (86400, YELLOW), (604800, RED)), width=6, may_be_empty=NEVER),
                stat("owned", "Objects owned", "Objects in Grafana that the sync owns.", "short",
                     prom("sum(psf_grafana_sync_owned_objects)", "owned"), decimals=0, width=6, may_be_empty=NEVER),
                stat("failed", "Objects that failed", "Objects that Grafana refused in the last sync.", "short",
                     prom("sum(psf_grafana_sync_failed_objects)", "failed"), steps=((None, GREEN), (1, RED)), decimals=0, width=6,
                     may_be_empty=NEVER),
                stat("version", "Version", "Version of Grafana.", "short", prom('grafana_build_info{job="grafana"}', "{{version}}"),
                     text="name", width=6, may_be_empty=ELSEWHERE),
                table("syncs", "Syncs", "Every set of objects, with when it was last brought and what was found.", "short",
                      prom("max by (grafana, scope, host) (time() - psf_grafana_sync_success_timestamp_seconds)", "Since", instant=True),
                      prom("max by (grafana, scope, host) (psf_grafana_sync_owned_objects)", "Owned", instant=True),
                      prom("sum by (grafana, scope, host) (psf_grafana_sync_drifted_objects)", "Edited by hand", instant=True),
                      prom("max by (grafana, scope, host) (psf_grafana_sync_failed_objects)", "Failed", instant=True),
                      columns={"grafana": "Grafana", "scope": "Set", "host": "From"}, units={"Since": "s"}, width=24, height=6,
                      may_be_empty=NEVER),
                states("up-over-time", "Grafana", "1 while Grafana answered its scrape.", prom('min by (instance) (up{job="grafana"})',
                                                                                               "{{instance}}"),
                       width=8, may_be_empty=ELSEWHERE),
                timeseries("age-over-time", "Since the last sync", "Time since a sync last succeeded.", "s",
                           prom("max by (grafana, scope) (time() - psf_grafana_sync_success_timestamp_seconds)", BY), min=0,
                           may_be_empty=NEVER),
                timeseries("drift-over-time", "Edited by hand, and failed", "Objects of the last sync at each moment.", "short",
                           prom("sum by (grafana, scope, done) (psf_grafana_sync_drifted_objects)", f"{BY} edited, {{{{done}}}}"),
                           prom("sum by (grafana, scope) (psf_grafana_sync_failed_objects)", f"{BY} failed"), min=0, may_be_empty=NEVER))),
            Row("Data sources", (
                timeseries("source-rate", "Requests to data sources", "Requests per second that data sources answered.", "reqps",
                           prom(f"sum by (datasource) ({sources('request_total')})", "{{datasource}}"), min=0, may_be_empty=IDLE),
                timeseries("source-errors", "Answers with an error", "Share of the answers with status 400 or more, by data source. One "
                           "that cannot be reached does not answer: see the failed queries above.", "percentunit",
                           prom(share(f"sum by (datasource) ({sources('request_total', REFUSED)})",
                                      f"sum by (datasource) ({sources('request_total')})"), "{{datasource}}"), min=0, may_be_empty=IDLE),
                timeseries("source-latency", "Duration of requests to data sources", "95 % of the requests took less than this.", "s",
                           prom(f"histogram_quantile(0.95, sum by (datasource, le) ({sources('request_duration_seconds_bucket')}))",
                                "{{datasource}}"), min=0, may_be_empty=IDLE))),
            Row("Alert rules and database", (
                timeseries("evaluations", "Failed evaluations", "Share of the evaluations of Grafana's own alert rules that failed.",
                           "percentunit",
                           prom(share(evaluations("evaluation_failures", W, "instance"), evaluations("evaluations", W, "instance")),
                                "{{instance}}"), min=0, may_be_empty=NO_RULES),
                timeseries("evaluation-time", "Duration of evaluations", "95 % of the evaluations took less than this.", "s",
                           prom("histogram_quantile(0.95, sum by (le) "
                                f"(rate(grafana_alerting_rule_evaluation_duration_seconds_bucket{{{ALL}}}[{W}])))", "p95"), min=0,
                           may_be_empty=NO_RULES),
                timeseries("in-flight", "Requests in flight", "Requests that Grafana is answering.", "short",
                           prom(f"sum by (instance) (grafana_http_request_in_flight{{{ALL}}})", "{{instance}}"), min=0,
                           may_be_empty=ELSEWHERE),
                timeseries("connections", "Connections to the database",
                           "Those that are open, in use, and may be open; without a limit the last is 0.", "short",
                           prom(f"sum by (instance) (go_sql_open_connections{{{ALL}}})", "{{instance}} open"),
                           prom(f"sum by (instance) (go_sql_in_use_connections{{{ALL}}})", "{{instance}} in use"),
                           prom(f"sum by (instance) (go_sql_max_open_connections{{{ALL}}})", "{{instance}} most"), min=0, width=12,
                           may_be_empty=OLD),
                timeseries("connection-wait", "Waiting for a connection",
                           "Requests that wait for a connection to the database, on average.", "short",
                           prom(f"sum by (instance) (rate(go_sql_wait_duration_seconds_total{{{ALL}}}[{W}]))", "{{instance}}"),
                           min=0, width=12, may_be_empty=OLD))),
            logs_row(SYSTEM, level=JSON_LEVEL, quiet=ELSEWHERE),
            Row("Traces", (traces("traces", "Traces of grafana", "The latest requests that Grafana traced.", "grafana",
                                  may_be_empty=ELSEWHERE),)),
            go_runtime(SYSTEM.jobs, ELSEWHERE)),
        instances=False, links=(("Landing page", "psf-observatory-landing"),)),
)
