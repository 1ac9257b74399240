"""deprecated_metrics: names that are gone are refused with their successor; names that are not are left alone."""

import pytest
from example_content import METRICS, content, dashboard, found, panel

from dashboards import load
from dashboards.checks import deprecated_metrics
from dashboards.model import Metric


@pytest.mark.parametrize(("name", "successor"), [
    ("pg_replication_slot_is_active", "pg_replication_slots_"),
    ("pg_stat_bgwriter_checkpoints_req_total", "pg_stat_checkpointer_num_timed_total"),
    ("otelcol_exporter_sent_spans", "the name with _total"),
    ("jaeger_collector_spans_received_total", "otelcol_"), ("node_cpu", "node_cpu_seconds_total"), ("node_memory_MemTotal", "_bytes"),
    ("kube_hpa_status_current_replicas", "kube_horizontalpodautoscaler_"), ("apiserver_request_count", "apiserver_request_total"),
    ("redis_commands_processed", "_total"), ("prometheus_local_storage_memory_series", "prometheus_tsdb_"),
])
def test_refused_with_its_successor(name, successor):
    problems = found("deprecated_metrics", content(dashboards=(dashboard(panel(name)),)))
    assert any(f"uses {name}, which is gone since" in text and successor in text for text in problems)
    assert found("deprecated_metrics", content(metrics=(*METRICS, Metric(name, "gauge", "x", "y"))))


@pytest.mark.parametrize("name", ["node_cpu_seconds_total", "pg_replication_slots_active", "otelcol_exporter_sent_spans_total",
                                  "node_time_seconds",
                                  "jaeger_storage_requests_total", "node_memory_MemTotal_bytes", "otelcol_exporter_queue_size",
                                  "redis_commands_total"])
def test_what_is_current_is_taken(name):
    assert deprecated_metrics.successor(name) is None


def test_no_recorded_scrape_has_a_name_that_is_gone():
    """The list would be wrong: the pinned exporters still give it."""
    assert {name for loaded in load.everything().systems for name in loaded.sample.labels if deprecated_metrics.successor(name)} == set()
