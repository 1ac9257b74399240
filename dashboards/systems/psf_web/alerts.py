"""What the application tier tells beyond its objectives (slos.yml): what is gone, what leaks, what falls back."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Threshold

WEB = 'instance="app-eu-1:8443",job="psf_web",region="eu",host="app-eu-1",system="psf_web"'
OUT = f'{WEB},rpc_service="catalog.Catalog",rpc_method="GetProduct",peer_region="us"'
MIB = 1 << 20
ROUTE = f'{WEB},http_route="/products",http_request_method="GET",http_response_status_code="200"'
LATENCY = "http_server_request_duration_seconds"


def answered(within: str, every: str) -> dict[str, str]:
    """Buckets of answers: within 200 ms, within half a second, all of them."""
    return {f'{LATENCY}_bucket{{{ROUTE},le="0.2"}}': within, f'{LATENCY}_bucket{{{ROUTE},le="0.5"}}': every,
            f'{LATENCY}_bucket{{{ROUTE},le="+Inf"}}': every, f"{LATENCY}_count{{{ROUTE}}}": every}



ALERTS = (
    Alert(
        "PsfWebDown", "critical", 'up{job="psf_web"} == 0', "2m",
        "The service on {{ $labels.host }} in {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "The process is gone, cannot be reached, or is too busy to answer within ten seconds. Its share of the traffic fails.",
        "overview/up",
        Proof(firing={f"up{{{WEB}}}": "0"}, silent={f"up{{{WEB}}}": "1"}),
        inhibits=(Inhibit(("*",), ("region", "instance")),)),
    Alert(
        "PsfWebNoTraffic", "warning",
        "sum by (region) (rate(http_server_request_duration_seconds_count[10m])) < $requests_per_second "
        "and sum by (region) (rate(http_server_request_duration_seconds_count[1h] offset 1h)) > 10 * $requests_per_second", "10m",
        "The services of {{ $labels.region }} get {{ $value | humanize }} requests per second, a tenth of what they had an hour ago",
        "Users or the edge no longer reach the region: every objective looks fine because nobody is there to see errors.",
        "overview/http-rate",
        Proof(firing={f'http_server_request_duration_seconds_count{{{WEB},http_route="/products",http_request_method="GET",'
                      'http_response_status_code="200"}': "0+600@90 54000"},
              silent={f'http_server_request_duration_seconds_count{{{WEB},http_route="/products",http_request_method="GET",'
                      'http_response_status_code="200"}': "0+600"},
              minutes=115),
        thresholds=(Threshold("requests_per_second", 0.1, "requests/s", "requests below which a region counts as without traffic"),)),
    Alert(
        "PsfWebSlow", "warning",
        f"histogram_quantile(0.95, sum by (region, le) (rate({LATENCY}_bucket[2m]))) > $slow_seconds "
        f"and sum by (region) (rate({LATENCY}_count[2m])) > $slow_traffic", "2m",
        "A twentieth of the requests in {{ $labels.region }} takes {{ $value | humanizeDuration }} or longer",
        "The promise is that 95 % of the requests take less than 200 ms. The objective's page needs slow answers for most of an hour; this "
        "says in minutes that users wait.",
        "overview/http-latency",
        Proof(firing=answered("0+540", "0+600"), silent=answered("0+590", "0+600")),
        thresholds=(Threshold("slow_seconds", 0.2, "seconds", "time within which 95 % of the requests are answered"),
                    Threshold("slow_traffic", 0.5, "requests/s", "requests below which the slowest twentieth says nothing"))),
    Alert(
        "PsfWebEventLoopBlocked", "warning", "nodejs_eventloop_lag_p99_seconds > $event_loop_lag", "5m",
        "The event loop of {{ $labels.instance }} lags {{ $value | humanizeDuration }} at the 99th percentile",
        "Something computes for long without giving way, so that every request of the process waits for it.",
        "overview/event-loop",
        Proof(firing={f"nodejs_eventloop_lag_p99_seconds{{{WEB}}}": "0.5"}, silent={f"nodejs_eventloop_lag_p99_seconds{{{WEB}}}": "0.01"}),
        thresholds=(Threshold("event_loop_lag", 0.2, "seconds", "99th percentile of the event loop's delay"),)),
    Alert(
        "PsfWebMemoryLeak", "warning",
        "deriv(nodejs_heap_size_used_bytes[10m]) * 60 > $heap_growth and nodejs_heap_size_used_bytes / "
        "min_over_time(nodejs_heap_size_used_bytes[30m]) > $heap_multiple", "5m",
        "The heap of {{ $labels.instance }} grows by {{ $value | humanize1024 }}B a minute and has doubled within half an hour",
        "A leak ends in a restart by the memory limit, and in long garbage collections before.",
        "overview/heap",
        Proof(firing={f"nodejs_heap_size_used_bytes{{{WEB}}}": f"{50 * MIB}+{10 * MIB}"},
              silent={f"nodejs_heap_size_used_bytes{{{WEB}}}": str(60 * MIB)}, minutes=25),
        thresholds=(Threshold("heap_growth", 4 * MIB, "bytes/min", "growth of the heap in a minute"),
                    Threshold("heap_multiple", 2, "ratio", "heap as a multiple of its smallest size in half an hour"))),
    Alert(
        "PsfWebPeerUnreachable", "warning",
        'sum by (region, peer_region) (rate(rpc_client_duration_seconds_count{rpc_grpc_status_code=~"4|14"}[5m])) '
        "/ sum by (region, peer_region) (rate(rpc_client_duration_seconds_count[5m])) > $peer_errors", "2m",
        "{{ $value | humanizePercentage }} of the calls from {{ $labels.region }} to {{ $labels.peer_region }} find nobody or time out",
        "Services answer from their own region, with older data and less in reserve. When all services see it, the link between the "
        "regions is cut.",
        "overview/peer-errors",
        Proof(firing={f'rpc_client_duration_seconds_count{{{OUT},rpc_grpc_status_code="14"}}': "0+60",
                      f'rpc_client_duration_seconds_count{{{OUT},rpc_grpc_status_code="0"}}': "0+0"},
              silent={f'rpc_client_duration_seconds_count{{{OUT},rpc_grpc_status_code="14"}}': "0+0",
                      f'rpc_client_duration_seconds_count{{{OUT},rpc_grpc_status_code="0"}}': "0+60"}),
        thresholds=(Threshold("peer_errors", 0.5, "ratio", "share of the calls to another region that fail"),)),
    Alert(
        "PsfWebRestarting", "warning", "changes(process_start_time_seconds{job=\"psf_web\"}[15m]) > $restarts", "0s",
        "The service on {{ $labels.instance }} was started {{ $value | humanize }} times in fifteen minutes",
        "It ends soon after each start: a crash, the memory limit, or a health check that fails.",
        "overview/uptime",
        Proof(firing={f"process_start_time_seconds{{{WEB}}}": "0+60"}, silent={f"process_start_time_seconds{{{WEB}}}": "1000"}),
        thresholds=(Threshold("restarts", 2, "starts", "starts of one process in fifteen minutes"),)),
    Alert(
        "PsfWebErrorLines", "warning",
        'sum by (region, host) (count_over_time({service_name="psf_web"} | severity_text=~"ERROR|FATAL" [5m])) > $error_lines', "1m",
        "Services on {{ $labels.host }} wrote {{ $value }} lines of errors in five minutes",
        "Errors that no request shows: background work, start-up, or what was caught and only logged. Each line has a trace_id.",
        "overview/log-rate",
        LogProof({"service_name": "psf_web", "region": "eu", "host": "app-eu-1"},
                 firing=('{"level":"error","msg":"request failed","http_route":"/orders"}',) * 60,
                 silent=('{"level":"info","msg":"request","http_route":"/orders"}',) * 60),
        thresholds=(Threshold("error_lines", 50, "lines", "lines of errors of one host in five minutes"),), source="loki"),
)
