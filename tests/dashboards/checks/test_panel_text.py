"""panel_text: units that Grafana does not know, descriptions that say nothing."""

from dataclasses import replace

import pytest
from example_content import content, dashboard, found, panel


@pytest.mark.parametrize(("changed", "says"), [
    (replace(panel("shop_queue"), unit="seconds"), "unit 'seconds' is not one that Grafana knows"),
    (replace(panel("shop_queue"), options={"units": {"Up for": "sec"}}), "unit 'sec' of column Up for"),
    (replace(panel("shop_queue"), description="requests that wait"), "is not a sentence"),
    (replace(panel("shop_queue"), description="Extra."), "says no more than the title"),
])
def test_refused(changed, says):
    assert [text for text in found("panel_text", content(dashboards=(dashboard(changed),))) if says in text]
