"""log_streams: a selector by what is no label of a stream, in a panel, an alert, the system's own logs and a proof."""

from dataclasses import replace

import pytest
from example_content import FATAL, SYSTEM, content, dashboard, found

from dashboards import panels
from dashboards.model import LogProof

PANEL = panels.logs("extra", "Extra", "What is extra.", '{service_name="shop", severity_text="ERROR"}')


@pytest.mark.parametrize(("changes", "says"), [
    ({"dashboards": (dashboard(PANEL),)}, "dashboard overview: panel extra: selects streams by severity_text; streams have host, region"),
    ({"alerts": (replace(FATAL, expr='sum by (region, host) (rate({job="shop"} [5m])) > 0'),)}, "alert ShopFatal: selects streams by job"),
    ({"system": replace(SYSTEM, logs='{app="shop"}')}, "system: logs: selects streams by app"),
    ({"alerts": (replace(FATAL, proof=LogProof({"service_name": "shop", "level": "x"}, ("a",), ("b",))),)},
     "alert ShopFatal: proof: its stream has the label level"),
])
def test_refused(changes, says):
    assert [text for text in found("log_streams", content(**changes)) if says in text]
