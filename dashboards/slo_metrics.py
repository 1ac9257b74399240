"""What the rules of every SLO record, under Sloth's names, for panels that show it."""

from dashboards.model import Metric

_IDENTITY = ("sloth_id", "sloth_service", "sloth_slo")
# What the rules of every SLO record (Sloth's names); the label region is not on them, for they are sums of a region's own Prometheus.
RECORDED = (
    Metric("slo:sli_error:ratio_rate5m", "gauge", "ratio", "Share of bad events in five minutes", (*_IDENTITY, "sloth_window")),
    Metric("slo:sli_error:ratio_rate1h", "gauge", "ratio", "Share of bad events in an hour", (*_IDENTITY, "sloth_window")),
    Metric("slo:objective:ratio", "gauge", "ratio", "The objective", _IDENTITY),
    Metric("slo:error_budget:ratio", "gauge", "ratio", "Share of events that may be bad", _IDENTITY),
    Metric("slo:time_period:days", "gauge", "days", "Length of the period", _IDENTITY),
    Metric("slo:current_burn_rate:ratio", "gauge", "ratio", "How many times faster than allowed the budget is used now", _IDENTITY),
    Metric("slo:period_burn_rate:ratio", "gauge", "ratio", "The same over the whole period", _IDENTITY),
    Metric("slo:period_error_budget_remaining:ratio", "gauge", "ratio", "Share of the period's budget that is left", _IDENTITY),
    Metric("sloth_slo_info", "info", "info", "Each SLO, with its objective and source",
           (*_IDENTITY, "sloth_objective", "sloth_mode", "sloth_spec", "sloth_version")),
)
