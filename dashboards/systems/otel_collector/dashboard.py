"""Two dashboards: the collectors themselves, and rate, errors and duration of every service whose spans pass through them."""

from dataclasses import replace

from dashboards import naming
from dashboards.model import Dashboard, Row, Variable
from dashboards.panels import (
    GREEN,
    JSON_LEVEL,
    RED,
    YELLOW,
    golden,
    heatmap,
    logs_row,
    prom,
    service_graph,
    stat,
    table,
    targets_up,
    timeseries,
    traces,
    traces_row,
)
from dashboards.systems.otel_collector.alerts import JOBS
from dashboards.systems.otel_collector.system import SYSTEM

HOST = Variable("host", "host", f"up{{{JOBS}}}", "Host")
SERVICE = Variable("service", "service_name", "traces_span_metrics_calls_total", "Service")
# What a service answers, and what it asks of others.
SERVED = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"'
ASKED = 'span_kind=~"SPAN_KIND_CLIENT|SPAN_KIND_PRODUCER"'
FAILED = 'status_code="STATUS_CODE_ERROR"'
LINE = "{{job}} {{host}}"


def calls(selector: str) -> str:
    return f"rate(traces_span_metrics_calls_total{{{selector}}}[$__rate_interval])"


def having(label: str) -> str:
    """Selector of answered requests that have a label."""
    return f'{SERVED}, {label}!=""'


def durations(selector: str) -> str:
    return f"rate(traces_span_metrics_duration_milliseconds_bucket{{{selector}}}[$__rate_interval])"


def failing(selector: str, by: str) -> str:
    """Share of the spans that failed: 0 where none did, nothing where there are none."""
    total = f"sum by ({by}) ({calls(selector)})"
    return f"(sum by ({by}) ({calls(selector + ', ' + FAILED)}) or 0 * {total}) / ({total} > 0)"


def quantile(share: float, selector: str, by: str) -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) ({durations(selector)}))"


COLLECTORS = Dashboard(
    "overview", "OpenTelemetry collectors", "Agents and gateways of the region: what comes in, what goes on, what waits, what is lost.",
    instances=False, variables=(HOST,),
    rows=(
        golden(
            targets_up(SYSTEM.jobs),
            stat("queue-now", "Fullest queue", "Share of the fullest queue that is taken.", "percentunit",
                 prom(f"max(otelcol_exporter_queue_size{{{JOBS}}} / otelcol_exporter_queue_capacity)", "fullest"),
                 steps=((None, GREEN), (0.5, YELLOW), (0.9, RED))),
            stat("logs-now", "Log records", "Log records that the gateways take a second.", "cps",
                 prom('sum(signal:otelcol_accepted:rate5m{job="otel_gateway", signal="logs"})', "logs")),
            stat("spans-now", "Spans", "Spans that the gateways take a second.", "cps",
                 prom('sum(signal:otelcol_accepted:rate5m{job="otel_gateway", signal="traces"})', "traces")),
            stat("points-now", "Metric points", "Metric points that the agents take a second.", "cps",
                 prom('sum(signal:otelcol_accepted:rate5m{job="otel_agent", signal="metrics"})', "metrics")),
            stat("refused-now", "Refused", "Share of all that comes that is refused.", "percentunit",
                 prom("sum(signal:otelcol_refused:rate5m) / sum(signal:otelcol_accepted:rate5m + signal:otelcol_refused:rate5m)",
                      "refused"),
                 steps=((None, GREEN), (0.001, YELLOW), (0.01, RED))),
            timeseries("accepted", "Taken in", "Log records, spans and metric points a second, agents and gateways.", "cps",
                       prom("sum by (job, signal) (signal:otelcol_accepted:rate5m)", "{{job}} {{signal}}"), min=0),
            timeseries("sent", "Passed on", "What the next one took, or what was shown to Prometheus, a second.", "cps",
                       prom("sum by (job, exporter, signal) (signal:otelcol_sent:rate5m)", "{{job}} {{signal}} to {{exporter}}"), min=0),
            timeseries("refused", "Refused or not readable", "Share of what comes to a receiver that it does not take.", "percentunit",
                       prom("sum by (job, host, receiver, signal) (signal:otelcol_refused:rate5m) "
                            "/ (sum by (job, host, receiver, signal) (signal:otelcol_accepted:rate5m + signal:otelcol_refused:rate5m) > "
                            "0)", f"{LINE} {{{{receiver}}}} {{{{signal}}}}"),
                       min=0),
            timeseries("queue", "Queues", "Share of each queue that is taken.", "percentunit",
                       prom(f"otelcol_exporter_queue_size{{{JOBS}}} / otelcol_exporter_queue_capacity",
                            f"{LINE} {{{{data_type}}}} to {{{{exporter}}}}"), min=0),
            timeseries("in-flight", "Requests on the way",
                       "Requests that were sent and not answered yet; they grow when the next one is slow.", "short",
                       prom(f"sum by (job, host, exporter, data_type) (otelcol_exporter_in_flight_requests{{{JOBS}}})",
                            f"{LINE} {{{{data_type}}}} to {{{{exporter}}}}"), min=0),
            timeseries("dropped", "Dropped",
                       "Log records of batches that the next one refused for good; it may have kept a part of each batch.", "short",
                       prom(f"increase(otelcol_exporter_send_failed_log_records_total{{{JOBS}}}[$__rate_interval])",
                            f"{LINE} to {{{{exporter}}}}"), min=0, bars=True,
                       may_be_empty="the counter exists only after the first refusal")),
        Row("Receivers", (
            timeseries("accepted-receiver", "Taken in by receiver", "Items a second of each receiver.", "cps",
                       prom("sum by (job, host, receiver, signal) (signal:otelcol_accepted:rate5m)",
                            f"{LINE} {{{{receiver}}}} {{{{signal}}}}"), min=0, width=12),
            timeseries("journal", "Lines of the journal", "Lines that each agent read from its host's journal.", "cps",
                       prom('sum by (host) (rate(otelcol_receiver_accepted_log_records_total{receiver="journald"}[$__rate_interval]))',
                            "{{host}}"), min=0, width=6),
            timeseries("files", "Log files", "Log files that are open.", "short",
                       prom("sum by (host) (otelcol_fileconsumer_open_files)", "{{host}}"), min=0, width=6))),
        Row("Pipelines", (
            timeseries("steps-in", "Into each step", "Items a second that come to a step of a pipeline.", "cps",
                       prom(f"sum by (job, processor, otel_signal) "
                            f"(rate(otelcol_processor_incoming_items_total{{{JOBS}}}[$__rate_interval]))",
                            "{{job}} {{otel_signal}} {{processor}}"), min=0),
            timeseries("steps-lost", "Lost in a step",
                       "Items a second that came to a step and did not leave it; the memory limiter's refusals.", "cps",
                       prom(f"sum by (job, processor, otel_signal) "
                            f"(rate(otelcol_processor_incoming_items_total{{{JOBS}}}[$__rate_interval])) "
                            f"- sum by (job, processor, otel_signal) "
                            f"(rate(otelcol_processor_outgoing_items_total{{{JOBS}}}[$__rate_interval]))",
                            "{{job}} {{otel_signal}} {{processor}}"), min=0),
            timeseries("batch-size", "Size of batches", "Half and 95 % of the batches had fewer items.", "short",
                       *(prom(f"histogram_quantile({share}, sum by (le, job) "
                              f"(rate(otelcol_processor_batch_batch_send_size_bucket{{{JOBS}}}[$__rate_interval])))", f"{{{{job}}}} {name}")
                         for share, name in ((0.5, "p50"), (0.95, "p95"))), min=0),
            timeseries("batch-reason", "Why batches are sent", "Batches a second that were full, and those whose time was up.", "cps",
                       prom(f"sum by (job) (rate(otelcol_processor_batch_batch_size_trigger_send_total{{{JOBS}}}[$__rate_interval]))",
                            "{{job}} full", may_be_empty="the series begins with the first batch that is full"),
                       prom(f"sum by (job) (rate(otelcol_processor_batch_timeout_trigger_send_total{{{JOBS}}}[$__rate_interval]))",
                            "{{job}} time"), min=0),
            timeseries("span-series", "Metrics of spans",
                       "Series that the gateways make of spans; each name of a span, status and route is one.", "short",
                       prom("count by (service_name) (traces_span_metrics_calls_total)", "{{service_name}}"), min=0, stack=True),
            timeseries("span-names", "Names of spans",
                       "Different names by service. A name with an id in it makes a series for each request.", "short",
                       prom("count by (service_name) (count by (service_name, span_name) (traces_span_metrics_calls_total))",
                            "{{service_name}}"), min=0))),
        Row("Processes", (
            timeseries("memory", "Memory", "Resident memory, and the heap in use. The limiter refuses data above its limit (256 MiB, if "
                                           "the inventory says nothing else).", "bytes",
                       prom(f"otelcol_process_memory_rss_bytes{{{JOBS}}}", f"{LINE} resident"),
                       prom(f"otelcol_process_runtime_heap_alloc_bytes{{{JOBS}}}", f"{LINE} heap"), min=0),
            timeseries("cpu", "Processor", "Processor cores in use.", "short",
                       prom(f"rate(otelcol_process_cpu_seconds_total{{{JOBS}}}[$__rate_interval])", LINE), min=0),
            timeseries("uptime", "Running for", "Time since the start; a fall to zero is a restart.", "s",
                       prom(f"otelcol_process_uptime_seconds_total{{{JOBS}}}", LINE), min=0),
            table("versions", "Versions", "What runs where.", "s",
                  prom(f"otelcol_process_uptime_seconds_total{{{JOBS}}}", "Up for", instant=True), width=24, height=6,
                  columns={"host": "Host", "service_name": "Collector", "service_version": "Version", "region": "Region"},
                  hide=("instance", "system", "otel_scope_name", "service_instance_id"))), collapsed=True),
        logs_row(SYSTEM, level=JSON_LEVEL, quiet="a collector that works writes only at its start"), traces_row(SYSTEM)))

SERVICES = Dashboard(
    "services", "Services by their traces",
    "Rate, errors and duration of every traced service, from its spans: what it answers, and what it asks of others.",
    instances=False, variables=(SERVICE,),
    rows=(
        golden(
            stat("services", "Services", "Services whose spans arrive.", "short",
                 prom("count(count by (service_name) (traces_span_metrics_calls_total))", "services"), width=6),
            stat("requests-now", "Requests", "Requests a second, all services together.", "reqps",
                 prom(f"sum({calls(SERVED)})", "requests"), width=6),
            stat("errors-now", "Errors", "Share of all requests that failed.", "percentunit", prom(failing(SERVED, "region"), "errors"),
                 steps=((None, GREEN), (0.001, YELLOW), (0.01, RED)), decimals=2, width=6),
            stat("latency-now", "95 % take less than", "Duration of requests, all services together.", "ms",
                 prom(quantile(0.95, SERVED, "region"), "p95"), width=6),
            timeseries("rate", "Rate", "Requests a second that each service answers.", "reqps",
                       prom(f"sum by (service_name) ({calls(SERVED)})", "{{service_name}}"), min=0),
            timeseries("errors", "Errors", "Share of each service's requests that failed.", "percentunit",
                       prom(failing(SERVED, "service_name"), "{{service_name}}"), min=0),
            timeseries("latency", "Duration", "Time that 95 % of each service's requests keep within.", "ms",
                       prom(quantile(0.95, SERVED, "service_name"), "{{service_name}}"), min=0)),
        Row("Services", (
            table("services-table", "Services", "Each service now; its name leads to it alone.", "short",
                  prom(f"sum by (service_name) ({calls(SERVED)})", "Rate", instant=True),
                  prom(failing(SERVED, "service_name"), "Errors", instant=True),
                  prom(quantile(0.5, SERVED, "service_name"), "Half take less than", instant=True),
                  prom(quantile(0.95, SERVED, "service_name"), "95 % take less than", instant=True),
                  width=24, height=8, columns={"service_name": "Service"},
                  units={"Rate": "reqps", "Errors": "percentunit", "Half take less than": "ms", "95 % take less than": "ms"},
                  links={"Service": ("This service alone",
                                     f"/d/{naming.dashboard_uid(SYSTEM.id, 'services')}?var-service=${{__data.fields.Service}}")}),
            service_graph("graph", "Who calls whom", "Services and their calls, from the traces of Jaeger.",
                          may_be_empty="each region keeps its own services' spans: an edge needs two of them that call each other"))),
        Row("Answered requests", (
            timeseries("rate-name", "Rate by operation", "Requests a second, the fifteen operations with most.", "reqps",
                       prom(f"topk(15, sum by (service_name, span_name) ({calls(SERVED)}))", "{{service_name}} {{span_name}}"), min=0,
                       height=9),
            timeseries("errors-name", "Errors by operation", "Share of the requests that failed, of operations with failures.",
                       "percentunit",
                       prom(f"topk(15, {failing(SERVED, 'service_name, span_name')} > 0)", "{{service_name}} {{span_name}}"), min=0,
                       height=9,
                       may_be_empty="nothing fails in a healthy estate"),
            timeseries("latency-name", "Duration by operation",
                       "Time that 95 % of an operation's requests keep within, the fifteen slowest operations.", "ms",
                       prom(f"topk(15, {quantile(0.95, SERVED, 'service_name, span_name')})", "{{service_name}} {{span_name}}"), min=0,
                       height=9),
            heatmap("durations", "Durations", "How many requests took how long; a second band is a second kind of request.", "ms",
                    prom(f"sum by (le) ({durations(SERVED)})", "{{le}}")),
            timeseries("status", "By HTTP status", "Requests a second by status of the answer.", "reqps",
                       prom(f"sum by (service_name, http_response_status_code) ({calls(having('http_response_status_code'))})",
                            "{{service_name}} {{http_response_status_code}}"),
                       min=0, width=12),
            timeseries("routes", "By HTTP route", "Requests a second by route.", "reqps",
                       prom(f"topk(15, sum by (service_name, http_route) ({calls(having('http_route'))}))",
                            "{{service_name}} {{http_route}}"), min=0, width=12),
            timeseries("methods", "By gRPC method", "Requests a second by method.", "reqps",
                       prom(f"topk(15, sum by (service_name, rpc_method) ({calls(having('rpc_method'))}))",
                            "{{service_name}} {{rpc_method}}"), min=0, width=12))),
        Row("Calls to others", (
            timeseries("calls-rate", "Rate", "Calls a second that each service makes, the fifteen with most.", "reqps",
                       prom(f"topk(15, sum by (service_name, span_name) ({calls(ASKED)}))", "{{service_name}} {{span_name}}"), min=0),
            timeseries("calls-errors", "Errors", "Share of a service's calls that failed, as the caller sees it.", "percentunit",
                       prom(failing(ASKED, "service_name"), "{{service_name}}"), min=0),
            timeseries("calls-latency", "Duration",
                       "Time that 95 % of the calls keep within, as the caller sees it; the difference to the other side's is the way "
                       "between them.", "ms",
                       prom(f"topk(15, {quantile(0.95, ASKED, 'service_name, span_name')})", "{{service_name}} {{span_name}}"), min=0))),
        logs_row(replace(SYSTEM, logs='{service_name=~"$service", service_name!=""}')),
        Row("Traces", (traces("traces", "Traces", "The latest requests of the chosen service.", "$service",
                              may_be_empty="Jaeger searches one service: choose it above"),))))

DASHBOARDS = (COLLECTORS, SERVICES)
