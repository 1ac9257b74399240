"""Rules and their tests: labels, links, thresholds of the estate, inhibitions, and what a proof becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from example_content import FATAL, QUEUE, SYSTEM, TARGET, content, shop
from hypothesis import given
from hypothesis import strategies as st

from dashboards import checks, rules
from dashboards.estate import Estate
from dashboards.model import ContentError, Inhibit, Proof

ESTATE = Estate("lab", ("eu",), ("shop",), ("web", "platform"))


def test_a_rule_carries_everything_that_the_woken_need():
    made = rules.rule(shop(), QUEUE, ESTATE)
    assert made["labels"] == {"severity": "warning", "owner": "web", "system": "shop"}
    assert (made["expr"], made["for"]) == ("shop_queue > 10", "5m")
    assert set(made["annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert made["annotations"]["summary"] == "{{ $value }} requests wait at {{ $labels.instance }}"
    assert made["annotations"]["runbook_url"].endswith("/runbooks/shop.html#shopqueuelong")
    assert "var-instance={{ $labels.instance }}" in made["annotations"]["dashboard_url"], "the alert's own instance"
    assert "keep_firing_for" not in made


def test_an_alert_may_have_another_owner():
    assert rules.rule(shop(), replace(QUEUE, owner="platform"), ESTATE)["labels"]["owner"] == "platform"


def test_other_regions_are_told_by_a_label_and_only_by_prometheus():
    assert rules.rule(shop(), replace(QUEUE, elsewhere=True), ESTATE)["labels"]["told_elsewhere"] == "true"
    with pytest.raises(ContentError, match="alert ShopFatal: only Prometheus can tell other regions"):
        replace(FATAL, elsewhere=True)


def test_the_estates_threshold_wins():
    other = replace(ESTATE, thresholds={"shop": {"queue": 99.5}})
    assert rules.rule(shop(), QUEUE, other)["expr"] == "shop_queue > 99.5"
    with pytest.raises(ContentError, match="observatory_thresholds.shop: length is not a threshold of this system; it has queue"):
        rules.rule(shop(), QUEUE, replace(ESTATE, thresholds={"shop": {"length": 1}}))


def test_groups_by_source():
    prometheus, loki = (rules.groups(shop(), ESTATE, source) for source in ("prometheus", "loki"))
    assert [group["name"] for group in prometheus] == ["psf-shop-recordings", "psf-shop-alerts"]
    assert [row["alert"] for group in loki for row in group["rules"]] == ["ShopFatal"]
    assert rules.groups(shop(alerts=(), recordings=()), ESTATE, "prometheus") == []


@pytest.mark.parametrize(("value", "minutes", "expanded"), [
    ("5", 20, "5x19"), ("0+60", 20, "0+60x19"), ("10-1", 3, "10-1x2"), ("_", 20, "_x20"), ("flap", 4, "1 0 1 0"), ("0 1", 20, "0x0 1x18"),
    ("0 0 7", 5, "0x0 0x0 7x2")])
def test_expand(value, minutes, expanded):
    assert rules.expand(value, minutes, "x") == expanded


@pytest.mark.parametrize("value", ["", "5x3", "0+1X5"])
def test_expand_refuses(value):
    with pytest.raises(ContentError, match="write 5, 0\\+60, 10-1, flap or _"):
        rules.expand(value, 5, "x")


@given(st.lists(st.sampled_from(["5", "0", "_", "1.5"]), min_size=1, max_size=3), st.integers(6, 60))
def test_expand_gives_one_sample_a_minute(parts, minutes):
    samples = 0
    for part in rules.expand(" ".join(parts), minutes, "x").split():
        head, _x, times = part.partition("x")
        samples += int(times or 0) + (0 if head == "_" and times else 1)
    assert samples == minutes


def test_a_proof_is_long_enough_and_goes_there_and_back():
    tests = rules.prometheus_tests(shop(alerts=(replace(QUEUE, expr="max_over_time(shop_queue[30m]) > $queue"),)), ESTATE)
    assert tests["rule_files"] == ["../rules/shop.yml"]
    fires, silent = tests["tests"]
    first, second = fires["promql_expr_test"]
    assert int(first["eval_time"][:-1]) >= 35 and first["exp_samples"][0]["value"] == 1
    assert int(second["eval_time"][:-1]) > int(first["eval_time"][:-1]) and second["exp_samples"][0]["value"] == 0
    assert all(check["exp_samples"][0]["value"] == 0 for check in silent["promql_expr_test"])
    assert rules.prometheus_tests(shop(alerts=(FATAL,)), ESTATE) is None


def test_lines_of_a_log_proof():
    assert rules.loki_tests(shop(), ESTATE) == [{
        "alert": "ShopFatal", "expr": FATAL.expr, "for": "0s",
        "fires": [{"labels": {"service_name": "shop", "region": "eu"}, "lines": ["fatal: x"]}],
        "silent": [{"labels": {"service_name": "shop", "region": "eu"}, "lines": ["fine"]}]}]


def inhibiting(*inhibits):
    of = content(alerts=(replace(QUEUE, inhibits=inhibits), FATAL))
    return rules.inhibit_rules(of, of.systems)


def test_inhibitions():
    assert inhibiting(Inhibit(("ShopFatal",), ("region", "host"))) == [{
        "source_matchers": ['alertname="ShopQueueLong"', 'system="shop"'], "target_matchers": ['system="shop"', 'alertname=~"ShopFatal"'],
        "equal": ["region", "host"]}]
    assert inhibiting(Inhibit(("*",), ("region",)))[0]["target_matchers"] == ['system="shop"', 'alertname!="ShopQueueLong"'], "never itself"


def test_inhibitions_of_what_is_not_there():
    with pytest.raises(ContentError, match="there is no system 'nosuch'"):
        inhibiting(Inhibit(("*",), (), system="nosuch"))
    with pytest.raises(ContentError, match="Gone is not an alert of shop; it has ShopFatal, ShopQueueLong"):
        inhibiting(Inhibit(("Gone",), ()))
    other = shop(system=replace(SYSTEM, id="shop2"), alerts=(replace(QUEUE, name="Other", inhibits=(Inhibit(("*",), (), system="shop"),)),))
    of = content(other)
    assert rules.inhibit_rules(of, (other,)) == [], "a system that the estate has not got"


def test_dumped_rules_read_back_and_stay_readable():
    groups = rules.groups(shop(alerts=(replace(QUEUE, expr="shop_queue\n  > $queue"),)), ESTATE, "prometheus")
    text = rules.dump({"groups": groups})
    assert yaml.safe_load(text) == {"groups": groups} and "|" in text and "!!" not in text


def test_proofs_name_the_target():
    assert TARGET in next(iter(QUEUE.proof.firing)) and isinstance(QUEUE.proof, Proof)
    assert checks.everywhere(content()).systems == ("observatory", "shop")


def test_a_proof_is_looked_at_at_the_end_of_each_phase():
    """Before, the alert may still be pending; after, the next phase has begun."""
    tests = rules.prometheus_tests(shop(), ESTATE)["tests"]
    minutes = rules.phase(shop(), QUEUE, ESTATE, QUEUE.proof)
    assert minutes == 15, "five minutes of `for`, and what it takes to fire and to resolve"
    assert [[row["eval_time"] for row in test["promql_expr_test"]] for test in tests] == [["14m", "29m"], ["7m", "14m"]]
