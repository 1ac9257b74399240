"""runbook_sections: none, one too few, one too many, headings that are not the five, nothing to paste."""

import pytest
from example_content import RUNBOOK, content, found


@pytest.mark.parametrize(("runbook", "says"), [
    ("", "runbook.md: is missing; it needs a section for each of ShopQueueLong, ShopFatal"),
    (RUNBOOK.replace("## ShopFatal", "## ShopFatality"), "has no section for alert ShopFatal; add '## ShopFatal'"),
    (RUNBOOK + "\n## ShopGone\nx\n", "section 'ShopGone' is of no alert"),
    (RUNBOOK.replace("### Impact\nIt hurts.\n", ""), "has the headings Meaning, Diagnosis, Mitigation, Escalation"),
    (RUNBOOK.replace("### Meaning\nIt is so.\n### Impact\nIt hurts.\n", "### Impact\nIt hurts.\n### Meaning\nIt is so.\n"),
     "has the headings Impact, Meaning"),
    (RUNBOOK + "\n## ShopFatal\n", "section 'ShopFatal' is there twice"),
    (RUNBOOK.replace("It hurts.", ""), "Impact is empty"),
    (RUNBOOK.replace("- `shop_queue`", "Look around."), "Diagnosis has no query or command to paste"),
])
def test_refused(runbook, says):
    assert [text for text in found("runbook_sections", content(runbook=runbook)) if says in text]


def test_a_block_of_code_is_something_to_paste():
    assert not found("runbook_sections", content(runbook=RUNBOOK.replace("- `shop_queue`", "```\nshop_queue\n  ## indented\n```")))
