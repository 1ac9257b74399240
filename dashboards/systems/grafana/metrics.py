"""Metrics of the sync; plugins/plugin_utils/grafana_told.py of the collection makes them."""

from dashboards.model import Metric

SYNC = ("grafana", "scope")

METRICS = (
    Metric("psf_grafana_sync_timestamp_seconds", "gauge", "seconds", "When Grafana was last synchronised, well or not, in Unix time",
           SYNC),
    Metric("psf_grafana_sync_success", "gauge", "boolean", "1 when the last sync succeeded", SYNC),
    Metric("psf_grafana_sync_success_timestamp_seconds", "gauge", "seconds", "When a sync last succeeded, in Unix time", SYNC),
    Metric("psf_grafana_sync_owned_objects", "gauge", "objects", "Objects in Grafana that the sync owns", SYNC),
    Metric("psf_grafana_sync_failed_objects", "gauge", "objects", "Objects that failed in the last sync", SYNC),
    Metric("psf_grafana_sync_drifted_objects", "gauge", "objects",
           "Objects that the last sync found edited or deleted by hand, by what was done about them (left, overwritten)", (*SYNC, "done")),
)
