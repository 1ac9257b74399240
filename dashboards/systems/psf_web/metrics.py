"""Metrics of a PSF Web service: names of OpenTelemetry's conventions for HTTP and RPC, of prom-client for the runtime, its own for the
business."""

from dashboards.model import Metric

RPC = ("rpc_service", "rpc_method", "rpc_grpc_status_code")

METRICS = (
    Metric("psf_web_build_info", "info", "info", "What runs", ("version", "node_version")),
    Metric("http_server_request_duration_seconds", "histogram", "seconds", "Time to answer an HTTP request",
           ("http_request_method", "http_route", "http_response_status_code")),
    Metric("http_server_active_requests", "gauge", "requests", "HTTP requests that are being answered", ("http_request_method",)),
    Metric("rpc_server_duration_seconds", "histogram", "seconds", "Time to answer a gRPC call", RPC),
    Metric("rpc_server_active_requests", "gauge", "calls", "gRPC calls that are being answered", ("rpc_service", "rpc_method")),
    Metric("rpc_client_duration_seconds", "histogram", "seconds", "Time until another service answered", (*RPC, "peer_region")),
    Metric("rpc_client_active_requests", "gauge", "calls", "Calls to other services without an answer yet", ("rpc_service", "rpc_method")),
    Metric("psf_web_peer_fallbacks_total", "counter", "requests", "Answers from the own region because no other one answered", ("reason",)),
    Metric("psf_web_cache_requests_total", "counter", "requests", "Look-ups in the cache", ("result",)),
    Metric("psf_web_cache_entries", "gauge", "entries", "Entries of the cache"),
    Metric("psf_web_cache_evictions_total", "counter", "entries", "Entries that made room for others"),
    Metric("psf_web_orders_total", "counter", "orders", "Orders taken", ("payment",)),
    Metric("psf_web_order_value_cents_total", "counter", "cents", "Value of the orders taken", ("payment",)),
    Metric("psf_web_signups_total", "counter", "users", "Users who signed up"),
    Metric("psf_web_fault_active", "gauge", "boolean", "1 while a fault is switched on for a drill", ("fault",)),
    Metric("web_vitals_seconds", "histogram", "seconds", "Web vitals that are times, as browsers measured them", ("name", "route")),
    Metric("web_vitals_cls_score", "histogram", "score", "Cumulative layout shift, as browsers measured it", ("route",)),
    Metric("nodejs_eventloop_lag_seconds", "gauge", "seconds", "Delay of the event loop now"),
    Metric("nodejs_eventloop_lag_p50_seconds", "gauge", "seconds", "Median delay of the event loop"),
    Metric("nodejs_eventloop_lag_p99_seconds", "gauge", "seconds", "99th percentile of the delay of the event loop"),
    Metric("nodejs_gc_duration_seconds", "histogram", "seconds", "Garbage collections", ("kind",)),
    Metric("nodejs_heap_size_total_bytes", "gauge", "bytes", "Size of the heap"),
    Metric("nodejs_heap_size_used_bytes", "gauge", "bytes", "Heap in use"),
    Metric("nodejs_external_memory_bytes", "gauge", "bytes", "Memory outside the heap"),
    Metric("nodejs_active_resources_total", "gauge", "resources", "What keeps the event loop alive"),
    Metric("process_resident_memory_bytes", "gauge", "bytes", "Resident memory"),
    Metric("process_cpu_seconds_total", "counter", "seconds", "Processor time"),
    Metric("process_start_time_seconds", "gauge", "seconds", "When the process was started, in Unix time"),
    Metric("process_open_fds", "gauge", "files", "Open file descriptors"),
    Metric("process_max_fds", "gauge", "files", "File descriptors that the process may open"),
)
