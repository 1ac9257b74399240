"""The dashboard of endpoints and certificates: what answers, how fast, until when; and the exporter that asks."""

from dashboards.model import Dashboard, Row
from dashboards.panels import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    bargauge,
    go_runtime,
    golden,
    logs_row,
    prom,
    stat,
    states,
    table,
    targets_up,
    timeseries,
)
from dashboards.systems.blackbox.alerts import DAY, LEFT
from dashboards.systems.blackbox.system import SYSTEM

ONE_REGION = "an estate of one region has no other to reach"

DASHBOARDS = (
    Dashboard(
        "overview", "Endpoints and certificates",
        "Every main port of the region's services as a client meets it: handshake, certificate, version of TLS.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs, title="Probes made"),
                stat("success-share", "Endpoints that answer", "Share of the probed endpoints whose last handshake succeeded.",
                     "percentunit",
                     prom('avg(probe_success{job="probe"})', "success"), steps=((None, RED), (0.99, YELLOW), (1, GREEN))),
                stat("endpoint-count", "Endpoints", "Endpoints that are probed.", "short",
                     prom('count(probe_success{job="probe"})', "endpoints")),
                stat("failing", "Endpoints that fail", "Endpoints whose last handshake failed.", "short",
                     prom('sum(1 - probe_success{job="probe"})', "fail"),
                     steps=((None, GREEN), (1, RED))),
                stat("slowest", "Slowest endpoint", "The longest of the last handshakes.", "s",
                     prom('max(probe_duration_seconds{job="probe"})', "slowest")),
                stat("soonest", "First certificate ends in", "Time until the first certificate of the region ends.", "s",
                     prom('min(probe_ssl_earliest_cert_expiry{job="probe"}) - time()', "left"),
                     steps=((None, RED), (3 * DAY, ORANGE), (21 * DAY, GREEN))),
                states("endpoints", "Endpoints", "Whether each endpoint's handshake succeeds.",
                       prom('probe_success{job="probe"}', "{{system}} {{instance}}"), width=12, height=9),
                timeseries("duration", "Duration of handshakes", "How long the whole probe takes.", "s",
                           prom('probe_duration_seconds{job="probe"}', "{{system}} {{instance}}"),
                           min=0, width=12, height=9)),
            Row("Certificates", (
                bargauge("certificate-left", "Time until certificates end",
                         "By certificate; one that many ports of a host show counts once.", "s",
                         prom(LEFT, "{{host}} {{subject}}", instant=True), width=8, min=0,
                         steps=((None, RED), (3 * DAY, ORANGE), (21 * DAY, GREEN))),
                table("certificates", "Certificates", "What each endpoint shows, and when the first of its chain ends.", "dateTimeAsIso",
                      prom('1000 * probe_ssl_earliest_cert_expiry{job="probe"} * on (region, instance, module) group_left (subject, '
                           'issuer, serialnumber) probe_ssl_last_chain_info{job="probe"}',
                           "Ends", instant=True), width=16, hide=("region", "host", "module"), sort=(("Ends", False), ("Endpoint", False)),
                      columns={"system": "System", "instance": "Endpoint", "subject": "Subject", "issuer": "Issuer",
                               "serialnumber": "Serial number"}),
                timeseries("certificate-age", "Time until each endpoint's certificate ends",
                           "A step up is a renewal; a line that only falls is one that nobody renews.", "s",
                           prom('probe_ssl_earliest_cert_expiry{job="probe"} - time()', "{{system}} {{instance}}"), min=0, width=12),
                timeseries("tls-version", "Endpoints by version of TLS",
                           "The version that the exporter and the endpoint agreed on; the platform promises 1.3.", "short",
                           prom('sum by (version) (probe_tls_version_info{job="probe"})', "{{version}}"), stack=True, min=0, width=12))),
            Row("Other regions", (
                states("regions", "Ways to other regions", "Whether any front door of the other region answers from here.",
                       prom('max by (region, peer_region) (probe_success{job="peer_probe"})', "{{region}} to {{peer_region}}"),
                       may_be_empty=ONE_REGION),
                states("doors", "Front doors of other regions", "Whether each of them answers from here.",
                       prom('probe_success{job="peer_probe"}', "{{region}} to {{peer_region}}: {{system}} {{instance}}"),
                       may_be_empty=ONE_REGION),
                timeseries("peer-duration", "Duration of handshakes with other regions",
                           "Several round trips between the regions, and the answer.", "s",
                           prom('max by (region, peer_region, system) (probe_duration_seconds{job="peer_probe"})',
                                "{{region}} to {{peer_region}}: {{system}}"), min=0, width=24, may_be_empty=ONE_REGION))),
            Row("Ways", (
                timeseries("dns", "Lookup of names",
                           "Part of the handshake that is the lookup of a name; nothing where targets are addresses.", "s",
                           prom('probe_dns_lookup_time_seconds{job="probe"}', "{{system}} {{instance}}"), min=0, width=12),
                timeseries("success-host", "Success by host",
                           "Share of each host's endpoints that answer: all at once is the host or the network to it.", "percentunit",
                           prom('avg by (host) (probe_success{job="probe"})', "{{host}}"), min=0, max=1, width=12))),
            Row("Exporter", (
                stat("version", "Version", "Version of the exporter.", "short",
                     prom("blackbox_exporter_build_info", "{{version}}", instant=True)),
                stat("config", "Configuration", "Whether the exporter could read its configuration.", "short",
                     prom("min(blackbox_exporter_config_last_reload_successful)", "read"),
                     values={"1": ("read", GREEN), "0": ("broken", RED)}),
                timeseries("unknown-modules", "Probes of modules that do not exist",
                           "Requests with a module that blackbox.yml does not have.", "reqps",
                           prom("rate(blackbox_module_unknown_total[$__rate_interval])", "{{instance}}"), min=0),
                timeseries("scrapes", "Requests for its own metrics",
                           "Requests per second by the status of the answer; others than 200 are scrapes that failed.", "reqps",
                           prom('sum by (code) (rate(promhttp_metric_handler_requests_total{job="blackbox"}[$__rate_interval]))',
                                "{{code}}"), min=0))),
            go_runtime(("blackbox",)),
            logs_row(SYSTEM, level="logfmt level", errors='level!="INFO"'))),
)
