"""Dashboards of the application tier: golden signals and runtime, what users feel (web vitals), and the business figures of kpis.yml."""

from pathlib import Path

import yaml

from dashboards.model import Dashboard, Panel, Row, Variable
from dashboards.panels import GREEN, RED, YELLOW, golden, heatmap, logs_row, prom, stat, table, targets_up, timeseries, traces_row
from dashboards.systems.psf_web.system import SYSTEM

KPIS = yaml.safe_load((Path(__file__).parent / "kpis.yml").read_text(encoding="utf-8"))
HTTP = "http_server_request_duration_seconds"
ROUTE = Variable("route", "http_route", HTTP + "_count", "Route")
FAILED = 'http_response_status_code=~"5.."'


def vital(key: str, name: str, title: str, meaning: str, good: float, poor: float) -> Panel:
    """A web vital at the 75th percentile, with the limits that its authors call good and poor."""
    return timeseries(key, title, f"{meaning} Three of four page views were faster than this; up to {good} s is good, above {poor} s poor.",
                      "s",
                      prom(f'histogram_quantile(0.75, sum by (le, route) '
                           f'(rate(web_vitals_seconds_bucket{{name="{name}"}}[$__rate_interval])))', "{{route}}"),
                      min=0, steps=((None, GREEN), (good, YELLOW), (poor, RED)))


DASHBOARDS = (
    Dashboard(
        "overview", "PSF Web services", "Requests, errors and latency of every route and every call, the runtime below, logs and traces "
                                        "beside.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs),
                stat("availability", "Answered well", "Share of the requests that were not answered by a server error.", "percentunit",
                     prom(f"1 - (sum(rate({HTTP}_count{{{FAILED}}}[$__rate_interval])) or vector(0)) "
                          f"/ sum(rate({HTTP}_count[$__rate_interval]))"),
                     steps=((None, RED), (0.999, YELLOW), (0.9995, GREEN)), decimals=3),
                stat("p95", "p95", "95 % of the requests took less than this; 200 ms are promised.", "s",
                     prom(f"histogram_quantile(0.95, sum by (le) (rate({HTTP}_bucket[$__rate_interval])))"),
                     steps=((None, GREEN), (0.2, RED))),
                stat("cache-hits", "Cache hits", "Share of the look-ups that the cache could answer; 80 % are promised.", "percentunit",
                     prom('sum(rate(psf_web_cache_requests_total{result="hit"}[$__rate_interval])) / '
                          'sum(rate(psf_web_cache_requests_total[$__rate_interval]))'),
                     steps=((None, RED), (0.8, GREEN))),
                stat("active", "Requests now", "Requests that are being answered.", "short", prom("sum(http_server_active_requests)")),
                stat("version", "Versions", "Different versions that run.", "short", prom("count(count by (version) (psf_web_build_info))"),
                     steps=((None, GREEN), (2, YELLOW))),
                timeseries("http-rate", "Requests", "Requests per second by route.", "reqps",
                           prom(f"sum by (http_route) (rate({HTTP}_count[$__rate_interval]))", "{{http_route}}"), min=0, stack=True),
                timeseries("http-errors", "Server errors", "Share of the requests of each route that were answered by a server error.",
                           "percentunit",
                           prom(f"sum by (http_route) (rate({HTTP}_count{{{FAILED}}}[$__rate_interval])) / sum by (http_route) "
                                f"(rate({HTTP}_count[$__rate_interval]))",
                                "{{http_route}}"), min=0, may_be_empty="a healthy service answers without server errors"),
                timeseries("http-latency", "Latency", "Half, 95 % and 99 % of the requests took less than this.", "s",
                           *(prom(f"histogram_quantile({q}, sum by (le) (rate({HTTP}_bucket[$__rate_interval])))", name)
                             for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0)),
            Row("Routes", (
                timeseries("route-latency", "p95 by route", "95 % of the requests of each route took less than this.", "s",
                           prom(f"histogram_quantile(0.95, sum by (le, http_route) (rate({HTTP}_bucket[$__rate_interval])))",
                                "{{http_route}}"), min=0, width=12),
                heatmap("latency-heat", "Latency, all requests", "How many requests took how long.", "s",
                        prom(f"sum by (le) (rate({HTTP}_bucket[$__rate_interval]))", "{{le}}")),
                table("routes", "Routes", "Requests, errors and latency of each route over five minutes.", "short",
                      prom(f"sum by (http_request_method, http_route) (rate({HTTP}_count[$__rate_interval]))", "Requests/s", instant=True),
                      prom(f"histogram_quantile(0.95, sum by (le, http_request_method, http_route) "
                           f"(rate({HTTP}_bucket[$__rate_interval])))",
                           "p95", instant=True),
                      columns={"http_request_method": "Method", "http_route": "Route"}, sort=(("p95", True),),
                      units={"Requests/s": "reqps", "p95": "s"},
                      width=12),
                timeseries("status", "Answers by status", "Answers per second by HTTP status.", "reqps",
                           prom(f"sum by (http_response_status_code) (rate({HTTP}_count[$__rate_interval]))",
                                "{{http_response_status_code}}"), min=0, stack=True,
                           width=12))),
            Row("Calls between services and regions", (
                timeseries("rpc-rate", "gRPC calls answered", "Calls per second by method.", "reqps",
                           prom("sum by (rpc_service, rpc_method) (rate(rpc_server_duration_seconds_count[$__rate_interval]))",
                                "{{rpc_service}}/{{rpc_method}}"), min=0),
                timeseries("rpc-latency", "gRPC latency", "95 % of the calls of each method took less than this.", "s",
                           prom("histogram_quantile(0.95, sum by (le, rpc_method) "
                                "(rate(rpc_server_duration_seconds_bucket[$__rate_interval])))", "{{rpc_method}}"), min=0),
                timeseries("rpc-status", "gRPC answers by status", "0 is fine; 4 is a timeout, 13 an error, 14 unreachable.", "reqps",
                           prom("sum by (rpc_grpc_status_code) (rate(rpc_server_duration_seconds_count[$__rate_interval]))",
                                "{{rpc_grpc_status_code}}"), min=0),
                timeseries("peer-latency", "Calls to other regions", "95 % of the calls to each region took less than this.", "s",
                           prom("histogram_quantile(0.95, sum by (le, peer_region) "
                                "(rate(rpc_client_duration_seconds_bucket[$__rate_interval])))", "to {{peer_region}}"), min=0),
                timeseries("peer-errors", "Failed calls to other regions", "Share of the calls that timed out or found nobody.",
                           "percentunit",
                           prom('(sum by (peer_region) '
                                '(rate(rpc_client_duration_seconds_count{rpc_grpc_status_code=~"4|14"}[$__rate_interval]))) '
                                "/ sum by (peer_region) (rate(rpc_client_duration_seconds_count[$__rate_interval]))", "to {{peer_region}}"),
                                min=0,
                           may_be_empty="while the regions reach each other no call fails"),
                timeseries("fallbacks", "Answers from the own region", "Requests per second that another region should have answered.",
                           "reqps",
                           prom("sum by (reason) (rate(psf_web_peer_fallbacks_total[$__rate_interval]))", "{{reason}}"), min=0))),
            Row("Cache", (
                timeseries("cache", "Look-ups", "Look-ups per second, found and not found.", "ops",
                           prom("sum by (result) (rate(psf_web_cache_requests_total[$__rate_interval]))", "{{result}}"), min=0, stack=True),
                timeseries("cache-ratio", "Hit rate", "Share of the look-ups that were found, by instance.", "percentunit",
                           prom('sum by (instance) (rate(psf_web_cache_requests_total{result="hit"}[$__rate_interval])) '
                                "/ sum by (instance) (rate(psf_web_cache_requests_total[$__rate_interval]))", "{{instance}}"), min=0,
                                max=1),
                timeseries("cache-entries", "Entries", "Entries, and those that had to make room per second.", "short",
                           prom("psf_web_cache_entries", "{{instance}} entries"),
                           prom("rate(psf_web_cache_evictions_total[$__rate_interval])", "{{instance}} evicted/s"), min=0))),
            Row("Runtime", (
                timeseries("event-loop", "Event loop lag", "How late the event loop comes to its work.", "s",
                           prom("nodejs_eventloop_lag_p99_seconds", "{{instance}} p99"),
                           prom("nodejs_eventloop_lag_p50_seconds", "{{instance}} p50"), min=0),
                timeseries("heap", "Heap", "Heap in use, and its size.", "bytes", prom("nodejs_heap_size_used_bytes", "{{instance}} used"),
                           prom("nodejs_heap_size_total_bytes", "{{instance}} size"), min=0),
                timeseries("memory", "Memory", "Resident memory, and what lies outside the heap.", "bytes",
                           prom('process_resident_memory_bytes{job="psf_web"}', "{{instance}} resident"),
                           prom("nodejs_external_memory_bytes", "{{instance}} external"), min=0),
                timeseries("gc", "Time in garbage collections", "Share of the time by kind of collection.", "percentunit",
                           prom("sum by (kind) (rate(nodejs_gc_duration_seconds_sum[$__rate_interval]))", "{{kind}}"), min=0, stack=True),
                timeseries("cpu", "Processor", "Cores in use.", "short",
                           prom('rate(process_cpu_seconds_total{job="psf_web"}[$__rate_interval])', "{{instance}}"), min=0),
                timeseries("uptime", "Time since start", "A fall is a restart.", "s",
                           prom('time() - process_start_time_seconds{job="psf_web"}', "{{instance}}"), min=0),
                timeseries("faults", "Faults of drills", "Faults that somebody switched on.", "short",
                           prom("psf_web_fault_active", "{{instance}} {{fault}}"), min=0, max=1)),
                collapsed=True),
            logs_row(SYSTEM),
            traces_row(SYSTEM)),
        variables=(ROUTE,), links=(("What users feel", "psf-psf_web-vitals"), ("Business", "psf-psf_web-business"))),
    Dashboard(
        "vitals", "What users feel", "Web vitals as browsers measured them, by route.",
        rows=(
            golden(
                vital("lcp", "LCP", "Largest contentful paint", "When the largest part of the page was there.", 2.5, 4.0),
                vital("inp", "INP", "Interaction to next paint", "How long the page took to answer a click or a key.", 0.2, 0.5),
                timeseries("cls", "Layout shift", "How much the page moved under the reader. Three of four page views were below this; up "
                                                  "to 0.1 is good, above 0.25 poor.", "short",
                           prom("histogram_quantile(0.75, sum by (le, route) (rate(web_vitals_cls_score_bucket[$__rate_interval])))",
                                "{{route}}"), min=0,
                           steps=((None, GREEN), (0.1, YELLOW), (0.25, RED)))),
            Row("Before the page is there", (
                vital("fcp", "FCP", "First contentful paint", "When the first part of the page was there.", 1.8, 3.0),
                vital("ttfb", "TTFB", "Time to first byte", "When the first byte of the answer came.", 0.8, 1.8),
                timeseries("beacons", "Page views measured", "Beacons per second by route.", "reqps",
                           prom('sum by (route) (rate(web_vitals_seconds_count{name="LCP"}[$__rate_interval]))', "{{route}}"), min=0,
                           stack=True))),
            logs_row(SYSTEM), traces_row(SYSTEM)),
        links=(("Business", "psf-psf_web-business"),)),
    Dashboard(
        "business", "Business", "The figures that the business looks at, declared by the team in kpis.yml.",
        rows=(
            golden(*(timeseries(kpi["key"], kpi["title"], kpi["description"], kpi["unit"], prom(kpi["expr"], kpi["legend"]), min=0,
                                width=12) for kpi in KPIS)),
            logs_row(SYSTEM), traces_row(SYSTEM)),
        links=(("What users feel", "psf-psf_web-vitals"),), since="24h"),
)
