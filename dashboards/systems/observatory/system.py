"""The platform as a whole: the landing page of a region, all regions side by side, error budgets, and the pipeline of alerts itself."""

from dashboards.model import System

SYSTEM = System(
    id="observatory", title="PSF Observatory", owner="platform",
    description="Where one starts: what is up, what fires, which budgets are left, in one region and in all.",
    jobs=(), logs='{service_name="alert_log"}',
    left_out=(("one dashboard over the Prometheus servers of all regions",
               "it needs the global view above the regions; until then `global` shows what the data source behind it holds"),))
