"""What asks somebody to look at Jaeger. Nothing of it is critical: a platform without traces goes on, and says so by its metrics."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Threshold

AT = 'region="eu",host="obs-eu-1",system="jaeger"'
PROBE = f'instance="obs-eu-1:16686",job="probe",module="tls",{AT}'
OWN = f'instance="obs-eu-1",job="jaeger",{AT},service_name="jaeger",service_instance_id="obs-eu-1"'
RUNNING = f"otelcol_process_uptime_seconds_total{{{OWN}}}"
STORE = f'{OWN},kind="badger",name="local",role="tracestore"'
RECEIVER = f'{OWN},receiver="otlp",transport="grpc"'
EXPORTER = f'{OWN},exporter="jaeger_storage_exporter"'
SPAN = (f'instance="obs-eu-1:8890",job="jaeger",{AT},service_name="jaeger",span_kind="SPAN_KIND_SERVER",span_name="GET",'
        'status_code="STATUS_CODE_UNSET",http_response_status_code="401"')
OTHER = 'instance="app-eu-1:9100",job="node",region="eu",host="app-eu-1",system="node"'
SYSTEMD = {"service_name": "systemd", "unit": "init.scope", "region": "eu", "host": "obs-eu-1"}
LINES = {"service_name": "jaeger", "unit": "jaeger.service", "region": "eu", "host": "obs-eu-1"}
ENDED = '{service_name="systemd"} |~ "^jaeger[.]service: Main process exited"'
STORE_ERRORS = '{service_name="jaeger"} |~ `^badger [^ ]+ [^ ]+ ERROR: |"msg":"Failed to run ValueLogGC"`'
SERVER = "region, host, instance"
FAILED = ', result="err"'
RUNS = 'otelcol_process_uptime_seconds_total{job="jaeger"}'


def rate(metric: str, window: str = "5m", more: str = "") -> str:
    return f'sum by ({SERVER}) (rate({metric}{{job="jaeger"{more}}}[{window}]))'


def received(accepted: str, refused: str) -> dict[str, str]:
    return {f"otelcol_receiver_accepted_spans_total{{{RECEIVER}}}": accepted,
            f"otelcol_receiver_refused_spans_total{{{RECEIVER}}}": refused,
            f"otelcol_receiver_failed_spans_total{{{RECEIVER}}}": "0+0"}


def stored(sent: str, failed: str) -> dict[str, str]:
    return {f"otelcol_exporter_sent_spans_total{{{EXPORTER}}}": sent, f"otelcol_exporter_send_failed_spans_total{{{EXPORTER}}}": failed}


def reads(good: str, bad: str) -> dict[str, str]:
    return {f'jaeger_storage_requests_total{{{STORE},operation="find_traces",result="{result}"}}': value for result,
            value in (("ok", good), ("err", bad))}


def durations(total: str) -> dict[str, str]:
    """Sixty reads a minute that took `total` seconds together."""
    read = f'{STORE},operation="find_traces",result="ok"'
    return {f"jaeger_storage_latency_seconds_sum{{{read}}}": total, f"jaeger_storage_latency_seconds_count{{{read}}}": "0+60"}


ALERTS = (
    Alert(
        "JaegerDown", "warning", 'probe_success{job="probe", system="jaeger"} == 0', "2m",
        "Jaeger on {{ $labels.host }} in {{ $labels.region }} does not answer at {{ $labels.instance }} (probe is {{ $value }})",
        "No trace of the region can be found, and spans wait in the gateway's queue, which is full some hours later.",
        "overview/up",
        Proof(firing={f"probe_success{{{PROBE}}}": "0"}, silent={f"probe_success{{{PROBE}}}": "1"}),
        inhibits=(Inhibit(("*",), ("region", "host")), Inhibit(("EndpointDown",), ("region", "instance"), system="blackbox"),
                  Inhibit(("OtelExportStalled", "OtelQueueFilling"), ("region",), system="otel_collector"))),
    Alert(
        "JaegerMissing", "warning", 'count by (region) (up) unless count by (region) (up{system="jaeger"})', "10m",
        "Region {{ $labels.region }} has {{ $value }} targets but no probe of Jaeger among them",
        "Prometheus does not know of a Jaeger any more: the target file is empty or the last run of the inventory left it out. Nothing of "
        "it is watched.",
        "overview/up",
        Proof(firing={f"up{{{OTHER}}}": "1"}, silent={f"up{{{OTHER}}}": "1", f"up{{{PROBE}}}": "1"})),
    Alert(
        "JaegerTelemetryMissing", "warning", f'probe_success{{job="probe", system="jaeger"}} == 1 unless on (region, host) {RUNS}', "10m",
        "Jaeger on {{ $labels.host }} answers (probe is {{ $value }}), but its metrics do not arrive",
        "Jaeger sends its metrics to the collector of its host; without them no other alert on Jaeger can fire.",
        "overview/uptime",
        Proof(firing={f"probe_success{{{PROBE}}}": "1"},
              silent={f"probe_success{{{PROBE}}}": "1", RUNNING: "0+60"})),
    Alert(
        "JaegerSpansNotStored", "warning",
        f"{rate('otelcol_exporter_send_failed_spans_total')} / ({rate('otelcol_exporter_send_failed_spans_total')} "
        f"+ {rate('otelcol_exporter_sent_spans_total')}) > $not_stored", "5m",
        "Jaeger on {{ $labels.host }} could not store {{ $value | humanizePercentage }} of its spans",
        "These spans are lost, and traces have holes. The store refuses writes: its disk is full, too slow or broken.",
        "overview/span-errors",
        Proof(firing=stored("0+50", "0+10"), silent=stored("0+60", "0+0")),
        thresholds=(Threshold("not_stored", 0.01, "ratio", "share of the spans that could not be written to the store"),)),
    Alert(
        "JaegerSpansRefused", "warning",
        f"({rate('otelcol_receiver_refused_spans_total')} + {rate('otelcol_receiver_failed_spans_total')}) "
        f"/ ({rate('otelcol_receiver_refused_spans_total')} + {rate('otelcol_receiver_failed_spans_total')} "
        f"+ {rate('otelcol_receiver_accepted_spans_total')}) > $refused", "5m",
        "Jaeger on {{ $labels.host }} refuses {{ $value | humanizePercentage }} of the spans that it is sent",
        "The gateway sends them again until its queue is full. Spans that cannot be read at all are lost.",
        "overview/span-errors",
        Proof(firing=received("0+50", "0+10"), silent=received("0+60", "0+0")),
        thresholds=(Threshold("refused", 0.01, "ratio", "share of the spans that the receiver did not take"),)),
    Alert(
        # After a start there is no counter before the first span: what Jaeger says of its time stands in for it.
        "JaegerNoSpans", "warning", f"({rate('otelcol_receiver_accepted_spans_total')} or 0 * sum by ({SERVER}) ({RUNS})) == 0", "10m",
        "Jaeger on {{ $labels.host }} receives {{ $value }} spans per second",
        "Prometheus and Loki trace themselves, so there are always some. The way from the collectors to Jaeger is cut, or sampling was "
        "turned off.",
        "overview/spans",
        Proof(firing={RUNNING: "0+60"}, silent={RUNNING: "0+60"} | received("0+60", "0+0"))),
    Alert(
        "JaegerReadsFailing", "warning",
        f"{rate('jaeger_storage_requests_total', '10m', FAILED)} / {rate('jaeger_storage_requests_total', '10m')} > $read_errors", "10m",
        "Jaeger on {{ $labels.host }} fails {{ $value | humanizePercentage }} of the reads of its store",
        "Searches end with an error or without the trace that was meant.",
        "overview/read-errors",
        Proof(firing=reads("0+40", "0+20"), silent=reads("0+60", "0+0")),
        thresholds=(Threshold("read_errors", 0.05, "ratio", "share of the reads of the store that fail"),)),
    Alert(
        "JaegerReadsSlow", "warning",
        f"{rate('jaeger_storage_latency_seconds_sum', '10m')} / {rate('jaeger_storage_latency_seconds_count', '10m')} > $read_seconds",
          "15m",
        "Jaeger on {{ $labels.host }} takes {{ $value | humanizeDuration }} on average to read from its store",
        "Somebody waits for traces. Wide searches without a service or an operation do it; so does a disk that is too slow.",
        "overview/store-latency",
        Proof(firing=durations("0+600"), silent=durations("0+6")),
        thresholds=(Threshold("read_seconds", 2, "seconds", "mean duration of a read of the store"),)),
    Alert(
        "JaegerLoginsRefused", "warning",
        'sum by (region, host) (rate(traces_span_metrics_calls_total{job="jaeger", http_response_status_code="401"}[5m])) '
        "> $refused_logins",
        "10m",
        "Jaeger on {{ $labels.host }} refuses {{ $value | humanize }} requests a second for want of a right password",
        "Grafana or a script has an old password, or somebody tries passwords.",
        "overview/logins",
        Proof(firing={f"traces_span_metrics_calls_total{{{SPAN}}}": "0+60"},
              silent={f"traces_span_metrics_calls_total{{{SPAN}}}": "0+1"}),
        thresholds=(Threshold("refused_logins", 0.2, "requests per second", "requests without a right password"),)),
    Alert(
        "JaegerMaintenanceStale", "warning", "time() - jaeger_storage_badger_storage_maintenance_last_run / 1e9 > $maintenance_age", "10m",
        "The store of Jaeger on {{ $labels.host }} was last tended {{ $value | humanizeDuration }} ago",
        "It is tended every five minutes, when space of spans whose time is over is given back; without that the disk fills.",
        "overview/maintenance",
        Proof(firing={f"jaeger_storage_badger_storage_maintenance_last_run{{{STORE}}}": "-7200000000000"},
              silent={f"jaeger_storage_badger_storage_maintenance_last_run{{{STORE}}}": "0+60000000000"}, minutes=28),
        thresholds=(Threshold("maintenance_age", 1800, "seconds", "time since the store was last tended"),)),
    Alert(
        "JaegerCrashed", "warning",
        f"sum by (region, host) (count_over_time({ENDED} [10m])) > 0", "0s",
        "Jaeger on {{ $labels.host }} ended {{ $value }} times within ten minutes without being asked to",
        "systemd starts it again at once. Spans that it had taken and not yet written are lost.",
        "overview/crashes",
        LogProof(SYSTEMD, firing=("jaeger.service: Main process exited, code=killed, status=9/KILL",),
                 silent=("jaeger.service: Deactivated successfully.", "my-jaeger.service: Main process exited, code=exited, status=1")),
        source="loki"),
    Alert(
        "JaegerStoreErrors", "warning",
        f"sum by (region, host) (count_over_time({STORE_ERRORS} [10m])) > 0", "0s",
        "The store of Jaeger on {{ $labels.host }} wrote {{ $value }} errors within ten minutes",
        "Badger writes its errors to the log only: tables that cannot be read, a memory table that cannot be flushed, a value log that "
        "cannot be swept.",
        "overview/store-errors",
        LogProof(LINES, firing=("badger 2026/01/01 00:00:00 ERROR: error flushing memtable to disk: no space left on device, retrying",),
                 silent=("badger 2026/01/01 00:00:00 INFO: All 0 tables opened in 0s",
                         '{"level":"error","msg":"Failed to write, ERROR: no badger"}')),
        source="loki"),
)
