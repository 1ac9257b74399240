"""What asks somebody to look at Grafana or at what it holds. Nothing of it wakes anybody."""

from dashboards.model import Alert, Inhibit, Proof, Threshold

SERVER = 'instance="obs-eu-1:3000",job="grafana",region="eu",host="obs-eu-1",system="grafana"'
NODE = 'instance="obs-eu-1:9100",job="node",region="eu",host="obs-eu-1",system="node"'
SYNC = f'{NODE},grafana="https://192.0.2.1:3000",scope="default"'
BY = "region, host, instance"
# Requests that Grafana answers by itself. Queries wait for data sources, and a live connection lasts as long as somebody looks.
OWN = 'job="grafana", handler!~"/api/live/.*|/api/ds/query|/api/datasources/.*|/apis/query[.].*"'
FAILED = 'status_code=~"5.."'
# Queries of panels and alert rules, by kind of data source; whoever leaves a dashboard cancels its queries.
QUERIES = 'job="grafana", endpoint="queryData"'
BROKEN, ENDED = 'status="error"', 'status!="cancelled"'


def requests(matchers: str, window: str, by: str = BY) -> str:
    """Requests per second."""
    return f"sum by ({by}) (rate(grafana_http_request_duration_seconds_count{{{matchers}}}[{window}]))"


def slowest(share: float, matchers: str, window: str, by: str = BY) -> str:
    """Seconds within which a share of the requests was answered."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate(grafana_http_request_duration_seconds_bucket{{{matchers}}}[{window}])))"


def queries(matchers: str, window: str, by: str = BY) -> str:
    """Queries per second."""
    return f"sum by ({by}) (rate(grafana_plugin_request_total{{{QUERIES}, {matchers}}}[{window}]))"


def evaluations(what: str, window: str, by: str = BY) -> str:
    """Evaluations of Grafana's own alert rules per second; what: evaluations, or evaluation_failures."""
    return f'sum by ({by}) (rate(grafana_alerting_rule_{what}_total{{job="grafana"}}[{window}]))'


def answers(good: str, bad: str) -> dict[str, str]:
    """Requests that were answered, and those that were not."""
    page = f'{SERVER},handler="/api/dashboards/uid/:uid",method="GET"'
    return {f'grafana_http_request_duration_seconds_count{{{page},status_code="200"}}': good,
            f'grafana_http_request_duration_seconds_count{{{page},status_code="500"}}': bad}


def durations(each: str, fast: str) -> dict[str, str]:
    """Requests, of which some were answered at once and the others only after 2.5 to 5 s."""
    page = f'{SERVER},handler="/api/dashboards/uid/:uid",method="GET",status_code="200"'
    found = {f'grafana_http_request_duration_seconds_bucket{{{page},le="{le}"}}': value
             for le, value in (("0.1", fast), ("2.5", fast), ("5", each), ("+Inf", each))}
    return {**found, f"grafana_http_request_duration_seconds_count{{{page}}}": each}


def asked(good: str, bad: str) -> dict[str, str]:
    """Queries that went well, and those that did not."""
    plugin = f'{SERVER},plugin_id="loki",endpoint="queryData"'
    return {f'grafana_plugin_request_total{{{plugin},status="ok"}}': good, f'grafana_plugin_request_total{{{plugin},status="error"}}': bad}


def evaluated(each: str, bad: str) -> dict[str, str]:
    return {f'grafana_alerting_rule_evaluations_total{{{SERVER},org="1"}}': each,
            f'grafana_alerting_rule_evaluation_failures_total{{{SERVER},org="1"}}': bad}


def drift(left: str, overwritten: str) -> dict[str, str]:
    return {f'psf_grafana_sync_drifted_objects{{{SYNC},done="left"}}': left,
            f'psf_grafana_sync_drifted_objects{{{SYNC},done="overwritten"}}': overwritten}


ALERTS = (
    Alert(
        "GrafanaDown", "warning", 'up{job="grafana"} == 0', "2m",
        "Grafana {{ $labels.instance }} of {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "Nobody sees a dashboard of the region. Prometheus, its alerts and Jaeger's page work without it.",
        "overview/up",
        Proof(firing={f"up{{{SERVER}}}": "0"}, silent={f"up{{{SERVER}}}": "1"}),
        inhibits=(Inhibit(("EndpointDown",), ("region", "instance"), system="blackbox"),
                  Inhibit(("GrafanaRequestsFailing", "GrafanaSlow", "GrafanaQueriesFailing", "GrafanaEvaluationsFailing"),
                          ("region", "host")))),
    Alert(
        "GrafanaRequestsFailing", "warning",
        f"{requests(f'{OWN}, {FAILED}', '10m')} / {requests(OWN, '10m')} > $failing "
        f"and 600 * {requests(f'{OWN}, {FAILED}', '10m')} > $failed", "5m",
        "{{ $value | humanizePercentage }} of the requests to Grafana {{ $labels.instance }} of {{ $labels.region }} end with an error of "
        "its own",
        "Pages, logins or saving fail. Queries are not among them, as they fail with their data source.",
        "overview/failing",
        Proof(firing=answers("0+54", "0+6"), silent=answers("0+1", "0+0.5")),
        thresholds=(Threshold("failing", 0.05, "ratio", "share of Grafana's own requests that end with a server error"),
                    Threshold("failed", 10, "requests", "such requests in ten minutes, below which nobody is told"))),
    Alert(
        "GrafanaSlow", "warning",
        f"{slowest(0.95, OWN, '10m')} > $slow and {requests(OWN, '10m')} > $busy", "15m",
        "One of 20 requests to Grafana {{ $labels.instance }} of {{ $labels.region }} takes longer than {{ $value | humanizeDuration }}",
        "Pages open slowly whatever is on them: it waits for its database, or for the processor. Queries are not among these requests.",
        "overview/latency",
        Proof(firing=durations("0+60", "0+30"), silent=durations("0+60", "0+60")),
        thresholds=(Threshold("slow", 2, "seconds", "time within which 95 % of Grafana's own requests are answered"),
                    Threshold("busy", 0.1, "requests per second", "requests below which nobody is told"))),
    Alert(
        "GrafanaQueriesFailing", "warning",
        f"{queries(BROKEN, '10m', f'{BY}, plugin_id')} / {queries(ENDED, '10m', f'{BY}, plugin_id')} > $queries_failing "
        f"and 600 * {queries(BROKEN, '10m', f'{BY}, plugin_id')} > $queries_failed", "10m",
        "{{ $value | humanizePercentage }} of the queries that Grafana {{ $labels.instance }} of {{ $labels.region }} sends to data "
        "sources of the kind {{ $labels.plugin_id }} fail",
        "Panels show errors instead of data, and Grafana's own alert rules on these data cannot be evaluated.",
        "overview/queries",
        Proof(firing=asked("0+50", "0+50"), silent=asked("0+50", "0+5")),
        thresholds=(Threshold("queries_failing", 0.2, "ratio", "share of the queries to one kind of data source that fail"),
                    Threshold("queries_failed", 10, "queries", "such queries in ten minutes, below which nobody is told")),
        inhibits=(Inhibit(("GrafanaEvaluationsFailing",), ("region", "host")),)),
    Alert(
        "GrafanaEvaluationsFailing", "warning",
        f"{evaluations('evaluation_failures', '10m')} / {evaluations('evaluations', '10m')} > $evaluations_failing", "15m",
        "{{ $value | humanizePercentage }} of the evaluations of alert rules in Grafana {{ $labels.instance }} of {{ $labels.region }} "
        "fail",
        "These rules say nothing of what they watch. The platform's own alerts are Prometheus' and Loki's, and go on.",
        "overview/evaluations",
        Proof(firing=evaluated("0+60", "0+6"), silent=evaluated("0+60", "0+1")),
        thresholds=(Threshold("evaluations_failing", 0.05, "ratio", "share of the evaluations that fail"),)),
    Alert(
        "GrafanaObjectsFailed", "warning", "psf_grafana_sync_failed_objects > 0", "0s",
        "{{ $value }} objects of {{ $labels.grafana }} could not be brought there by the sync on {{ $labels.host }}",
        "Grafana refused them, or something that they need; all others are as declared. They stay as they were until a sync succeeds.",
        "overview/failed",
        Proof(firing={f"psf_grafana_sync_failed_objects{{{SYNC}}}": "2"}, silent={f"psf_grafana_sync_failed_objects{{{SYNC}}}": "0"}),
        inhibits=(Inhibit(("GrafanaSyncFailed",), ("region", "host", "grafana", "scope")),)),
    Alert(
        "GrafanaSyncFailed", "warning", "psf_grafana_sync_success == 0", "0s",
        "The last sync of {{ $labels.grafana }} from {{ $labels.host }} failed (success is {{ $value }})",
        "What changed in the code is not in Grafana. It could not be reached, did not let the account in, or the declaration is wrong.",
        "overview/success",
        Proof(firing={f"psf_grafana_sync_success{{{SYNC}}}": "0"}, silent={f"psf_grafana_sync_success{{{SYNC}}}": "1"})),
    Alert(
        "GrafanaSyncStale", "warning", "time() - psf_grafana_sync_success_timestamp_seconds > $sync_age", "10m",
        "{{ $labels.grafana }} was last synchronised {{ $value | humanizeDuration }} ago, from {{ $labels.host }}",
        "Nobody has brought the code there since, and nobody has looked what people edited by hand.",
        "overview/age",
        Proof(firing={f"psf_grafana_sync_success_timestamp_seconds{{{SYNC}}}": "-700000"},
              silent={f"psf_grafana_sync_success_timestamp_seconds{{{SYNC}}}": "0+60"}),
        thresholds=(Threshold("sync_age", 604800, "seconds", "time since a sync succeeded"),)),
    Alert(
        "GrafanaSyncMissing", "warning", 'group by (region) (up{job="grafana"}) unless on (region) group by (region) '
                                         '(psf_grafana_sync_timestamp_seconds)', "15m",
        "Region {{ $labels.region }} has a Grafana that no sync has ever reached (Grafana is there: {{ $value }})",
        "It has none of the dashboards and data sources of the code, or the facts of its syncs are lost.",
        "overview/age",
        Proof(firing={f"up{{{SERVER}}}": "1"}, silent={f"up{{{SERVER}}}": "1", f"psf_grafana_sync_timestamp_seconds{{{SYNC}}}": "0+60"})),
    Alert(
        "GrafanaContentDrifted", "warning", 'psf_grafana_sync_drifted_objects{done="left"} > 0', "0s",
        "{{ $value }} objects of {{ $labels.grafana }} are not as the code has them, and were left so",
        "Somebody edited or deleted them by hand. What people see is not what was reviewed, and no change of the code reaches them.",
        "overview/drift",
        Proof(firing=drift("1", "0"), silent=drift("0", "0"))),
    Alert(
        "GrafanaEditsOverwritten", "info", 'psf_grafana_sync_drifted_objects{done="overwritten"} > 0', "0s",
        "{{ $value }} objects of {{ $labels.grafana }} had been edited by hand; the last sync made them as the code has them",
        "Whoever edited them lost the edit. Grafana's own history of the dashboard still has it.",
        "overview/drift",
        Proof(firing=drift("0", "3"), silent=drift("1", "0"))),
)
