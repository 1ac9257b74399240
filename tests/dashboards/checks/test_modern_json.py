"""modern_json: an old schema, nulls, dead keys, panels of no type or out of place, queries without ids."""

import pytest
from example_content import content, found

from dashboards import checks


@pytest.mark.parametrize(("change", "says"), [
    (lambda data: data.update(schemaVersion=39), "schemaVersion is 39, not 42"),
    (lambda data: data.update(style="dark"), "has the key style"),
    (lambda data: data["panels"][1].update(description=None), "panels[1].description is null"),
    (lambda data: data["panels"][1].update(span=4), "has the key span"),
    (lambda data: data["panels"][1].update(type="graph"), "is of the type 'graph'"),
    (lambda data: data["panels"][1]["gridPos"].update(x=20, w=8), "reaches over the right edge"),
    (lambda data: data["panels"][1]["targets"][0].pop("refId"), "each needs its own"),
])
def test_refused(change, says):
    of = content()
    change(checks.rendered(of)[-1].data)
    assert [text for text in found("modern_json", of) if says in text]


def test_a_first_threshold_has_no_value():
    of = content()
    steps = checks.rendered(of)[-1].data["panels"][1]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[0]["value"] is None and not found("modern_json", of)
