"""The dashboard of Jaeger: golden signals, then the way of a span into the store, searches, the store itself."""

from dashboards.model import Dashboard, Row, Variable
from dashboards.panels import (
    GREEN,
    JSON_LEVEL,
    RED,
    UP_DOWN,
    YELLOW,
    golden,
    logs_row,
    loki,
    prom,
    service_graph,
    stat,
    states,
    timeseries,
    traces_row,
)
from dashboards.systems.jaeger.alerts import ENDED, FAILED, STORE_ERRORS
from dashboards.systems.jaeger.system import SYSTEM

OWN = 'job="jaeger"'
API = 'job="jaeger", span_kind="SPAN_KIND_SERVER"'
MARKED = ', status_code="STATUS_CODE_ERROR"'
IDLE = "nobody asked within the last minutes"
CALM = "a healthy Jaeger ends only when it is told to"


def rate(metric: str, more: str = "", by: str = "host") -> str:
    return f"sum by ({by}) (rate({metric}{{{OWN}{more}}}[$__rate_interval]))"


def calls(more: str = "", by: str = "span_name") -> str:
    """Requests to the API per second, from its spans."""
    return f"sum by ({by}) (rate(traces_span_metrics_calls_total{{{API}{more}}}[$__rate_interval]))"


def reads(more: str = "") -> str:
    """Reads of the store per second by what was asked."""
    return rate("jaeger_storage_requests_total", more, "operation")


def mean(metric: str, by: str = "host") -> str:
    """Mean of a histogram's observations."""
    return f"{rate(metric + '_sum', by=by)} / {rate(metric + '_count', by=by)}"


def api(share: float) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate(traces_span_metrics_duration_milliseconds_bucket{{{API}}}[$__rate_interval])))"


DASHBOARDS = (
    Dashboard(
        "overview", "Jaeger", "The traces of a region: taken, stored, found again.", instances=False,
        variables=(Variable("host", "host", 'probe_success{job="probe", system="jaeger"}', "Host"),),
        rows=(
            golden(
                stat("up", "Answers", "Share of the Jaegers whose API answers the probe.", "percentunit",
                     prom('avg(probe_success{job="probe", system="jaeger"})', "up"), steps=((None, RED), (0.99, YELLOW), (1, GREEN))),
                stat("spans-now", "Spans", "Spans taken per second.", "cps",
                     prom(f"sum(rate(otelcol_receiver_accepted_spans_total{{{OWN}}}[$__rate_interval]))")),
                stat("lost", "Spans lost", "Spans that could not be stored, in the time shown.", "short",
                     prom(f"sum(increase(otelcol_exporter_send_failed_spans_total{{{OWN}}}[$__range]))"), steps=((None, GREEN), (1, RED))),
                stat("space", "Space left", "Space left for the values of the store.", "bytes",
                     prom("min(jaeger_storage_badger_value_log_bytes_available)"),
                     may_be_empty="told five minutes after the start for the first time"),
                stat("uptime", "Runs since", "How long Jaeger runs, by its own metrics.", "s",
                     prom(f"min(otelcol_process_uptime_seconds_total{{{OWN}}})")),
                stat("version", "Version", "Version of Jaeger.", "short",
                     prom(f"group by (service_version) (otelcol_process_memory_rss_bytes{{{OWN}}})",
                                                                           "{{service_version}}"), text="name"),
                timeseries("spans", "Spans taken",
                           "Spans per second that were taken, and that were written to the store. The two should be equal.", "cps",
                           prom(rate("otelcol_receiver_accepted_spans_total"), "{{host}} taken"),
                           prom(rate("otelcol_exporter_sent_spans_total"), "{{host}} stored"), min=0),
                timeseries("span-errors", "Spans refused or not stored",
                           "Spans per second that the receiver refused or could not read, and that could not be written.", "cps",
                           prom(rate("otelcol_receiver_refused_spans_total"), "{{host}} refused"),
                           prom(rate("otelcol_receiver_failed_spans_total"), "{{host}} not readable"),
                           prom(rate("otelcol_exporter_send_failed_spans_total"), "{{host}} not stored"), min=0),
                timeseries("api-latency", "Duration of requests to the API",
                           "Half, 95 % and 99 % of the requests took less than this, by Jaeger's own spans.", "ms",
                           *(prom(api(share), name) for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), min=0,
                           may_be_empty=IDLE),
                timeseries("memory", "Memory", "Resident memory, and what the heap uses of it.", "bytes",
                           prom(f"otelcol_process_memory_rss_bytes{{{OWN}}}", "{{host}} resident"),
                           prom(f"otelcol_process_runtime_heap_alloc_bytes{{{OWN}}}", "{{host}} heap"), min=0),
                states("up-states", "Answers", "Whether each Jaeger answered its probe.",
                       prom('probe_success{job="probe", system="jaeger"}', "{{host}}"),
                       values=UP_DOWN, width=16)),
            Row("Searches", (
                timeseries("api-rate", "Requests to the API", "Requests per second by route and status, by Jaeger's own spans.", "reqps",
                           prom(calls(by="span_name, http_response_status_code"),
                                "{{span_name}} {{http_response_status_code}}"), min=0, may_be_empty=IDLE),
                timeseries("api-errors", "Failed requests", "Share of the requests whose span is marked as an error.", "percentunit",
                           prom(f"({calls(MARKED)} or 0 * {calls()}) / {calls()}", "{{span_name}}"), min=0, may_be_empty=IDLE),
                timeseries("logins", "Refused for the password", "Requests per second without a right name and password.", "reqps",
                           prom('sum by (host) (rate(traces_span_metrics_calls_total{job="jaeger", '
                                'http_response_status_code="401"}[$__rate_interval]))', "{{host}}"),
                           min=0, may_be_empty="the series begins with the first request that is refused"),
                timeseries("reads", "Reads of the store", "Reads per second by what was asked.", "reqps",
                           prom(rate("jaeger_storage_requests_total", by="operation, result"), "{{operation}} {{result}}"), min=0,
                           may_be_empty="the series begins with the first search"),
                timeseries("read-errors", "Failed reads", "Share of the reads of the store that failed.", "percentunit",
                           prom(f"({reads(FAILED)} or 0 * {reads()}) / {reads()}", "{{operation}}"), min=0, may_be_empty=IDLE),
                timeseries("store-latency", "Duration of reads",
                           "Mean duration of a read of the store by what was asked; its buckets begin at 5 s, too coarse for more.", "s",
                           prom(mean("jaeger_storage_latency_seconds", "operation"),
                                "{{operation}}"), min=0, may_be_empty=IDLE))),
            Row("The way into the store", (
                timeseries("batches", "Size of batches", "Mean number of spans that are written at once.", "short",
                           prom(mean("otelcol_processor_batch_batch_send_size"), "{{host}}"), min=0),
                timeseries("batch-rate", "Batches", "Batches per second that are written.", "ops",
                           prom(rate("otelcol_processor_batch_batch_send_size_count"), "{{host}}"), min=0),
                timeseries("by-service", "Spans by service",
                           "Spans per second of the ten services that trace most, as the gateway counted them.", "cps",
                           prom("topk(10, sum by (service_name) (rate(traces_span_metrics_calls_total[$__rate_interval])))",
                                "{{service_name}}"), min=0))),
            Row("Store", (
                timeseries("store-size", "Size",
                           "What keys and values take. Badger reserves two GiB for values at once and counts anew every minute.", "bytes",
                           prom("jaeger_storage_badger_size_bytes_lsm", "{{host}} keys"),
                           prom("jaeger_storage_badger_size_bytes_vlog", "{{host}} values"), min=0, stack=True),
                timeseries("store-space", "Space left", "Space left on the file systems of keys and values.", "bytes",
                           prom("jaeger_storage_badger_key_log_bytes_available", "{{host}} keys"),
                           prom("jaeger_storage_badger_value_log_bytes_available", "{{host}} values"), min=0,
                           may_be_empty="told five minutes after the start for the first time"),
                timeseries("maintenance", "Time since it was tended",
                           "How long ago the store was last tended, and its value log swept to the end.", "s",
                           prom("time() - jaeger_storage_badger_storage_maintenance_last_run / 1e9", "{{host}} tended"),
                           prom("time() - jaeger_storage_badger_storage_valueloggc_last_run / 1e9", "{{host}} swept"), min=0,
                           may_be_empty="told five minutes after the start for the first time"),
                timeseries("store-writes", "Entries written", "Entries per second, several for each span.", "wps",
                           prom("deriv(jaeger_storage_badger_put_num_user[5m])", "{{host}}")),
                timeseries("store-bytes", "Bytes written", "Bytes per second as given, and as written to the first level of tables.", "Bps",
                           prom("deriv(jaeger_storage_badger_write_bytes_user[5m])", "{{host}} given"),
                           prom("deriv(jaeger_storage_badger_write_bytes_l0[5m])", "{{host}} written")),
                timeseries("compactions", "Compactions", "Tables that are being compacted.", "short",
                           prom("jaeger_storage_badger_compaction_current_num_lsm", "{{host}}"), min=0),
                timeseries("scans", "Searches through keys", "Searches per second through ranges of keys.", "ops",
                           prom("deriv(jaeger_storage_badger_iterator_num_user[5m])", "{{host}}")),
                timeseries("store-errors", "Errors of the store", "Lines with an error that Badger wrote.", "short",
                           loki(f"sum by (host) (count_over_time({STORE_ERRORS} [$__auto]))", "{{host}}"),
                           min=0, bars=True, may_be_empty="a healthy store writes no errors"),
                timeseries("crashes", "Ended without being asked", "How often systemd saw the process end on its own.", "short",
                           loki(f"sum by (host) (count_over_time({ENDED} [$__auto]))", "{{host}}"),
                           min=0, bars=True, may_be_empty=CALM))),
            Row("Process", (
                timeseries("process-cpu", "CPU", "Processor cores in use.", "short",
                           prom(rate("otelcol_process_cpu_seconds_total"), "{{host}}"), min=0, width=12),
                timeseries("process-system", "Memory from the system", "What the runtime took from the system, used or not.", "bytes",
                           prom(f"otelcol_process_runtime_total_sys_memory_bytes{{{OWN}}}", "{{host}}"), min=0, width=12)), collapsed=True),
            Row("Services", (
                service_graph("graph", "Who calls whom", "The services of the region and their calls, from the traces that are stored.",
                              may_be_empty="two services must have called each other"),)),
            logs_row(SYSTEM, level=JSON_LEVEL, quiet="Jaeger writes when it starts and when something fails, else nothing"),
            traces_row(SYSTEM))),
)
