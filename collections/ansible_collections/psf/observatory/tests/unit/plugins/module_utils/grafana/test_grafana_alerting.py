# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's own alerting, correlations and service accounts: declared, compared in meaning, pruned, and judged before they are sent."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.grafana import durations, notifications
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double import Double
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.rig import Rig
from hypothesis import given, settings
from hypothesis import strategies as st

P = "/api/v1/provisioning"


def rule_of(rig, name="r"):
    return rig.get(f"{P}/alert-rules/{rig.uid(name)}")


def points_of(rig):
    return {row["uid"]: row for row in rig.get(P + "/contact-points")}


# -- converge ----------------------------------------------------------------------------------------------------------
def test_all_of_alerting_is_made_and_the_second_run_writes_nothing(rig):
    wanted = rig.alerting()
    first = rig.sync(**wanted)
    assert first.objects["created"] == 7 and first.objects["changed"] == 1 and not first.drift and not first.warnings
    assert rule_of(rig)["data"][0]["model"]["expr"] == "up" and points_of(rig)[rig.uid("p")]["settings"]["password"] == "[REDACTED]"
    again = rig.sync(**wanted)
    assert not again.changed and again.calls["writes"] == 0 and again.objects["unchanged"] == 8


def test_what_the_server_rewrites_is_no_change(rig):
    rig.sync(**rig.alerting())
    same = rig.alerting()
    rule = same["rule_groups"][0]["rules"][0]
    rule.update({"for": "300s", "data": list(reversed(rule["data"]))})
    rule["data"][1]["model"].update(intervalMs=1000, maxDataPoints=43200, refId="A")
    same["rule_groups"][0]["interval"] = "60s"
    same["policies"]["group_wait"] = "1m30s"
    same["policies"]["routes"][0] = {"object_matchers": [["env", "!=", "dev"], ["team", "=", "a"]],
                                     "mute_time_intervals": [rig.title("nights")], "continue": False, "routes": []}
    same["mute_timings"][0]["time_intervals"][0].update(months=["5", "january:march"], weekdays=["monday:friday"])
    same["notification_templates"][0]["template"] = '\n{{ define "%s" }}\n  hello {{ .Status }}\n{{ end }}\n' % rig.title("text")
    assert not rig.sync(**same).changed


def test_check_mode_shows_the_same_plan(rig):
    check = rig.sync(check=True, **rig.alerting())
    assert check.calls["writes"] == 0 and rig.sync(**rig.alerting()).plan == check.plan


def test_changes_are_told_in_their_own_words(rig):
    rig.sync(**rig.alerting())
    wanted = rig.alerting(rule_groups=[rig.group(rig.rule(expr="up{job='x'}", **{"for": "10m"}), interval="2m")])
    wanted["policies"]["routes"][1]["receiver"] = None
    wanted["policies"]["routes"].reverse()
    wanted["contact_points"][0]["settings"]["url"] = "http://127.0.0.1:9/other"
    steps = {row["target"]: row["detail"] for row in rig.sync(**wanted).plan}
    title = rig.title("Rule r")
    assert steps == {
        'contact point "%s" (%s)' % (rig.title("Point p"), rig.uid("p")):
            "settings / url: http://127.0.0.1:9/hook -> http://127.0.0.1:9/other",
        "notification policies": "route severity=~critical|page / receiver: removed; order of route: "
                                 "env!=dev team=a severity=~critical|page -> severity=~critical|page env!=dev team=a",
        'alert rule "%s" (%s)' % (title, rig.uid("r")): "query A / model / expr: up -> up{job='x'}; for: 5m -> 10m",
        "rule group %s/%s" % (rig.uid("f"), rig.title("g")): "interval: 1m -> 2m"}
    assert not rig.sync(**wanted).changed
    assert rig.get("%s/folder/%s/rule-groups/%s" % (P, rig.uid("f"), rig.title("g").replace(" ", "%20")))["interval"] == 120


def test_a_rule_moves_to_another_group_and_folder(rig):
    wanted = rig.alerting(folders=[rig.folder(), rig.folder("o")])
    rig.sync(**wanted)
    wanted["rule_groups"] = [rig.group(name="other", folder="o")]
    outcome = rig.sync(**wanted)
    assert rule_of(rig)["folderUID"] == rig.uid("o") and ("forget", "rule group %s/%s" % (rig.uid("f"), rig.title("g"))) in outcome.steps
    assert not rig.sync(**wanted).changed


def test_titles_of_rules_pass_from_one_to_the_next(rig):
    base = rig.alerting(rule_groups=[rig.group(rig.rule("a", title="One"), rig.rule("b", title="Two"))])
    rig.sync(**base)
    base["rule_groups"] = [rig.group(rig.rule("a", title="Two"), rig.rule("c", title="One"))]
    outcome = rig.sync(**base)
    assert (outcome.objects["created"], outcome.objects["changed"], outcome.objects["deleted"]) == (1, 1, 1)
    assert not rig.sync(**base).changed


def test_rules_of_others_in_the_same_group_stay(rig):
    rig.sync(**rig.alerting(rule_groups=[rig.group(rig.rule(), interval="1m")]))
    theirs = {**rule_of(rig), "uid": rig.uid("theirs"), "title": rig.title("Theirs")}
    rig.call("POST", P + "/alert-rules", theirs)
    rig.sync(**rig.alerting(rule_groups=[rig.group(rig.rule(expr="down"), interval="2m")]))
    assert rule_of(rig, "theirs")["title"] == rig.title("Theirs")
    outcome = rig.sync(folders=[])
    assert rule_of(rig, "theirs") and "alert rule %s in it is not ours" % rig.uid("theirs") in outcome.warnings[0]
    rig.call("DELETE", f"{P}/alert-rules/{rig.uid('theirs')}")


def test_only_what_is_ours_is_pruned_and_the_policies_come_back(rig):
    before = rig.get(P + "/policies")
    rig.sync(**rig.alerting())
    rig.call("POST", P + "/contact-points", {**rig.point("theirs"), "disableResolveMessage": False})
    outcome = rig.sync(state="absent")
    assert outcome.objects["deleted"] == 7 and rig.get(P + "/policies") == before
    assert rig.uid("p") not in points_of(rig) and rig.uid("theirs") in points_of(rig)
    assert not rig.get(f"{P}/templates/{rig.title('text').replace(' ', '%20')}")
    rig.call("DELETE", f"{P}/contact-points/{rig.uid('theirs')}")
    assert not rig.sync(state="absent").changed


def test_a_contact_point_is_given_up_when_the_policies_have_left_it(rig):
    rig.sync(**rig.alerting())
    wanted = rig.alerting(contact_points=[rig.point("q")])
    wanted["policies"] = {"receiver": rig.title("Point q")}
    wanted["mute_timings"] = []
    outcome = rig.sync(**wanted)
    assert outcome.objects["deleted"] == 2 and not rig.sync(**wanted).changed


def test_a_contact_point_with_a_new_name_takes_the_policies_along(rig):
    rig.sync(**rig.alerting())
    wanted = rig.alerting(contact_points=[rig.point(title="New name", secure_settings={"password": "correct-horse"})])
    wanted["policies"]["group_interval"] = "7m"
    text = json.dumps(wanted["policies"]).replace(rig.title("Point p"), rig.title("New name"))
    outcome = rig.sync(**{**wanted, "policies": json.loads(text)})
    assert outcome.drift == [] and rig.get(P + "/policies")["receiver"] == rig.title("New name")
    assert not rig.sync(**{**wanted, "policies": json.loads(text)}).changed


# -- secrets -----------------------------------------------------------------------------------------------------------
def test_secrets_of_a_contact_point_are_written_when_they_change(rig):
    def wanted(**secrets):
        return {"contact_points": [rig.point(secure_settings=secrets)]}
    rig.sync(**wanted(password="correct-horse"))
    assert not rig.sync(**wanted(password="correct-horse")).changed
    outcome = rig.sync(**wanted(password="battery-staple"))
    assert outcome.plan[0]["detail"] == "secrets: as they were -> changed (password)"
    outcome = rig.sync(**wanted())
    assert outcome.plan[0]["detail"] == "secret password: set -> none"
    assert "password" not in points_of(rig)[rig.uid("p")]["settings"] and not rig.sync(**wanted()).changed
    text = json.dumps([outcome.result, outcome.diff, rig.get("/api/dashboards/uid/psf-record-" + rig.tag)])
    assert "staple" not in text and "horse" not in text


def test_a_secret_that_an_older_grafana_shows_is_one_all_the_same(rig):
    wanted = {"contact_points": [rig.point("d", type="discord", settings={"message": "x"},
                                           secure_settings={"url": "http://127.0.0.1:9/secret"})]}
    rig.sync(**wanted)
    assert not rig.sync(**wanted).changed
    assert rig.sync().drift == []


def test_a_secret_in_the_settings_is_refused(broken):
    with pytest.raises(ConcernError, match=r"contact_points: .*-p: settings: password is a secret of the type webhook"):
        broken.sync(contact_points=[broken.point(settings={"url": "http://h", "password": "x"})])


# -- drift -------------------------------------------------------------------------------------------------------------
def test_alerting_edited_by_hand_is_told_and_overwritten_left_or_adopted(rig):
    rig.sync(**rig.alerting())
    rig.call("PUT", f"{P}/alert-rules/{rig.uid('r')}", {**rule_of(rig), "for": "1h"})
    rig.call("PUT", P + "/policies", {"receiver": rig.title("Point p")})
    left = rig.sync(**rig.alerting(), drift="leave")
    assert {(row["kind"], row["found"], row["done"]) for row in left.drift} == {
        ("alert rule", "edited", "left"), ("policies", "edited", "left")} and not left.changed
    adopted = rig.sync(**rig.alerting(), drift="adopt")
    assert [row["path"] for row in adopted.patches] == ["grafana/policies/organisation.json",
                                                        "grafana/alert_rules/%s.json" % rig.uid("r")]
    assert '- "for": "5m",\n+ "for": "1h",' in adopted.patches[1]["patch"]
    assert rig.sync(**rig.alerting()).objects["changed"] == 2 and not rig.sync(**rig.alerting()).changed


def test_policies_of_others_are_told_and_a_reset_by_hand_is_drift(rig):
    rig.sync(contact_points=[rig.point()])
    rig.call("PUT", P + "/policies", {"receiver": rig.title("Point p"), "repeat_interval": "4h"})
    outcome = rig.sync(**rig.alerting(), drift="leave")
    assert [row["found"] for row in outcome.drift] == ["made by others"]
    rig.sync(**rig.alerting())
    rig.call("DELETE", P + "/policies")
    outcome = rig.sync(**rig.alerting())
    assert [row["found"] for row in outcome.drift] == ["deleted"] and rig.get(P + "/policies")["receiver"] == rig.title("Point p")


def test_an_edit_during_the_run_is_seen_though_alerting_has_no_versions(broken, double):
    broken.sync(**broken.alerting())
    handle, left = double.handle, ["1h"]

    def meanwhile(method, path, headers, body):
        if method == "POST" and b"psf-record" in body and left:
            double.orgs[1].alerting.rules[broken.uid("r")]["for"] = left.pop()
        return handle(method, path, headers, body)

    double.handle = meanwhile
    wanted = broken.alerting(rule_groups=[broken.group(broken.rule(expr="new"))])
    outcome = broken.sync(**wanted)
    assert [row["found"] for row in outcome.drift] == ["edited during this run"] and rule_of(broken)["for"] == "5m"


def test_a_rule_that_is_deleted_during_the_run_is_made_again(broken, double):
    broken.sync(**broken.alerting())
    handle, left = double.handle, [broken.uid("r")]

    def meanwhile(method, path, headers, body):
        if method == "POST" and b"psf-record" in body and left:
            del double.orgs[1].alerting.rules[left.pop()]
        return handle(method, path, headers, body)

    double.handle = meanwhile
    wanted = broken.alerting(rule_groups=[broken.group(broken.rule(expr="new"))])
    broken.sync(**wanted)
    assert rule_of(broken)["data"][0]["model"]["expr"] == "new" and not broken.sync(**wanted).changed


def test_an_answer_that_was_lost_is_no_second_object(broken, double):
    for path in ("alert-rules$", "contact-points$", "mute-timings$"):
        double.faults.append([1, "POST .*" + path, "after"])
    broken.sync(**broken.alerting())
    assert not broken.sync(**broken.alerting()).changed


def test_writes_that_met_in_the_stored_document_are_repeated(broken, double):
    met = (500, {"message": "could not find object using provided id and hash"}, {})
    double.faults.append([2, "PUT .*templates", met])
    assert broken.sync(**broken.alerting()).calls["retries"] == 2 and not broken.sync(**broken.alerting()).changed


# -- files of the server -----------------------------------------------------------------------------------------------
def test_alerting_from_files_is_left_and_told(broken, double):
    broken.sync(**broken.alerting())
    with double.by_hand() as org:
        org.alerting.rules[broken.uid("r")]["provenance"] = "file"
        broken_point = next(row for row in org.alerting.points if row["uid"] == broken.uid("p"))
        broken_point["provenance"] = org.alerting.tree_provenance = "file"
    wanted = broken.alerting(rule_groups=[broken.group(broken.rule(expr="new"), interval="2m")])
    wanted["policies"]["routes"].reverse()
    wanted["contact_points"][0]["settings"]["url"] = "http://127.0.0.1:9/other"
    outcome = broken.sync(**wanted)
    assert not outcome.changed and len(outcome.warnings) == 4 and all("comes from files" in text for text in outcome.warnings)
    outcome = broken.sync()
    assert "mute timing %s is no longer declared, but stays: the notification policies use it" % broken.title("nights") in outcome.warnings
    assert rule_of(broken) and broken.uid("p") in points_of(broken)
    assert ("forget", "alert rule " + broken.uid("r")) in outcome.steps


# -- bad input, found before anything is written -----------------------------------------------------------------------
def rules(**change):
    return lambda r: {"folders": [r.folder()], "datasources": [r.source()], "rule_groups": [r.group(r.rule(**change))]}


def query(**change):
    def made(r):
        row = r.rule()
        row["data"][0].update(change)
        return {"folders": [r.folder()], "datasources": [r.source()], "rule_groups": [r.group(row)]}
    return made


def expression(**model):
    def made(r):
        row = r.rule()
        row["data"][1]["model"] = model
        return {"folders": [r.folder()], "datasources": [r.source()], "rule_groups": [r.group(row)]}
    return made


def tree(**change):
    return lambda r: {"contact_points": [r.point()], "policies": {"receiver": r.title("Point p"), **change}}


def timing(**interval):
    return lambda r: {"mute_timings": [{"name": "m", "time_intervals": [interval]}]}


@pytest.mark.parametrize(("change", "words"), [
    (rules(condition="Z"), "condition: 'Z' is no refId of data; there are A, B"),
    (rules(data=[]), "data: a list of queries"),
    (rules(**{"for": "soon"}), "for: 'soon' is no duration"),
    (rules(labels={"a-b": "x"}), "'a-b' is no name of a label"),
    (rules(annotations={"__dashboardUid__": "x"}), "go together; one is missing"),
    (rules(annotations={"__dashboardUid__": "x", "__panelId__": 1}), "dashboard x is neither declared nor in Grafana"),
    (rules(is_paused=True), r"is_paused: this Grafana \(9\.4\.0-pre\) does not keep it; it comes with 9\.5"),
    (rules(notification_settings={"receiver": "x"}), "notification_settings: this Grafana"),
    (rules(no_data_state="KeepLast"), "KeepLast: this Grafana"),
    (query(datasourceUid="nope"), "query A: data source nope is neither"),
    (query(relativeTimeRange={"from": 0, "to": 0}), "relativeTimeRange: from 0 to 0"),
    (query(refId="B"), "each query needs a refId of its own"),
    (query(model=None), "datasourceUid and model are needed"),
    (expression(type="math", expression="$C > 1"), "it is made from C, which is no refId"),
    (expression(type="reduce", expression="B"), "query B: it is made from itself"),
    (expression(type="threshold", expression="Z"), "it is made from Z"),
    (lambda r: {"rule_groups": [r.group(folder="nope")], "datasources": [r.source()]}, "folder .*nope is neither declared nor in Grafana"),
    (lambda r: {"rule_groups": [r.group(interval="7s")]}, "'7s' is no multiple of 10 seconds"),
    (lambda r: {"rule_groups": [r.group(r.rule("a", title="T"), r.rule("b", title="T"))]}, "have the same title in folder"),
    (lambda r: {"rule_groups": [r.group(r.rule(), r.rule())]}, "is declared twice"),
    (lambda r: {"rule_groups": [{"name": "g", "folder": "f", "rules": []}]}, "a group without rules does not exist"),
    (lambda r: {"contact_points": [r.point(settings={})]}, "of type webhook needs url"),
    (lambda r: {"contact_points": [r.point(type="slack", settings={"recipient": "#x"})]}, "slack needs url in secure_settings"),
    (tree(receiver="nope"), "notification policies: contact point nope is neither declared nor in Grafana"),
    (tree(routes=[{"mute_time_intervals": ["nope"]}]), "mute timing nope is neither"),
    (tree(routes=[{"object_matchers": [["a", "~", "b"]]}]), "route 1: .* is no matcher"),
    (tree(routes=[{"object_matchers": [["a", "=~", "("]]}]), "no regular expression"),
    (tree(routes=[{"routes": [{"recevier": "x"}]}]), "route 1 / route 1: recevier is unknown; there are receiver"),
    (tree(**{"continue": True}), "the root takes every alert, so it has no continue"),
    (tree(group_interval="0s"), "group_interval: '0s' is no duration"),
    (tree(group_by=["...", "a"]), "each label once, and ... alone"),
    (lambda r: {"policies": {"group_by": ["a"]}}, "the root needs a receiver"),
    (timing(times=[{"start_time": "25:00", "end_time": "26:00"}]), "start_time is needed, like"),
    (timing(times=[{"start_time": "22:00", "end_time": "06:00"}]), "past midnight, write two intervals"),
    (timing(weekdays=["funday"]), "'funday' is none; write like monday"),
    (timing(days_of_month=["0"]), "'0' is none"),
    (timing(hours=["1"]), "hours is unknown"),
    (lambda r: {"notification_templates": [{"name": "t", "template": "{{ .X "}]}, "opened with {{ and not closed"),
    (lambda r: {"correlations": [{"source": "nope", "label": "l", "target": "nope", "field": "x"}]}, "source: data source nope is neither"),
    (lambda r: {"correlations": [{"source": "a", "label": "l", "field": "x"}]}, "target is missing"),
])
def test_bad_alerting_is_named_and_nothing_is_written(broken, change, words):
    with pytest.raises(ConcernError, match=words):
        broken.sync(**change(broken))
    assert broken.last.client.writes == 0


def test_a_panel_that_a_rule_names_must_be_there(broken):
    wanted = broken.alerting(dashboards=[broken.dashboard()], rule_groups=[broken.group(broken.rule(
        annotations={"__dashboardUid__": broken.uid("d"), "__panelId__": "7"}))])
    with pytest.raises(ConcernError, match="has no panel 7"):
        broken.sync(**wanted)
    wanted["rule_groups"][0]["rules"][0]["annotations"]["__panelId__"] = "1"
    assert broken.sync(**wanted).changed


# -- correlations ------------------------------------------------------------------------------------------------------
def test_correlations_are_made_changed_retargeted_and_removed(rig):
    sources = [rig.source("loki", "loki"), rig.source("jaeger", "jaeger"), rig.source("prom")]

    def wanted(target="jaeger", **more):
        return {"datasources": sources, "correlations": [{"source": rig.uid("loki"), "label": "trace", "target": rig.uid(target),
                                                          "field": "trace_id", "query": {"query": "${trace_id}"}, **more}]}

    def found():
        return [row for row in rig.get("/api/datasources/correlations") or [] if row["sourceUID"] == rig.uid("loki")]
    rig.sync(**wanted())
    assert found()[0]["config"]["target"] == {"query": "${trace_id}"} and not rig.sync(**wanted()).changed
    outcome = rig.sync(**wanted(description="To its trace"))
    assert outcome.plan[0]["detail"] == "description:  -> To its trace" and not rig.sync(**wanted(description="To its trace")).changed
    rig.sync(**wanted("prom"))
    assert [row["targetUID"] for row in found()] == [rig.uid("prom")]
    assert rig.sync(datasources=sources).objects["deleted"] == 1 and found() == []


# -- service accounts --------------------------------------------------------------------------------------------------
def test_service_accounts_without_tokens(rig):
    name = rig.title("render")

    def found():
        rows = rig.get("/api/serviceaccounts/search?perpage=1000")["serviceAccounts"]
        return [(row["role"], row["isDisabled"], row["tokens"]) for row in rows if row["name"] == name]
    rig.sync(service_accounts=[{"name": name, "role": "Editor", "disabled": True}])
    assert found() == [("Editor", True, 0)]
    assert not rig.sync(service_accounts=[{"name": name, "role": "Editor", "disabled": True}]).changed
    outcome = rig.sync(service_accounts=[{"name": name}])
    assert outcome.plan[0]["detail"] == "disabled: true -> false; role: Editor -> Viewer" and found() == [("Viewer", False, 0)]
    assert rig.sync().objects["deleted"] == 1 and found() == []


# -- the Alertmanager of others ----------------------------------------------------------------------------------------
def test_an_alertmanager_is_a_data_source_that_the_others_lead_to(rig):
    sources = [rig.source("am", "alertmanager"), rig.source("prom", links={"alerts": rig.uid("am")})]
    rig.sync(datasources=sources)
    assert rig.get("/api/datasources/uid/" + rig.uid("am"))["jsonData"]["implementation"] == "prometheus"
    assert rig.get("/api/datasources/uid/" + rig.uid("prom"))["jsonData"]["alertmanagerUid"] == rig.uid("am")
    assert not rig.sync(datasources=sources).changed


# -- calls -------------------------------------------------------------------------------------------------------------
def test_an_unchanged_run_reads_each_list_once(broken, double):
    wanted = broken.alerting(rule_groups=[broken.group(broken.rule("a"), broken.rule("b")), broken.group(broken.rule("c"), name="h")])
    broken.sync(**wanted)
    double.calls.clear()
    broken.sync(**wanted)
    asked = [call for call in double.calls if "provisioning" in call]
    # A list of each of four kinds, the policies, and each group for its interval.
    assert len(asked) == 4 + 1 + 2 and len(double.calls) <= 16


def test_a_database_server_gets_more_writers_than_sqlite(broken):
    many = {"folders": [broken.folder()], "dashboards": [broken.dashboard("d%d" % n) for n in range(40)]}
    broken.sync(**many)
    assert broken.last.client.workers == 4
    with Double(database="postgres") as other:
        rig = Rig(other)
        rig.sync(folders=[rig.folder()], dashboards=[rig.dashboard("d%d" % n) for n in range(40)])
        assert rig.last.client.workers == 16
        rig.sync(workers=2, folders=[rig.folder()])
        assert rig.last.client.workers == 2


# -- newer versions, as they are documented ----------------------------------------------------------------------------
def test_newer_fields_where_the_server_keeps_them():
    with Double(version="12.1.0", nested=True, newer=True) as new:
        rig = Rig(new)
        wanted = rig.alerting(rule_groups=[rig.group(rig.rule(
            is_paused=True, keep_firing_for="90s", no_data_state="KeepLast", missing_series_evals_to_resolve=3,
            notification_settings={"receiver": rig.title("Point p"), "group_wait": "60s"}))])
        wanted["policies"]["routes"][0]["active_time_intervals"] = [rig.title("nights")]
        rig.sync(**wanted)
        row = rule_of(rig)
        assert row["isPaused"] is True and row["keep_firing_for"] == "1m30s" and not rig.sync(**wanted).changed
        rig.sync(**rig.alerting())
        assert rule_of(rig)["isPaused"] is False and "notification_settings" not in rule_of(rig)
        assert rig.sync(state="absent").objects["deleted"] == 7


def test_a_field_that_is_lost_all_the_same_is_told():
    with Double(version="12.1.0", newer=False) as new:
        rig = Rig(new)
        with pytest.raises(ConcernError, match="Grafana took it, but holds keep_firing_for: none instead of 5m"):
            rig.sync(**rig.alerting(rule_groups=[rig.group(rig.rule(keep_firing_for="5m"))]))


def test_alerting_that_people_may_edit_in_the_ui():
    with Double(version="12.1.0", newer=True) as new:
        rig = Rig(new)
        rig.sync(**rig.alerting(), alerting_editable=True)
        assert rule_of(rig)["provenance"] == "" and not points_of(rig)[rig.uid("p")].get("provenance")
        assert not rig.sync(**rig.alerting(), alerting_editable=True).changed
        rule = new.orgs[1].alerting.rules[rig.uid("r")]
        rig.call("POST", "/api/ruler/grafana/api/v1/rules/" + rig.title("Folder f").replace(" ", "%20"), {
            "name": rig.title("g"), "interval": "1m", "rules": [{"for": "9m", "grafana_alert": {
                "uid": rule["uid"], "title": rule["title"], "condition": "B", "data": rule["data"], "no_data_state": "NoData",
                "exec_err_state": "Error"}}]})
        outcome = rig.sync(**rig.alerting(), alerting_editable=True)
        assert "for: 9m instead of 5m" in outcome.drift[0]["differences"]
        assert not rig.sync(**rig.alerting(), alerting_editable=True).changed


def test_what_was_not_editable_stays_so_in_an_old_grafana(broken):
    broken.sync(**broken.alerting())
    wanted = broken.alerting(rule_groups=[broken.group(broken.rule(expr="new"))])
    assert broken.sync(**wanted, alerting_editable=True).objects["changed"] == 1
    assert rule_of(broken)["provenance"] == "api" and not broken.sync(**wanted, alerting_editable=True).changed


# -- normal forms ------------------------------------------------------------------------------------------------------
@given(st.integers(0, 40 * 24 * 3600))
def test_a_duration_reads_as_it_was_written(seconds):
    assert durations.seconds(durations.duration(seconds)) == seconds


LABELS = st.sampled_from(("a", "team", "severity"))
TREES = st.recursive(
    st.fixed_dictionaries({}, optional={
        "receiver": st.sampled_from(("x", "y")), "object_matchers": st.lists(st.tuples(
            LABELS, st.sampled_from(notifications.OPERATORS), st.sampled_from(("1", 'a "b"', "x|y"))).map(list), max_size=3),
        "match": st.dictionaries(LABELS, st.just("v"), max_size=2), "group_wait": st.sampled_from(("60s", "1m", "90m")),
        "continue": st.booleans(), "group_by": st.just(["a"])}),
    lambda children: st.fixed_dictionaries({"routes": st.lists(children, max_size=3)}), max_leaves=6)


@settings(max_examples=150)
@given(TREES)
def test_the_normal_form_of_a_tree_is_its_own(tree):
    once = notifications.policies(tree)
    assert notifications.policies(copy.deepcopy(once)) == once
    said = [f"{name}{operator}{json.dumps(value)}" for name, operator, value in once.get("object_matchers", [])]
    other = {**{key: value for key, value in once.items() if key != "object_matchers"}, "matchers": said}
    assert notifications.policies(other) == once
