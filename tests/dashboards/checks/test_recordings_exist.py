"""recordings_exist: a rule that nobody records, a name that says nothing, one recorded twice."""

from dataclasses import replace

from example_content import QUEUE, RECORDING, SYSTEM, content, dashboard, found, panel, shop


def test_unknown_recording():
    assert found("recordings_exist", content(dashboards=(dashboard(panel("region:shop_gone:rate5m")),))) == [
        "shop: dashboard overview: panel extra: uses region:shop_gone:rate5m, which no rule records; there are region:shop_requests:rate5m"]
    assert found("recordings_exist", content(alerts=(replace(QUEUE, expr="a:b:c > $queue"),)))


def test_name():
    assert "is not level:metric:operations" in found("recordings_exist",
                                                     content(recordings=(replace(RECORDING, record="shop_requests_rate5m"),)))[0]


def test_twice():
    other = shop(system=replace(SYSTEM, id="shop2"))
    assert found("recordings_exist", content(other)) == ["shop2: recording region:shop_requests:rate5m: is recorded by shop too"]
