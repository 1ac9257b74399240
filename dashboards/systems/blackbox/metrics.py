"""Metrics of blackbox_exporter's probes and of the exporter itself; https://github.com/prometheus/blackbox_exporter documents them."""

from dashboards.model import Metric

PROBE = ("module",)
PEER = (*PROBE, "peer_region")  # of the job peer_probe only

METRICS = (
    Metric("probe_success", "gauge", "boolean", "1 when the probe succeeded", PEER),
    Metric("probe_duration_seconds", "gauge", "seconds", "How long the whole probe took", PEER),
    Metric("probe_dns_lookup_time_seconds", "gauge", "seconds", "How long the lookup of the name took", PROBE),
    Metric("probe_ssl_earliest_cert_expiry", "gauge", "seconds", "When the first certificate of the chain ends, in Unix time", PROBE),
    Metric("probe_ssl_last_chain_info", "info", "info", "The certificate that was shown, where its chain was verified",
           (*PROBE, "subject", "issuer", "subjectalternative", "serialnumber", "fingerprint_sha256")),
    Metric("probe_tls_version_info", "info", "info", "Version of TLS that was agreed on", (*PROBE, "version")),
    Metric("blackbox_exporter_build_info", "info", "info", "Version of the exporter", ("version", "goversion", "revision")),
    Metric("blackbox_exporter_config_last_reload_successful", "gauge", "boolean", "1 when the configuration was read"),
    Metric("blackbox_module_unknown_total", "counter", "probes", "Probes that asked for a module that does not exist"),
    Metric("promhttp_metric_handler_requests_total", "counter", "requests", "Requests for the exporter's own metrics", ("code",)),
    Metric("process_resident_memory_bytes", "gauge", "bytes", "Resident memory"),
    Metric("process_cpu_seconds_total", "counter", "seconds", "Processor time used"),
    Metric("process_open_fds", "gauge", "files", "Open file descriptors"),
    Metric("process_max_fds", "gauge", "files", "File descriptors that may be open"),
    Metric("go_goroutines", "gauge", "goroutines", "Goroutines that exist"),
    Metric("go_memstats_heap_inuse_bytes", "gauge", "bytes", "Heap memory in use"),
)
