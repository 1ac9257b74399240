"""What is lost, stuck or refused on the way of logs, traces and metrics. Recording rules bring the three under one label, signal."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Recording, Threshold

JOBS = 'job=~"otel_agent|otel_gateway"'
# The collector's word for what it counts, and the signal that it belongs to.
ITEMS = {"log_records": "logs", "spans": "traces", "metric_points": "metrics"}
AGENT_UP = 'instance="app-eu-1:8889",job="otel_agent",region="eu",host="app-eu-1",system="otel_collector"'
GATEWAY_UP = 'instance="obs-eu-1:8890",job="otel_gateway",region="eu",host="obs-eu-1",system="otel_collector"'
AGENT = 'instance="app-eu-1",job="otel_agent",region="eu",host="app-eu-1",system="otel_collector"'
YOUNG = 'instance="app-eu-2",job="otel_agent",region="eu",host="app-eu-2",system="otel_collector"'
GATEWAY = 'instance="obs-eu-1",job="otel_gateway",region="eu",host="obs-eu-1",system="otel_collector"'
QUEUE = f'{GATEWAY},exporter="otlp_http/loki",data_type="logs"'
INPUT = f'{GATEWAY},receiver="otlp",transport="grpc"'
OUTPUT = f'{GATEWAY},exporter="otlp_http/loki"'
SERVICE = 'instance="obs-eu-1:8890",job="jaeger",region="eu",host="obs-eu-1",system="jaeger",service_name="jaeger"'
FOR_LOKI = ',"otelcol.component.id":"otlp_http/loki","otelcol.component.kind":"exporter","otelcol.signal":"logs"'
REFUSED = "http: TLS handshake error from 10.210.11.11:50808: tls: client didn't provide a certificate"
STREAM = '{service_name=~"otel_agent|otel_gateway"}'


def by_signal(rate: str, by: str) -> str:
    """One expression over all three signals, with the label signal. `rate` has {items} where the collector's word for them stands."""
    labels = f"job, region, host, instance, {by}"
    return "\nor ".join(f'label_replace(sum by ({labels}) ({rate.format(items=items)}), "signal", "{signal}", "", "")'
                        for items, signal in ITEMS.items())


def counted(part: str, labels: str, logs: str = "0", traces: str = "0") -> dict[str, str]:
    """What a part of a collector counts of each signal, by the end of the metrics' names; of metrics nothing."""
    values = {"logs": logs, "traces": traces, "metrics": "0"}
    return {f"otelcol_{part}_{items}_total{{{labels}}}": values[signal] for items, signal in ITEMS.items()}


def receiver(accepted: str, refused: str) -> dict[str, str]:
    """What the journal's receiver of an agent counts."""
    labels = f'{AGENT},receiver="journald"'
    return (counted("receiver_accepted", labels, accepted) | counted("receiver_refused", labels, refused)
            | counted("receiver_failed", labels))


def line(level: str, message: str, more: str = "") -> str:
    """A line as a collector writes it."""
    return (f'{{"level":"{level}","ts":"2026-11-22T22:03:41.751Z","caller":"internal/queue_sender.go:50","msg":"{message}",'
            f'"resource":{{"service.name":"otel_gateway","system":"otel_collector"}}{more}}}')


RECORDINGS = (
    Recording("signal:otelcol_accepted:rate5m", by_signal(f"rate(otelcol_receiver_accepted_{{items}}_total{{{{{JOBS}}}}}[5m])", "receiver"),
              "items per second", "What collectors take in, by receiver and signal", ("receiver", "signal")),
    Recording("signal:otelcol_refused:rate5m",
              by_signal(f"rate(otelcol_receiver_refused_{{items}}_total{{{{{JOBS}}}}}[5m]) + "
                        f"rate(otelcol_receiver_failed_{{items}}_total{{{{{JOBS}}}}}[5m])", "receiver"),
              "items per second", "What collectors refuse or cannot read, by receiver and signal", ("receiver", "signal")),
    Recording("signal:otelcol_sent:rate5m", by_signal(f"rate(otelcol_exporter_sent_{{items}}_total{{{{{JOBS}}}}}[5m])", "exporter"),
              "items per second", "What collectors pass on, by exporter and signal", ("exporter", "signal")),
)

ALERTS = (
    Alert(
        "OtelGatewayDown", "critical", 'up{job="otel_gateway"} == 0', "2m",
        "Gateway {{ $labels.instance }} of region {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "All logs and traces of the hosts that send to it wait in their agents' queues; nothing new reaches Loki and Jaeger, and alerts on "
        "log lines are blind.",
        "overview/up",
        Proof(firing={f"up{{{GATEWAY_UP}}}": "0"}, silent={f"up{{{GATEWAY_UP}}}": "1"}),
        inhibits=(Inhibit(("OtelExportStalled", "OtelQueueFilling", "OtelSpanMetricsMissing"), ("region",)),)),
    Alert(
        "OtelGatewayMissing", "warning",
        'count by (region) (count by (region, host) (otelcol_exporter_queue_capacity{job="otel_agent", exporter="otlp_grpc"})) '
        'unless on (region) up{job="otel_gateway"}', "5m",
        "{{ $value }} agents of region {{ $labels.region }} send to a gateway that Prometheus does not know",
        "The gateway is no target of its region's Prometheus any more, so nobody sees whether it works, and the metrics of spans are not "
        "read.",
        "overview/up",
        Proof(firing={f'otelcol_exporter_queue_capacity{{{AGENT},exporter="otlp_grpc",data_type="logs"}}': "1000"},
              silent={f'otelcol_exporter_queue_capacity{{{AGENT},exporter="otlp_grpc",data_type="logs"}}': "1000",
                      f"up{{{GATEWAY_UP}}}": "0"})),
    Alert(
        "OtelAgentDown", "warning", 'up{job="otel_agent"} == 0', "5m",
        "The agent of host {{ $labels.host }} does not answer its scrape (up is {{ $value }})",
        "Logs and traces of the host stay on it: journal and files are read later, but spans that services send now are lost. A gateway on "
        "the same host goes on, and is not seen.",
        "overview/up",
        Proof(firing={f"up{{{AGENT_UP}}}": "0"}, silent={f"up{{{AGENT_UP}}}": "1"}),
        inhibits=(Inhibit(("OtelTelemetryMissing",), ("region", "host")),)),
    Alert(
        "OtelTelemetryMissing", "warning", f"up{{{JOBS}}} == 1 unless on (region, host, job) otelcol_process_uptime_seconds_total", "10m",
        "{{ $labels.job }} of {{ $labels.host }} runs, but tells nothing of itself (up is {{ $value }})",
        "A collector sends its own metrics by OTLP to the agent of its host. They do not arrive, so the alerts on its queues, refusals and "
        "exports are blind.",
        "overview/uptime",
        Proof(firing={f"up{{{GATEWAY_UP}}}": "1"},
              silent={f"up{{{GATEWAY_UP}}}": "1", f"otelcol_process_uptime_seconds_total{{{GATEWAY}}}": "0+60"})),
    Alert(
        "OtelExportStalled", "warning",
        'sum by (region, host, job, signal) (signal:otelcol_accepted:rate5m{signal!="metrics"}) > 0 '
        "unless on (region, host, job, signal) sum by (region, host, job, signal) (signal:otelcol_sent:rate5m) > 0", "5m",
        "{{ $labels.job }} of {{ $labels.host }} takes {{ $value | humanize }} {{ $labels.signal }} a second and passes on none",
        "Its next one, the gateway or Loki or Jaeger, does not take them. They wait in the queue on disk, which is full within minutes to "
        "hours.",
        "overview/sent",
        Proof(firing=counted("receiver_accepted", INPUT, "0+600") | counted("exporter_sent", OUTPUT, "5000"),
              silent=counted("receiver_accepted", INPUT, "0+600") | counted("exporter_sent", OUTPUT, "5000+600")),
        inhibits=(Inhibit(("OtelQueueFilling",), ("region", "host", "job")),)),
    Alert(
        "OtelQueueFilling", "warning", f"otelcol_exporter_queue_size{{{JOBS}}} / otelcol_exporter_queue_capacity > $queue_filling", "10m",
        "The queue of {{ $labels.data_type }} for {{ $labels.exporter }} at {{ $labels.job }} of {{ $labels.host }} "
        "is {{ $value | humanizePercentage }} full",
        "More comes in than the next one takes. What is in the queue arrives late; when it is full, what comes is lost.",
        "overview/queue",
        Proof(firing={f"otelcol_exporter_queue_size{{{QUEUE}}}": "600", f"otelcol_exporter_queue_capacity{{{QUEUE}}}": "1000"},
              silent={f"otelcol_exporter_queue_size{{{QUEUE}}}": "20", f"otelcol_exporter_queue_capacity{{{QUEUE}}}": "1000"}),
        thresholds=(Threshold("queue_filling", 0.5, "ratio", "share of a queue that is taken"),)),
    Alert(
        "OtelQueueFull", "critical", f"otelcol_exporter_queue_size{{{JOBS}}} / otelcol_exporter_queue_capacity > $queue_full", "2m",
        "The queue of {{ $labels.data_type }} for {{ $labels.exporter }} at {{ $labels.job }} of {{ $labels.host }} "
        "is {{ $value | humanizePercentage }} full",
        "What comes now is refused or lost. For a gateway that is the whole region.",
        "overview/queue",
        Proof(firing={f"otelcol_exporter_queue_size{{{QUEUE}}}": "990", f"otelcol_exporter_queue_capacity{{{QUEUE}}}": "1000"},
              silent={f"otelcol_exporter_queue_size{{{QUEUE}}}": "600", f"otelcol_exporter_queue_capacity{{{QUEUE}}}": "1000"}),
        thresholds=(Threshold("queue_full", 0.9, "ratio", "share of a queue from which on it counts as full"),),
        inhibits=(Inhibit(("OtelQueueFilling", "OtelExportStalled"), ("region", "host", "job")),)),
    Alert(
        "OtelReceiverRefusing", "warning",
        "signal:otelcol_refused:rate5m / (signal:otelcol_accepted:rate5m + signal:otelcol_refused:rate5m > 0) > $refused", "10m",
        "Receiver {{ $labels.receiver }} at {{ $labels.job }} of {{ $labels.host }} refuses {{ $value | humanizePercentage }} "
        "of the {{ $labels.signal }}",
        "The collector is at its memory limit, or its queue takes no more, or what comes cannot be read. Senders with a queue of their own "
        "try again; the others lose it.",
        "overview/refused",
        Proof(firing=receiver("0+600", "0+60"), silent=receiver("0+600", "0+0")),
        thresholds=(Threshold("refused", 0.01, "ratio", "share of what comes that is refused"),),
        inhibits=(Inhibit(("OtelJournalSilent",), ("region", "host")),)),
    Alert(
        "OtelJournalSilent", "warning",
        'sum by (region, host) (increase(otelcol_receiver_accepted_log_records_total{receiver="journald"}[1h])) == 0 '
        'and on (region, host) otelcol_process_uptime_seconds_total{job="otel_agent"} > 3600', "15m",
        "The agent of host {{ $labels.host }} has read {{ $value }} lines of the journal in an hour",
        "A host that runs this platform writes some line every hour. The agent's journalctl has ended, or the account may not read the "
        "journal: the host's logs do not arrive.",
        "overview/accepted-receiver",
        Proof(firing={f'otelcol_receiver_accepted_log_records_total{{{AGENT},receiver="journald"}}': "500",
                      f"otelcol_process_uptime_seconds_total{{{AGENT}}}": "7200+60"},
              silent={f'otelcol_receiver_accepted_log_records_total{{{AGENT},receiver="journald"}}': "500+2",
                      f"otelcol_process_uptime_seconds_total{{{AGENT}}}": "7200+60",
                      f'otelcol_receiver_accepted_log_records_total{{{YOUNG},receiver="journald"}}': "5",
                      f"otelcol_process_uptime_seconds_total{{{YOUNG}}}": "1200"})),
    Alert(
        "OtelSpanMetricsMissing", "warning",
        'sum by (region) (signal:otelcol_accepted:rate5m{job="otel_gateway", signal="traces"}) > 0 '
        "unless on (region) traces_span_metrics_calls_total", "15m",
        "The gateway of region {{ $labels.region }} takes {{ $value | humanize }} spans a second, and Prometheus has no metrics of them",
        "Rate, errors and duration of traced services are unknown, and with them every SLO that is made of spans.",
        "overview/span-series",
        Proof(firing=counted("receiver_accepted", INPUT, traces="0+600"),
              silent=counted("receiver_accepted", INPUT, traces="0+600") | {f'traces_span_metrics_calls_total{{{SERVICE}}}': "0+10"})),
    Alert(
        "OtelExportDropped", "warning",
        f'sum by (region, host, service_name, signal) (count_over_time({STREAM} |= `"msg":"Exporting failed. Dropping data."` '
        '| regexp `"otelcol.signal":"(?P<signal>[a-z]+)"` [10m])) > 0', "0s",
        "{{ $labels.service_name }} of {{ $labels.host }} dropped {{ $value }} batches of {{ $labels.signal }} in ten minutes",
        "The next one refused them for good, so trying again is of no use: lines that are too old or too long, or a request that is too "
        "large. They are lost.",
        "overview/dropped",
        LogProof({"service_name": "otel_gateway", "region": "eu", "host": "obs-eu-1"},
                 firing=(line("error", "Exporting failed. Dropping data.", FOR_LOKI),),
                 silent=(line("info", "Exporting failed. Will retry the request after interval.", FOR_LOKI),
                         line("info", "Everything is ready. Begin running and processing data."))),
        source="loki"),
    Alert(
        "OtelClientsRefused", "warning",
        f'sum by (region, host, service_name) (count_over_time({STREAM} |= `"msg":"http: TLS handshake error from ` [10m])) '
        "> $clients_refused", "0s",
        "{{ $labels.service_name }} of {{ $labels.host }} refused {{ $value }} connections without a valid certificate in ten minutes",
        "Somebody asks for metrics or sends OTLP by HTTP without a certificate of the platform's authority, or with one that has ended.",
        "overview/log-rate",
        LogProof({"service_name": "otel_agent", "region": "eu", "host": "obs-eu-1"},
                 firing=tuple(line("error", REFUSED.replace("50808", str(50810 + number))) for number in range(8)),
                 silent=(line("error", REFUSED),
                         line("info", "Everything is ready. Begin running and processing data."))),
        thresholds=(Threshold("clients_refused", 5, "connections", "connections without a valid certificate in ten minutes"),),
        source="loki"),
    Alert(
        "OtelCollectorPanicked", "warning",
        f'sum by (region, host, service_name) (count_over_time({STREAM} |~ "^(panic: |fatal error: )" [10m])) > 0', "0s",
        "{{ $labels.service_name }} of {{ $labels.host }} ended by an error of its own {{ $value }} times in ten minutes",
        "It was started again and takes up its queue and its reading positions; what was in memory is lost. The same input may end it "
        "again.",
        "overview/logs",
        LogProof({"service_name": "otel_agent", "region": "eu", "host": "app-eu-1"},
                 firing=("panic: runtime error: invalid memory address or nil pointer dereference",),
                 silent=(line("error", "a component said panic: but goes on"), "goroutine 1 [running]:")),
        source="loki"),
)
