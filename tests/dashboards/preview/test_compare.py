"""What differs between two bundles: said of what was changed, and of nothing else; as Markdown that stays text."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dashboards.model import ContentError
from dashboards.preview import compare, summary
from dashboards.preview.bundle import read
from dashboards.preview.compare import BoardChange, Change, Difference, PanelChange, RuleChange

UID = "psf-node-overview"


@pytest.fixture
def edited(directory, tmp_path):
    """The bundle with edits: a function of the dashboard's JSON, of a file of rules, or of the directory."""

    def edit(board=None, rules=None, files=None):
        out = tmp_path / "new"
        shutil.copytree(directory, out)
        for path, change, load, dump in (
            (out / f"grafana/dashboards/{UID}.json", board, json.loads, json.dumps),
            (out / "prometheus/rules/node.yml", rules, yaml.safe_load, yaml.safe_dump),
        ):
            if change:
                data = load(path.read_text())
                change(data)
                path.write_text(dump(data))
        if files:
            files(out)
        return compare.compare(read(directory), read(out))

    return edit


def panel(data, title):
    return next(item for item in data["panels"] if item.get("title") == title and item["type"] != "row")


def only(found):
    """The one panel that differs."""
    (board,) = found.boards
    (changed,) = board.panels
    assert (board.uid, board.changes, found.rules, found.files) == (UID, (), (), ())
    return changed


def test_equal_bundles_do_not_differ(edited):
    found = edited()
    assert not found and found.counts() == {}
    assert "Nothing differs" in summary.markdown(found)


def change_threshold(data):
    panel(data, "Memory in use")["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"] = 0.5


def change_query(data):
    panel(data, "Memory in use")["targets"][0]["expr"] = "vector(1)"


def put_a_query_first(data):
    targets = panel(data, "Memory in use")["targets"]
    targets.insert(0, {**targets[0], "expr": "vector(1)"})
    for index, target in enumerate(targets):
        target["refId"] = chr(65 + index)


def change_unit(data):
    panel(data, "Memory in use")["fieldConfig"]["defaults"]["unit"] = "bytes"


def change_size(data):
    panel(data, "Memory in use")["gridPos"]["w"] = 24


def change_legend(data):
    panel(data, "Memory in use")["options"]["legend"]["displayMode"] = "table"


def change_columns(data):
    step = panel(data, "Hosts")["transformations"]
    panel(data, "Hosts")["transformations"] = step


@pytest.mark.parametrize(
    ("edit", "what", "old", "new"),
    [
        (change_threshold, "thresholds", r"green, \w+ from .*", r"green, .* from 0.5"),
        (change_query, "query A", r".*node_memory.*", r"vector\(1\)"),
        (put_a_query_first, "query A", "", r"vector\(1\)"),
        (change_unit, "unit", "percentunit", "bytes"),
        (change_size, "size", "8 wide, 8 high", "24 wide, 8 high"),
        (change_legend, "legend.displayMode", "list", "table"),
    ],
)
def test_a_changed_panel_is_told_in_its_own_words(edited, edit, what, old, new):
    changed = only(edited(board=edit))
    assert (changed.status, changed.title) == ("changed", "Memory in use")
    (change,) = changed.changes
    assert change.what == what
    assert re.fullmatch(old, change.old, re.DOTALL) and re.fullmatch(new, change.new, re.DOTALL)


def test_what_moves_down_because_of_another_panel_is_no_change(edited):
    def edit(data):
        at = next(index for index, item in enumerate(data["panels"]) if item["type"] == "row") + 1
        for item in data["panels"][at:]:
            item["gridPos"]["y"] += 8
        data["panels"].insert(
            at,
            {
                **data["panels"][at],
                "id": 7,
                "title": "New one",
                "gridPos": {"x": 0, "y": data["panels"][at]["gridPos"]["y"] - 8, "w": 8, "h": 8},
            },
        )

    changed = only(edited(board=edit))
    assert (changed.status, changed.title, changed.id) == ("added", "New one", 7)


def test_a_removed_panel_and_one_in_another_place(edited):
    def edit(data):
        data["panels"].remove(panel(data, "Memory in use"))
        rows = [index for index, item in enumerate(data["panels"]) if item["type"] == "row"]
        first, second = data["panels"][rows[0] + 1 : rows[0] + 3]
        data["panels"][rows[0] + 1 : rows[0] + 3] = [second, first]

    (board,) = edited(board=edit).boards
    assert [(item.status, item.title) for item in board.panels] == [("removed", "Memory in use")]
    assert [change.what for change in board.changes] == ["order of Golden signals"]


def test_a_dashboard_that_came_or_went(directory, edited):
    def gone(out):
        manifest = json.loads((out / "manifest.json").read_text())
        manifest["files"] = [row for row in manifest["files"] if UID not in row["path"]]
        (out / "manifest.json").write_text(json.dumps(manifest))

    (board,) = edited(files=gone).boards
    assert (board.status, board.uid) == ("removed", UID)
    assert {item.status for item in board.panels} == {"removed"}


def test_rules(edited):
    def edit(data):
        rules = next(group for group in data["groups"] if group["name"] == "psf-node-alerts")["rules"]
        by_name = {rule["alert"]: rule for rule in rules}
        by_name["NodeRebooted"]["expr"] = by_name["NodeRebooted"]["expr"].replace("600", "900")
        by_name["NodeDown"]["labels"]["severity"] = "warning"
        by_name["NodeDown"]["for"] = "5m"
        rules.append({"alert": "NodeNew", "expr": "up == 0", "labels": {"system": "node"}})

    found = {rule.name: rule for rule in edited(rules=edit).rules}
    assert set(found) == {"NodeRebooted", "NodeDown", "NodeNew"}
    assert found["NodeRebooted"].changes[0] == Change("threshold", "600", "900")
    assert [(change.what, change.old, change.new) for change in found["NodeDown"].changes] == [
        ("for", "2m", "5m"),
        ("label severity", "critical", "warning"),
    ]
    assert found["NodeNew"].status == "added"


def test_other_files_by_their_lines(edited):
    found = edited(files=lambda out: (out / "runbooks/node.md").write_text((out / "runbooks/node.md").read_text() + "more\nlines\n"))
    assert found.files == (Change("runbooks/node.md", "0 lines", "2 lines"),)


def test_rules_that_cannot_be_read(edited):
    with pytest.raises(ContentError, match=r"node.yml: .*render the bundle again"):
        edited(files=lambda out: (out / "prometheus/rules/node.yml").write_text("groups: [{"))


TEXT = st.text(st.sampled_from("ab1 .{}()|`*_[]<>@#\n~\\é"), max_size=60)


@given(TEXT, TEXT)
def test_marked_pieces_are_the_texts(old, new):
    for text, pieces in zip((old, new), compare.marked(old, new), strict=True):
        assert "".join(piece for _differs, piece in pieces) == text


@given(TEXT)
def test_markdown_stays_one_cell(text):
    """A cell cannot end its row, and what stands as code has a fence that is not within it."""
    for cell in (summary.plain(text), summary.code(text)):
        assert "\n" not in cell and not re.search(r"(?<!\\)(?:\\\\)*\|", cell.replace("\\|", "")) and not cell.startswith("@")
    fence = re.match("`*", summary.code(text))[0]
    if fence:
        assert fence not in re.split(r"[^`]+", summary.code(text)[len(fence) : -len(fence)])


def test_a_summary_is_short_and_counts_what_it_leaves_out():
    panels = tuple(PanelChange("changed", key, f"Panel {key}", "Row", (Change("unit", "s", "x" * 1000),)) for key in range(500))
    text = summary.markdown(
        Difference((BoardChange("changed", "u", "Title", "s", (), panels),), (RuleChange("added", "alert", "A", "prometheus", "s"),))
    )
    assert "and 440 more" in text and "**panels**: 500 changed" in text and "**alerts**: 1 added" in text
    assert len(text) < 30_000
