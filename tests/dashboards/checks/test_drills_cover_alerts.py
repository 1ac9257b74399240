"""drills_cover_alerts: an alert without drill or reason, a reason too many, a drill of an alert that there is not."""

import pytest
from example_content import content, found

DRILL = ("drills: [{id: queue, what: it gets long, on: shop, fault: ['true'], undo: ['true'], alerts: {ShopQueueLong: {}}, within: 60, "
         "clears_within: 60}]\n")
REASON = "not_drilled: {ShopFatal: it would end the lab}\n"


@pytest.mark.parametrize(("text", "says"), [
    ("drills: []", "alert ShopQueueLong has neither a drill nor a reason"),
    (DRILL, "alert ShopFatal has neither a drill nor a reason"),
    (DRILL + "not_drilled: {ShopFatal: it would end all, ShopGone: it was here once}", "is not an alert of this system"),
    (DRILL + "not_drilled: {ShopFatal: it would end all, ShopQueueLong: it takes too long}", "is drilled all the same"),
    (DRILL.replace("ShopQueueLong: {}", "ShopQueueLong: {}, ShopShort: {}") + REASON, "there is no alert ShopShort"),
])
def test_refused(tmp_path, text, says):
    (tmp_path / "drills.yml").write_text(text)
    assert [problem for problem in found("drills_cover_alerts", content(folder=tmp_path)) if says in problem]


def test_held(tmp_path):
    (tmp_path / "drills.yml").write_text(DRILL + REASON)
    assert not [problem for problem in found("drills_cover_alerts", content(folder=tmp_path)) if "shop" in problem.lower()]
