"""logql_parses: a mistake, numbers where lines are shown, and lines where numbers are needed."""

from dataclasses import replace

import pytest
from example_content import FATAL, SYSTEM, content, dashboard, found

from dashboards import panels


@pytest.mark.parametrize(("changes", "says"), [
    ({"alerts": (replace(FATAL, expr='sum(count_over_time({service_name="shop"} |= "fatal" [5m]) > 0'),)},
     "shop: alert ShopFatal: is not LogQL"),
    ({"alerts": (replace(FATAL, expr='{service_name="shop"} |= "fatal"'),)}, "needs numbers, but the query gives lines"),
    ({"dashboards": (dashboard(panels.logs("wrong", "Lines", "All lines.", 'rate({service_name="shop"}[5m])')),)},
     "shows lines, but the query gives numbers"),
    ({"system": replace(SYSTEM, logs="{service_name=shop}")}, "shop: system: logs: is not LogQL"),
])
def test_refused(changes, says):
    assert [text for text in found("logql_parses", content(**changes)) if says in text]
