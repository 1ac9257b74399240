"""histogram_quantile wants the rate of each bucket, summed by le and what else is to be told apart: without le there are no buckets,
and without rate the quantile is that of all time since the start."""

from dashboards import checks
from dashboards.checks import Found
from dashboards.load import Content


def check(content: Content) -> Found:
    for _loaded, row, found in checks.used(content):
        for quantile in found.quantiles_without_le:
            yield row.where, (
                f"{quantile} is not over rates of buckets by le; write histogram_quantile(0.95, sum by (le) (rate(x_bucket[...])))")
