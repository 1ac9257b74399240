"""Metrics of Grafana itself, and of the sync; plugins/plugin_utils/grafana_told.py of the collection makes the latter.

Of what Grafana exposes, only what stood under the same name and with these labels in the sources of 9.4 and of 13 is used; where a newer
one has more labels, they are summed away. The go_sql_* are those that stay: Grafana 13 calls both older families deprecated."""

from dashboards.model import Metric

SYNC = ("grafana", "scope")
SOURCE = ("datasource", "code", "method")

METRICS = (
    Metric("grafana_build_info", "info", "boolean", "1; its version is a label", ("version", "edition")),
    Metric("grafana_http_request_duration_seconds", "histogram", "seconds", "Time of a request to Grafana",
           ("handler", "status_code", "method")),
    Metric("grafana_http_request_in_flight", "gauge", "requests", "Requests that Grafana is answering"),
    Metric("grafana_datasource_request_total", "counter", "requests",
           "Requests that a data source answered; one that cannot be reached is not counted", SOURCE),
    Metric("grafana_datasource_request_duration_seconds", "histogram", "seconds", "Time of a request that a data source answered", SOURCE),
    Metric("grafana_plugin_request_total", "counter", "requests",
           "Requests to the backend of a plug-in, such as a data source's; status is ok, error or cancelled",
           ("plugin_id", "endpoint", "status")),
    Metric("grafana_alerting_rule_evaluations_total", "counter", "evaluations", "Evaluations of Grafana's own alert rules", ("org",)),
    Metric("grafana_alerting_rule_evaluation_failures_total", "counter", "evaluations", "Evaluations that failed", ("org",)),
    Metric("grafana_alerting_rule_evaluation_duration_seconds", "histogram", "seconds", "Time of an evaluation", ("org",)),
    Metric("go_sql_max_open_connections", "gauge", "connections", "Connections to the database that may be open; 0 is any number"),
    Metric("go_sql_open_connections", "gauge", "connections", "Connections to the database that are open"),
    Metric("go_sql_in_use_connections", "gauge", "connections", "Connections to the database in use"),
    Metric("go_sql_wait_duration_seconds_total", "counter", "seconds", "Time that requests waited for a connection to the database"),
    Metric("process_resident_memory_bytes", "gauge", "bytes", "Memory of the process"),
    Metric("process_cpu_seconds_total", "counter", "seconds", "Processor time of the process"),
    Metric("process_open_fds", "gauge", "files", "Open file descriptors"),
    Metric("process_max_fds", "gauge", "files", "File descriptors that may be open"),
    Metric("go_goroutines", "gauge", "goroutines", "Goroutines that exist"),
    Metric("go_memstats_heap_inuse_bytes", "gauge", "bytes", "Heap in use"),
    Metric("psf_grafana_sync_timestamp_seconds", "gauge", "seconds", "When Grafana was last synchronised, well or not, in Unix time",
           SYNC),
    Metric("psf_grafana_sync_success", "gauge", "boolean", "1 when the last sync succeeded", SYNC),
    Metric("psf_grafana_sync_success_timestamp_seconds", "gauge", "seconds", "When a sync last succeeded, in Unix time", SYNC),
    Metric("psf_grafana_sync_owned_objects", "gauge", "objects", "Objects in Grafana that the sync owns", SYNC),
    Metric("psf_grafana_sync_failed_objects", "gauge", "objects", "Objects that failed in the last sync", SYNC),
    Metric("psf_grafana_sync_drifted_objects", "gauge", "objects",
           "Objects that the last sync found edited or deleted by hand, by what was done about them (left, overwritten)", (*SYNC, "done")),
)
