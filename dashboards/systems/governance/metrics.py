"""Metrics of a run of the assessment; plugins/plugin_utils/governance/outputs/metrics.py of the collection makes them."""

from dashboards.model import Metric

METRICS = (
    Metric("gov_control_info", "gauge", "boolean", "A control and what it is about; always 1",
           ("env", "control", "title", "domain", "severity", "owner")),
    Metric("gov_control_subjects", "gauge", "subjects", "Subjects of a control by status: pass, fail, waived, error, na, manual",
           ("env", "control", "status", "reach")),
    Metric("gov_control_last_evaluated_timestamp_seconds", "gauge", "seconds", "When the oldest evidence of a control was collected",
           ("env", "control")),
    Metric("gov_score_ratio", "gauge", "ratio", "Weighted share of the controls that hold; strict counts waived failures as failures",
           ("env", "scope", "name", "kind")),
    Metric("gov_score_capped", "gauge", "boolean", "1 when a critical control that fails holds the grade down", ("env",)),
    Metric("gov_coverage_ratio", "gauge", "ratio", "Share of what applies that could be evaluated", ("env",)),
    Metric("gov_changes", "gauge", "results", "Results by what changed since the run before: new, fixed, regressed",
           ("env", "change", "severity")),
    Metric("gov_waivers", "gauge", "waivers", "Waivers by state: active, expiring, expired, unused, invalid", ("env", "state")),
    Metric("gov_waiver_expiry_timestamp_seconds", "gauge", "seconds", "When a standing waiver ends, in Unix time",
           ("env", "waiver", "control")),
    Metric("gov_hosts_silent", "gauge", "hosts", "Hosts that were asked and gave no results", ("env",)),
    Metric("gov_run_duration_seconds", "gauge", "seconds", "From the first question to the finished report", ("env",)),
    Metric("gov_run_last_success_timestamp_seconds", "gauge", "seconds", "When the last whole run finished, in Unix time", ("env",)),
)
