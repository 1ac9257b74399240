"""drills.yml: what is read, and what is refused with file and key."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dashboards import drills, load
from dashboards.model import ContentError

DRILL = {"id": "disk-full", "what": "a disk fills", "on": "node", "fault": ["touch x"], "undo": ["rm -f x"],
         "alerts": {"NodeFull": {"host": "$HOST"}},
         "within": 60, "clears_within": 30}


def parse(drill=None, **data):
    return drills.parse(yaml.safe_dump({"drills": [drill or DRILL], **data}), "systems/node/drills.yml")


def test_read():
    found = parse(DRILL, not_drilled={"NodeOld": "it takes an hour"})
    assert found.drills[0].alerts == {"NodeFull": {"host": "$HOST"}}
    assert found.not_drilled == {"NodeOld": "it takes an hour"}


def test_another_region_may_raise_or_tell_it():
    found = parse(DRILL | {"seen_at": "elsewhere", "alerts": {"NodeFull": {"region": "$OTHER"}}}).drills[0]
    assert found.seen_at == "elsewhere" and found.alerts == {"NodeFull": {"region": "$OTHER"}}


def test_the_key_on_needs_no_quotes():
    text = "drills: [{id: a, what: b, on: node, fault: [c], undo: [d], alerts: {NodeFull: {}}, within: 9, clears_within: 9}]"
    assert drills.parse(text, "x").drills[0].on == "node"


@pytest.mark.parametrize(("change", "says"), [
    ({"id": "Disk Full"}, "(Disk Full): id: 'Disk Full' is not lower case words"),
    ({"undo": []}, "undo missing"),
    ({"faults": ["x"]}, "unknown keys faults; known are id"),
    ({"fault": "touch x"}, "fault: must be a list of texts"),
    ({"within": 9000}, "within: 9000 is not seconds up to 1200"),
    ({"within": "1m"}, "within: '1m' is not seconds"),
    ({"clears_within": 0}, "needs clears_within"),
    ({"lasts": {"NodeFull": "for ten minutes more"}}, "needs clears_within (seconds) unless"),
    ({"lasts": {"NodeOther": "for ten minutes more"}}, "lasts: must map alerts of this drill"),
    ({"lasts": {"NodeFull": "long"}, "clears_within": 0}, "needs reasons"),
    ({"alerts": ["NodeFull"]}, "alerts: must map alerts"),
    ({"alerts": {"node full": {}}}, "is not the name of an alert"),
    ({"alerts": {"NodeFull": {"region": "eu"}}}, "region is that of the drill; leave it out, or say $OTHER"),
    ({"hosts": "some"}, "'some' is not one of first, all"),
    ({"seen_at": "pager"}, "'pager' is not one of receiver"),
    ({"files": ["disk.iso"]}, "'disk.iso' is not one of disk.img"),
    ({"alone": "yes please"}, "alone: must be true or false"),
])
def test_refused(change, says):
    with pytest.raises(ContentError) as error:
        parse(DRILL | change)
    assert says in str(error.value)
    assert str(error.value).startswith("systems/node/drills.yml: drills[0]")


@pytest.mark.parametrize(("text", "says"), [
    ("- a", "must be a mapping"), ("drills: {", "is not YAML"), ("faults: []", "unknown keys faults"),
    ("drills: 3", "drills: must be a list"),
    ("not_drilled: {NodeFull: no}", "not_drilled.NodeFull: needs a reason"),
    ("not_drilled: {full: it takes an hour}", "is not the name of an alert"),
])
def test_a_file_that_is_refused(text, says):
    with pytest.raises(ContentError, match="systems/x/drills.yml") as error:
        drills.parse(text, "systems/x/drills.yml")
    assert says in str(error.value)


def test_an_id_is_used_once():
    with pytest.raises(ContentError, match="disk-full is used twice"):
        drills.parse(yaml.safe_dump({"drills": [DRILL, DRILL]}), "x")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*drills.KNOWN, "drills", "not_drilled",
                                                                                                 "x"]), inner, max_size=5),
                    max_leaves=12))
def test_whatever_is_written_is_read_or_refused(data):
    try:
        drills.parse(yaml.safe_dump(data), "x")
    except ContentError as error:
        assert str(error).startswith("x")


def test_the_document_says_only_what_was_said():
    rows = drills.document(load.everything().systems)["drills"]
    assert rows, "no system has a drill"
    for row in rows:
        assert row["system"] and row["undo"] and row["alerts"]
        assert not [key for key, value in row.items() if value in (None, "", False)]
    assert len({(row["system"], row["id"]) for row in rows}) == len(rows)
