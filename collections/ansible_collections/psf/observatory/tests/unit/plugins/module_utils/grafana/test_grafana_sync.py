# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organisation holds what is declared, whatever was there; what others made is left alone; what was edited by hand is told."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.grafana import base, kinds
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import ApiError, Client
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double import Double
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.rig import REAL, Rig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ADMINS = {"permissions": []}


def both(rig, **more):
    return {"folders": [rig.folder(permissions=[{"role": "Viewer", "permission": "View"}])], "dashboards": [rig.dashboard()], **more}


# -- converge ----------------------------------------------------------------------------------------------------------
def test_a_first_run_makes_all_and_the_second_writes_nothing(rig):
    wanted = both(rig, datasources=[rig.source()], library_panels=[
        {"uid": rig.uid("lib"), "name": rig.title("lib"), "folder": rig.uid("f"), "model": {"type": "text", "title": "x"}}],
        teams=[{"name": rig.title("SRE"), "email": "sre@example.test"}])
    first = rig.sync(**wanted)
    assert first.changed and first.objects["created"] == 6 and first.drift == [] and first.warnings == []
    assert rig.place("d") == rig.uid("f") and rig.model("d")["panels"][0]["targets"][0]["expr"] == "up"
    second = rig.sync(**wanted)
    assert not second.changed and second.plan == [] and second.calls["writes"] == 0 and second.objects["unchanged"] == 6


def test_check_mode_shows_the_same_plan_and_writes_nothing(rig):
    check = rig.sync(check=True, **both(rig))
    assert check.changed and check.calls["writes"] == 0 and rig.model("d") is None
    assert rig.sync(**both(rig)).plan == check.plan


def test_a_change_is_told_in_terms_of_panels_and_queries(rig):
    rig.sync(**both(rig))
    changed = rig.dashboard(expr="rate(x[5m])")
    changed["model"]["panels"].append({"id": 2, "type": "stat", "title": "Up", "gridPos": {"h": 4, "w": 4, "x": 0, "y": 8},
                                       "targets": [{"refId": "A", "expr": "sum(up)"}]})
    outcome = rig.sync(**both(rig, dashboards=[changed]))
    assert outcome.plan == [{"step": "change", "target": 'dashboard "%s" (%s)' % (rig.title("Dash d"), rig.uid("d")), "detail":
                             'panel "CPU" (id 1) / query A / expr: up -> rate(x[5m]); panel "Up" (id 2): added; '
                             'panel "Up" (id 2) / query A / expr: added'}]
    assert outcome.diff[0]["before"] == 'panel "CPU" (id 1) / query A / expr: up\n'
    assert 'panel "Up" (id 2) / query A / expr: sum(up)\n' in outcome.diff[0]["after"]
    assert rig.model("d")["version"] == 2 and outcome.drift == []


def test_order_nulls_and_whole_floats_are_no_change(rig):
    rig.sync(**both(rig))
    same = rig.dashboard()["model"]
    same = {"description": None, **dict(reversed(list(same.items())))}
    same["panels"] = [{**same["panels"][0], "gridPos": {"y": 0.0, "x": 0, "w": 12.0, "h": 8}, "links": None}]
    assert not rig.sync(**both(rig, dashboards=[{"model": same, "folder": rig.uid("f")}])).changed


def test_tags_are_a_set(rig):
    rig.sync(**both(rig, dashboards=[rig.dashboard(tags=["b", "a", "b"])]))
    assert not rig.sync(**both(rig, dashboards=[rig.dashboard(tags=["a", "b"])])).changed


def test_true_is_not_one(rig):
    rig.sync(**both(rig, dashboards=[rig.dashboard(liveNow=True)]))
    assert rig.sync(**both(rig, dashboards=[rig.dashboard(liveNow=1)])).changed


def test_a_dashboard_moves_with_its_folder_uid(rig):
    rig.sync(**both(rig))
    wanted = {"folders": [rig.folder(), rig.folder("g")], "dashboards": [rig.dashboard(folder="g")]}
    assert rig.sync(**wanted).objects["changed"] == 1 and rig.place("d") == rig.uid("g")
    assert rig.sync(**{**wanted, "dashboards": [rig.dashboard(folder="")]}).changed and not rig.place("d")


def test_permissions_are_a_set_and_replaced_as_one(rig):
    team = rig.title("SRE")
    one = [{"role": "Viewer", "permission": "View"}, {"team": team, "permission": "Admin"}]
    teams = [{"name": team}]
    rig.sync(teams=teams, folders=[rig.folder(permissions=one)])
    assert not rig.sync(teams=teams, folders=[rig.folder(permissions=one[::-1])]).changed
    outcome = rig.sync(teams=teams, folders=[rig.folder(permissions=[{"team": team, "permission": "Edit"}])])
    assert outcome.plan[0]["detail"] == "entries / role Viewer: removed; entries / team %s: Admin -> Edit" % team
    rows = rig.get("/api/folders/%s/permissions" % rig.uid("f"))
    assert [(row["team"], row["permissionName"]) for row in rows if not row.get("inherited")] == [(team, "Edit")]
    # Not declared: not looked at.
    assert not rig.sync(teams=teams, folders=[rig.folder()]).objects["changed"]


def test_an_unknown_team_or_user_fails_that_folder_only(rig):
    with pytest.raises(ConcernError, match="permissions: team nobody does not exist") as caught:
        rig.sync(folders=[rig.folder(permissions=[{"team": "nobody", "permission": "View"}])], dashboards=[rig.dashboard()])
    assert rig.model("d") and caught.value.details["failures"][0]["object"] == "permissions of folder %s" % rig.uid("f")


def test_the_default_data_source_and_its_successor(rig):
    rig.sync(datasources=[rig.source("a", is_default=True), rig.source("b")])
    outcome = rig.sync(datasources=[rig.source("a"), rig.source("b", is_default=True)])
    assert outcome.objects["changed"] == 2
    assert rig.get("/api/datasources/uid/" + rig.uid("b"))["isDefault"] is True
    assert not rig.sync(datasources=[rig.source("a"), rig.source("b", is_default=True)]).changed


def test_links_between_signals_are_written_and_stable(rig):
    sources = [rig.source("prom", links={"traces": rig.uid("jaeger")}), rig.source("loki", "loki", links={"traces": rig.uid("jaeger")}),
               rig.source("jaeger", "jaeger", links={"logs": rig.uid("loki"), "metrics": rig.uid("prom")})]
    rig.sync(datasources=sources)
    found = {name: rig.get("/api/datasources/uid/" + rig.uid(name))["jsonData"] for name in ("prom", "loki", "jaeger")}
    assert found["prom"]["exemplarTraceIdDestinations"] == [
        {"name": name, "datasourceUid": rig.uid("jaeger")} for name in ("trace_id", "traceID")]
    assert found["loki"]["derivedFields"][0]["datasourceUid"] == rig.uid("jaeger")
    assert found["jaeger"]["tracesToLogsV2"]["datasourceUid"] == rig.uid("loki")
    assert found["jaeger"]["tracesToMetrics"]["datasourceUid"] == rig.uid("prom")
    assert not rig.sync(datasources=sources).changed


def test_secrets_are_written_when_they_change_and_are_nowhere_to_be_read(rig):

    def source(**secrets):
        return [rig.source(basic_auth_user="jo", secure_json_data=secrets)]
    rig.sync(datasources=source(basicAuthPassword="correct-horse"))
    assert not rig.sync(datasources=source(basicAuthPassword="correct-horse")).changed
    outcome = rig.sync(datasources=source(basicAuthPassword="battery-staple"))
    assert outcome.plan[0]["detail"] == "secrets: as they were -> changed (basicAuthPassword)"
    assert not rig.sync(datasources=source(basicAuthPassword="battery-staple")).changed
    outcome = rig.sync(datasources=source(other="battery-staple"))
    assert outcome.plan[0]["detail"] == "secret basicAuthPassword: set -> none; secret other: none -> set"
    assert rig.get("/api/datasources/uid/" + rig.uid("prom"))["secureJsonFields"] == {"other": True}
    text = json.dumps([outcome.result, outcome.diff, rig.get("/api/dashboards/uid/psf-record-" + rig.tag)])
    assert "staple" not in text and "horse" not in text


def test_the_home_dashboard_and_the_other_preferences(rig):
    before = rig.get("/api/org/preferences")
    rig.call("PUT", "/api/org/preferences", {"theme": "light", "timezone": "utc"})
    wanted = both(rig, home_dashboard=rig.uid("d"))
    rig.sync(**wanted)
    found = rig.get("/api/org/preferences")
    assert (found["homeDashboardUID"], found["theme"], found["timezone"]) == (rig.uid("d"), "light", "utc")
    assert not rig.sync(**wanted).changed
    rig.sync(**both(rig))
    found = rig.get("/api/org/preferences")
    assert not found.get("homeDashboardUID") and found["theme"] == "light"
    rig.call("PUT", "/api/org/preferences", {"theme": before.get("theme") or "", "timezone": before.get("timezone") or ""})


# -- ownership ---------------------------------------------------------------------------------------------------------
def test_only_what_was_made_here_is_pruned(rig):
    rig.sync(**both(rig))
    mine = {"uid": rig.uid("mine"), "title": rig.title("Mine")}
    rig.call("POST", "/api/dashboards/db", {"dashboard": mine, "folderUid": ""})
    outcome = rig.sync(folders=[rig.folder()])
    assert ("delete", 'dashboard "%s" (%s)' % (rig.title("Dash d"), rig.uid("d"))) in outcome.steps
    assert rig.model("d") is None and rig.model("mine")
    rig.call("DELETE", "/api/dashboards/uid/" + rig.uid("mine"))


def test_prune_can_be_left_out(rig):
    rig.sync(**both(rig))
    assert not rig.sync(folders=both(rig)["folders"], prune=False).changed and rig.model("d")
    assert rig.sync(folders=both(rig)["folders"]).objects["deleted"] == 1


def test_a_folder_with_something_of_others_stays(rig):
    rig.sync(**both(rig))
    mine = {"uid": rig.uid("mine"), "title": rig.title("Mine")}
    rig.call("POST", "/api/dashboards/db", {"dashboard": mine, "folderUid": rig.uid("f")})
    outcome = rig.sync()
    assert rig.model("d") is None and rig.model("mine") and "dashboard %s in it is not ours" % rig.uid("mine") in outcome.warnings[0]
    again = rig.sync()
    assert not again.changed and again.calls["writes"] == 0
    rig.call("DELETE", "/api/dashboards/uid/" + rig.uid("mine"))
    assert rig.sync().objects["deleted"] == 1 and rig.get("/api/folders/" + rig.uid("f")) is None


def test_a_uid_can_be_given_up_for_another_with_the_same_title(rig):
    rig.sync(**both(rig, datasources=[rig.source("one", title="Metrics")]))
    wanted = both(rig, dashboards=[rig.dashboard("other", title="Dash d")], datasources=[rig.source("two", title="Metrics")])
    outcome = rig.sync(**wanted)
    assert (outcome.objects["created"], outcome.objects["deleted"]) == (2, 2) and not rig.sync(**wanted).changed


def test_titles_that_pass_from_one_to_the_next(rig):
    rig.sync(**both(rig, dashboards=[rig.dashboard("a", title="One"), rig.dashboard("b", title="Two")]))
    wanted = both(rig, dashboards=[rig.dashboard("a", title="Two"), rig.dashboard("b", title="Three")])
    assert rig.sync(**wanted).objects["changed"] == 2 and not rig.sync(**wanted).changed


def test_names_can_be_swapped(rig):
    def wanted(one, two):
        return both(rig, dashboards=[rig.dashboard("a", title=one), rig.dashboard("b", title=two)], library_panels=[
            {"uid": rig.uid(uid), "name": rig.title(name), "folder": rig.uid("f"), "model": {"type": "text"}}
            for uid, name in (("l", one), ("m", two))], datasources=[
                rig.source("s", title=one), rig.source("t", title=two)], rule_groups=[
                    rig.group({**rig.rule("r", title=one), "data": rig.rule()["data"][1:]},
                              {**rig.rule("q", title=two), "data": rig.rule()["data"][1:]})])
    first, second = wanted("One", "Two"), wanted("Two", "One")
    for row in (row for one in (first, second) for group in one["rule_groups"] for row in group["rules"]):
        row["data"][0]["model"]["expression"] = "1 > 0"
    rig.sync(**first)
    outcome = rig.sync(**second)
    assert outcome.objects["changed"] == 8 and outcome.drift == [] and rig.model("a")["title"] == rig.title("Two")
    assert not rig.sync(**second).changed


def test_absent_removes_all_of_it_and_the_record(rig):
    rig.sync(**both(rig, datasources=[rig.source()]))
    assert rig.sync(check=True, state="absent").changed and rig.model("d")
    outcome = rig.sync(state="absent")
    assert outcome.objects["deleted"] == 3 and rig.model("d") is None and rig.get("/api/dashboards/uid/psf-record-" + rig.tag) is None
    assert not rig.sync(state="absent").changed


def test_what_is_there_already_and_equal_is_taken_over(rig):
    rig.call("POST", "/api/folders", {"uid": rig.uid("f"), "title": rig.title("Folder f")})
    assert rig.sync(folders=[rig.folder()]).verbs == ["take over"]
    assert not rig.sync(folders=[rig.folder()]).changed
    assert rig.sync().objects["deleted"] == 1


def test_two_sets_in_one_organisation(rig):
    rig.sync(**both(rig))
    other = Rig(rig.double)
    other.sync(folders=[other.folder("o")])
    assert not rig.sync(**both(rig)).changed
    other.sync(state="absent")
    assert rig.model("d") and not rig.sync(**both(rig)).changed


# -- drift -------------------------------------------------------------------------------------------------------------
def test_an_edit_by_hand_is_told_and_overwritten(rig):
    rig.sync(**both(rig))
    rig.edit("d", panels=[], refresh="5s")
    outcome = rig.sync(**both(rig))
    assert [(row["kind"], row["key"], row["found"], row["done"]) for row in outcome.drift] == [
        ("dashboard", rig.uid("d"), "edited", "overwritten")]
    assert "refresh: 5s instead of none" in outcome.drift[0]["differences"]
    assert rig.model("d")["panels"] and not rig.sync(**both(rig)).changed


def test_an_edit_by_hand_can_be_left(rig):
    rig.sync(**both(rig))
    rig.edit("d", refresh="5s")
    outcome = rig.sync(**both(rig), drift="leave")
    assert not outcome.changed and outcome.drift[0]["done"] == "left" and rig.model("d")["refresh"] == "5s"
    assert not rig.sync(**both(rig, dashboards=[]), drift="leave").changed and rig.model("d")
    assert rig.sync(**both(rig)).changed and "refresh" not in rig.model("d")


def test_an_edit_by_hand_can_be_adopted_as_a_patch(rig):
    rig.sync(**both(rig))
    rig.edit("d", refresh="5s")
    outcome = rig.sync(**both(rig), drift="adopt")
    assert not outcome.changed and outcome.calls["writes"] == 0
    assert outcome.patches[0]["path"] == "grafana/dashboards/%s.json" % rig.uid("d")
    lines = outcome.patches[0]["patch"].splitlines()[2:]
    assert [line for line in lines if line[:1] in "+-"] == ['+ "refresh": "5s",']
    adopted = both(rig, dashboards=[rig.dashboard(refresh="5s")])
    assert rig.sync(**adopted).objects["changed"] == 0 and not rig.sync(**adopted).drift


def test_what_was_deleted_by_hand_comes_back_or_is_left(rig):
    rig.sync(**both(rig))
    rig.call("DELETE", "/api/folders/" + rig.uid("f"))
    left = rig.sync(**both(rig), drift="leave")
    assert sorted(row["found"] for row in left.drift) == ["deleted", "deleted"] and not left.changed
    assert rig.sync(**both(rig)).objects["created"] == 3 and rig.model("d") and not rig.sync(**both(rig)).changed


def test_permissions_edited_by_hand_are_drift(rig):
    rig.sync(**both(rig))
    rig.call("POST", "/api/folders/%s/permissions" % rig.uid("f"), {"items": [{"role": "Viewer", "permission": 4}]})
    outcome = rig.sync(**both(rig))
    assert outcome.drift[0]["differences"] == ["entries / role Viewer: Admin instead of View"] and not rig.sync(**both(rig)).changed


def test_a_uid_that_others_have_taken_is_told(rig):
    rig.call("POST", "/api/dashboards/db", {"dashboard": {"uid": rig.uid("d"), "title": rig.title("Theirs")}})
    assert rig.sync(**both(rig), drift="leave").drift[0]["found"] == "made by others"
    assert rig.model("d")["title"] == rig.title("Theirs")
    assert rig.sync(**both(rig)).drift[0]["done"] == "overwritten" and not rig.sync(**both(rig)).changed


def test_an_edit_during_the_run_is_not_lost_without_a_word(broken, double):
    broken.sync(**both(broken))

    class Meanwhile:
        """Between reading and writing, a person saves the dashboard."""

        def __init__(self):
            self.handle, self.done = double.handle, False

        def __call__(self, method, path, headers, body):
            if method == "POST" and path == "/api/dashboards/db" and broken.uid("d").encode() in body and b"expr" in body and not self.done:
                self.done = True
                with double.by_hand() as org:
                    dash = org.dashboards[broken.uid("d")]
                    dash["version"] += 1
                    dash["data"].update(refresh="5s", version=dash["version"])
            return self.handle(method, path, headers, body)

    double.handle = Meanwhile()
    outcome = broken.sync(**both(broken, dashboards=[broken.dashboard(expr="new")]))
    assert outcome.drift[0]["found"] == "edited during this run" and broken.model("d")["panels"][0]["targets"][0]["expr"] == "new"
    double.handle = Meanwhile()
    with pytest.raises(ConcernError, match="was edited during this run and left"):
        broken.sync(**both(broken, dashboards=[broken.dashboard(expr="newer")]), drift="leave")
    assert broken.model("d")["refresh"] == "5s"


def test_another_run_meanwhile_is_an_error(broken, double):
    broken.sync(**both(broken))
    handle = double.handle

    def meanwhile(method, path, headers, body):
        if method == "POST" and b"psf-record" in body:
            with double.by_hand() as org:
                org.dashboards["psf-record-" + broken.tag]["version"] += 1
        return handle(method, path, headers, body)

    double.handle = meanwhile
    with pytest.raises(ConcernError, match="another run changed the record"):
        broken.sync(**both(broken, dashboards=[]))
    assert broken.model("d")


# -- objects from files ------------------------------------------------------------------------------------------------
def test_what_comes_from_files_is_left_and_told(broken, double):
    wanted = both(broken, datasources=[broken.source()])
    broken.sync(**wanted)
    with double.by_hand() as org:
        org.dashboards[broken.uid("d")].update(file="a.json")
        org.sources[broken.uid("prom")].update(file="ds.yaml")
    assert len(broken.sync(**wanted).provisioned) == 2
    outcome = broken.sync(**both(broken, dashboards=[broken.dashboard(expr="x")], datasources=[broken.source(url="http://127.0.0.1:10")]))
    assert not outcome.changed and len(outcome.warnings) == 2 and "comes from files" in outcome.warnings[0]
    broken.sync()
    assert broken.model("d")


# -- bad input, found before anything is written -----------------------------------------------------------------------
@pytest.mark.parametrize(("change", "words"), [
    (lambda r: {"dashboards": [r.dashboard(), r.dashboard()]}, "is declared twice"),
    (lambda r: {"dashboards": [r.dashboard("a", title="X"), r.dashboard("b", title="x")]}, "have the same name"),
    (lambda r: {"folders": [r.folder("a", parent="b"), r.folder("b", parent="a")]}, "cannot be inside itself"),
    (lambda r: {"folders": [r.folder("a"), r.folder("b", parent="a")]}, "has no nested folders"),
    (lambda r: {"dashboards": [r.dashboard(folder="nope")]}, "folder .*nope is neither declared nor in Grafana"),
    (lambda r: {"dashboards": [r.dashboard(folder="", panels=[{"id": 1, "title": "P", "type": "no-such-panel"}])]},
     'panel "P": this Grafana has no panel type no-such-panel'),
    (lambda r: {"dashboards": [r.dashboard(folder="", panels=[
        {"id": 1, "title": "P", "gridPos": {}, "type": "stat", "datasource": {"uid": "nope"}}])]}, 'panel "P": data source nope'),
    (lambda r: {"dashboards": [r.dashboard(folder="", panels=[{"id": 1, "title": "P", "libraryPanel": {"uid": "nope"}}])]},
     "library panel nope is neither"),
    (lambda r: {"folders": [r.folder(title="Same")], "dashboards": [r.dashboard(title="Same")]}, "refuses a dashboard with the title"),
    (lambda r: {"datasources": [r.source("a", is_default=True), r.source("b", is_default=True)]}, "one at most"),
    (lambda r: {"datasources": [r.source(url="")]}, "url is missing"),
    (lambda r: {"datasources": [r.source(links={"traces": "nope"})]}, "no data source nope is declared"),
    (lambda r: {"datasources": [r.source(links={"beer": "nope"})]}, "has no link to beer; there are traces, alerts"),
    (lambda r: {"home_dashboard": "nope"}, "dashboard nope is neither"),
    (lambda r: {"dashboards": [{"model": {"uid": "a b", "title": "X"}}]}, "is no uid"),
    (lambda r: {"dashboards": [{"model": {"uid": "x"}}]}, "needs a model with a title"),
    (lambda r: {"dashboards": [{"model": {"metadata": {"name": "x"}, "spec": {"title": "V2"}}}]}, "v2 format"),
    (lambda r: {"folders": [r.folder(permissions=[{"permission": "View"}])]}, "needs one of role, team, user"),
    (lambda r: {"folders": [r.folder(permissions=[{"role": "Viewer", "permission": "View"}] * 2)]}, "has two entries"),
])
def test_bad_input_is_named_and_nothing_is_written(broken, change, words):
    with pytest.raises(ConcernError, match=words):
        broken.sync(**change(broken))
    assert broken.last.client.writes == 0


# -- failures ----------------------------------------------------------------------------------------------------------
def test_one_failed_object_fails_the_run_after_all_others(broken, double):
    broken.sync(folders=[broken.folder("ok")])
    with double.by_hand() as org:
        org.dashboards["theirs"] = {"id": 99, "uid": "theirs", "version": 1, "folder": broken.uid("ok"), "createdBy": "x", "updatedBy": "x",
                                    "data": {"title": broken.title("Dash a"), "uid": "theirs", "id": 99, "version": 1}}
    with pytest.raises(ConcernError) as caught:
        broken.sync(folders=[broken.folder("ok")], dashboards=[broken.dashboard("a", "ok"), broken.dashboard("b", "ok")])
    assert caught.value.msg.startswith("1 of 2 objects failed, all others are done: dashboard")
    assert "answered 412: A dashboard with the same name in the folder already exists (name-exists)" in caught.value.msg
    assert broken.model("b") and broken.model("a") is None


def test_what_stands_in_a_failed_folder_is_not_tried(broken, double):
    double.faults.append([9, r"^POST /api/folders$", (400, {"message": "not today"}, {})])
    with double.by_hand() as org:
        org.folders["psf-record-folder"] = {"id": 99, "uid": "psf-record-folder", "title": "Internal", "parent": "", "version": 1,
                                            "createdBy": "x", "updatedBy": "x", "permissions": []}
    with pytest.raises(ConcernError) as caught:
        broken.sync(**both(broken))
    assert [row["error"].split(":")[0] for row in caught.value.details["failures"]][1:] == [
        "permissions of folder %s was not tried, as its folder %s failed" % (broken.uid("f"), broken.uid("f")),
        'dashboard "%s" (%s) was not tried, as its folder %s failed' % (broken.title("Dash d"), broken.uid("d"), broken.uid("f"))]
    double.faults.clear()
    assert broken.sync(**both(broken)).drift == [] and not broken.sync(**both(broken)).changed


@pytest.mark.parametrize("answer", [(429, {"message": "slow down"}, {"Retry-After": "7"}), (503, "unavailable", {}), "cut",
                                    (500, {"message": "Failed to save dashboard"}, {})])
def test_what_passes_is_tried_again(broken, double, answer):
    double.faults.append([2, "POST /api/dashboards/db", answer])
    # A kept connection that was closed is replaced without a wait.
    assert broken.sync(**both(broken)).calls["retries"] >= (0 if answer == "cut" else 2) and broken.model("d")
    assert (7.0 in broken.slept) == (answer[0] == 429)
    assert not broken.sync(**both(broken)).changed


def test_an_answer_that_was_lost_is_no_second_object(broken, double):
    for path in ("POST /api/folders$", "POST /api/dashboards/db", "POST /api/datasources$", "POST /api/teams$"):
        double.faults.append([1, path, "after"])
    wanted = both(broken, datasources=[broken.source()], teams=[{"name": "SRE"}])
    try:
        broken.sync(**wanted)
    except ConcernError as error:
        # The record itself: its version tells of a writer that was us.
        assert "another run" in error.msg
    broken.sync(**wanted)
    assert not broken.sync(**wanted).changed


@pytest.mark.parametrize(("answer", "words"), [
    ((401, {"message": "invalid API key"}, {}), "answered 401: invalid API key; look at username and password, or token"),
    ((403, {"message": "You'll need additional permissions"}, {}), "the account needs the role Admin"),
    ((200, "<!DOCTYPE html><html><body>Welcome</body></html>", {}), "HTML instead of Grafana's JSON"),
    ((200, "{\"id\": ", {}), "no JSON instead of Grafana's JSON"),
    ((302, "<a>", {"Location": "/login"}), "redirects to /login"),
    ((404, {"message": "Not found"}, {}), "answered 404: Not found"),
])
def test_an_answer_that_is_not_grafanas_is_named(broken, double, answer, words):
    double.faults.append([99, "GET /api/(org|frontend)", answer])
    with pytest.raises(ConcernError, match=words) as caught:
        broken.sync(**both(broken))
    assert double.url in caught.value.msg


def test_a_server_that_is_too_slow(broken, double):
    double.latency = 0.3
    with pytest.raises(ApiError, match="got no answer, 2 times: timed out"):
        broken.sync(timeout=0.05, retries=1, **both(broken))


def test_a_server_that_goes_half_way_is_mended_by_the_next_run(broken, double):
    wanted = {"folders": [broken.folder()], "dashboards": [broken.dashboard("d%d" % n) for n in range(12)]}
    handle, left = double.handle, [9]

    def gone(method, path, headers, body):
        left[0] -= method != "GET"
        return (502, {"message": "Bad Gateway"}, {}) if left[0] < 0 else handle(method, path, headers, body)
    double.handle = gone
    with pytest.raises(ConcernError, match="answered 502: Bad Gateway"):
        broken.sync(retries=0, **wanted)
    double.handle = handle
    assert 0 < sum(1 for uid in double.orgs[1].dashboards if uid.startswith(broken.tag)) < 12
    outcome = broken.sync(**wanted)
    assert outcome.drift == [] and sum(1 for uid in double.orgs[1].dashboards if uid.startswith(broken.tag)) == 12
    assert not broken.sync(**wanted).changed


def test_no_answer_at_all(broken):
    with pytest.raises(ApiError, match="got no answer, 3 times"):
        broken.sync(url="http://127.0.0.1:9", retries=2, **both(broken))


def test_wrong_login(broken):
    with pytest.raises(ApiError, match="invalid username or password"):
        broken.sync(password="wrong")


def test_a_viewer_cannot_and_is_told_so(broken, double):
    double.tokens["t"] = {"name": "sa", "org": 1, "role": "Viewer"}
    with pytest.raises(ConcernError, match="answered 403: .*Permissions needed"):
        broken.sync(token="t", **both(broken))


def test_an_editor_may_not_provision_alerting_and_is_told_so(broken, double):
    double.tokens["t"] = {"name": "sa", "org": 1, "role": "Editor"}
    with pytest.raises(ConcernError, match="templates: .*answered 403: .*alert.provisioning:read; the account needs the role Admin"):
        broken.sync(token="t", **broken.alerting())


def test_a_server_that_is_too_old():
    with Double(version="8.5.27") as old:
        with pytest.raises(ConcernError, match=r"Grafana 8\.5\.27 is older than 9\.4"):
            Rig(old).sync()


def test_the_organisation_goes_with_the_request_and_the_user_stays(broken, double):
    number = broken.call("POST", "/api/orgs", {"name": "Second"})["orgId"]
    wanted, handle, sent = broken.alerting(dashboards=[broken.dashboard()]), double.handle, []
    double.handle = lambda method, path, headers, body: sent.append(body) or handle(method, path, headers, body)
    broken.sync(org_id=number, **wanted)
    assert [json.loads(body)["orgID"] for body in sent if b"orgID" in body] == [number]
    assert broken.model("d") is None and broken.uid("d") in double.orgs[number].dashboards
    assert broken.uid("r") in double.orgs[number].alerting.rules and not broken.sync(org_id=number, **wanted).changed
    assert broken.get("/api/user")["orgId"] == 1 and not any("using" in call or "orgId" in call for call in double.calls)


def test_a_token_for_another_organisation_is_refused(broken, double):
    double.tokens["t"] = {"name": "sa", "org": 1, "role": "Admin"}
    assert broken.sync(token="t", **both(broken)).changed
    with pytest.raises(ConcernError, match="org_id: 2 was asked for, but these credentials are for organisation 1"):
        broken.sync(token="t", org_id=2, **both(broken))


def test_what_grafana_does_not_hold_after_all_is_told(broken, double):
    handle = double.handle

    def forgetful(method, path, headers, body):
        answer = handle(method, path, headers, body)
        if method == "POST" and path == "/api/dashboards/db" and broken.uid("d").encode() in body and b"psf-record" not in body:
            with double.by_hand() as org:
                org.dashboards[broken.uid("d")]["data"]["panels"] = []
        return answer

    double.handle = forgetful
    with pytest.raises(ConcernError, match="Grafana took it, but holds panel \"CPU\""):
        broken.sync(**both(broken))


# -- size --------------------------------------------------------------------------------------------------------------
def test_an_unchanged_run_costs_what_the_api_forces_and_little_more(broken, double):
    wanted = {"folders": [broken.folder("f%d" % n, permissions=[{"role": "Viewer", "permission": "View"}]) for n in range(5)],
              "dashboards": [broken.dashboard("d%d" % n, "f%d" % (n % 5)) for n in range(40)],
              "datasources": [broken.source("s%d" % n) for n in range(3)], "home_dashboard": broken.uid("d0")}
    broken.sync(**wanted)
    double.calls.clear()
    before = double.connections
    outcome = broken.sync(**wanted)
    forced = 40 + 5 + 3
    assert outcome.calls["writes"] == 0 and len(double.calls) <= forced + 12 and double.connections - before <= 8


def test_more_than_a_page(broken, double, monkeypatch):
    monkeypatch.setattr(base, "PAGE", 7)
    monkeypatch.setattr(kinds.LibraryPanel, "SIZE", 3)
    wanted = both(broken, dashboards=[broken.dashboard("d%02d" % n) for n in range(20)], library_panels=[
        {"uid": broken.uid("l%d" % n), "name": "l%d" % n, "folder": broken.uid("f"), "model": {"type": "text"}} for n in range(8)])
    broken.sync(**wanted)
    assert not broken.sync(**wanted).changed


# -- newer versions, as they are said to be ----------------------------------------------------------------------------
def test_whether_folders_nest_is_asked_not_guessed(double):
    with Double(version="11.6.0", nested=False) as other:
        rig = Rig(other)
        rig.sync(folders=[rig.folder("x")])
        with pytest.raises(ConcernError, match="has no nested folders"):
            rig.sync(folders=[rig.folder("x"), rig.folder("a"), rig.folder("b", parent="a")])
    with Double(version="10.4.0", nested=True) as other:
        rig = Rig(other)
        rig.sync(folders=[rig.folder("x")])
        assert rig.sync(folders=[rig.folder("x"), rig.folder("a"), rig.folder("b", parent="a")]).objects["created"] == 2


def test_nested_folders_are_made_moved_and_removed_from_the_inside():
    with Double(version="11.6.0", nested=True) as new:
        rig = Rig(new)
        tree = [rig.folder("c", parent="b"), rig.folder("b", parent="a"), rig.folder("a")]
        rig.sync(folders=tree, dashboards=[rig.dashboard(folder="c")])
        assert not rig.sync(folders=tree, dashboards=[rig.dashboard(folder="c")]).changed
        moved = [rig.folder("a"), rig.folder("b"), rig.folder("c", parent="a")]
        assert rig.sync(folders=moved, dashboards=[rig.dashboard(folder="c")]).objects["changed"] == 2
        assert not rig.sync(folders=moved, dashboards=[rig.dashboard(folder="c")]).changed
        outcome = rig.sync()
        assert outcome.objects["deleted"] == 4 and outcome.warnings == []


# -- interrupted -------------------------------------------------------------------------------------------------------
class Interrupted(BaseException):
    pass


@contextlib.contextmanager
def interrupted_after(writes):
    """The run ends, as if killed, before its next write after so many; None: it is not interrupted."""
    left, call = [writes], Client.call

    def counted(self, method, *arguments, **options):
        if method != "GET" and left[0] is not None:
            left[0] -= 1
            if left[0] < 0:
                raise Interrupted
        return call(self, method, *arguments, **options)

    Client.call = counted
    try:
        with contextlib.suppress(Interrupted):
            yield
    finally:
        Client.call = call


def test_what_an_interrupted_run_had_written_is_no_drift_and_is_ours(rig):
    rig.sync(**both(rig))
    # The record's intent, then the dashboard, then nothing more.
    with interrupted_after(2):
        rig.sync(**both(rig, dashboards=[rig.dashboard(expr="new")]))
    assert rig.model("d")["panels"][0]["targets"][0]["expr"] == "new"
    outcome = rig.sync(**both(rig))
    assert outcome.drift == [] and outcome.objects["changed"] == 1
    with interrupted_after(2):
        rig.sync(**both(rig, dashboards=[rig.dashboard(), rig.dashboard("e")]))
    assert rig.model("e") and rig.sync(**both(rig)).objects["deleted"] == 1


def test_what_one_interrupted_run_wrote_and_the_next_meant_to_change_is_ours(rig):
    # The record with its folder, the folder, the dashboard, then nothing more.
    with interrupted_after(5):
        rig.sync(workers=1, **both(rig, folders=[rig.folder()]))
    with interrupted_after(1):
        rig.sync(workers=1, **both(rig, folders=[rig.folder()], dashboards=[rig.dashboard(expr="new")]))
    assert rig.model("d")["panels"][0]["targets"][0]["expr"] == "up"
    rig.sync()
    assert rig.model("d") is None


def test_what_was_only_meant_to_be_written_is_not_deleted(rig):
    rig.sync()
    rig.call("POST", "/api/dashboards/db", {"dashboard": {"uid": rig.uid("d"), "title": rig.title("Theirs")}})
    rig.sync(folders=[rig.folder()])
    with interrupted_after(1):
        rig.sync(**both(rig))
    outcome = rig.sync(folders=[rig.folder()])
    assert rig.model("d")["title"] == rig.title("Theirs") and ("forget", "dashboard %s" % rig.uid("d")) in outcome.steps
    assert not rig.sync(folders=[rig.folder()]).changed


# -- any history converges ---------------------------------------------------------------------------------------------
NAMES = ("a", "b", "c")
DECLARED = st.fixed_dictionaries({
    "folders": st.sets(st.sampled_from(("f", "g")), min_size=0),
    "dashboards": st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(("up", "down")), st.sampled_from(("f", "g", "")))),
    "sources": st.dictionaries(st.sampled_from(("s", "t")), st.sampled_from(("x", "y"))),
    "rules": st.dictionaries(st.sampled_from(("r", "q")), st.tuples(st.sampled_from(("5m", "1h")), st.sampled_from(("one", "two")),
                                                                    st.sampled_from(("f", "g")))),
    "points": st.dictionaries(st.sampled_from(("p", "o")), st.sampled_from(("x", "y"))),
    "timings": st.sets(st.sampled_from(("m", "n"))),
    "policies": st.sampled_from((None, "p", "o")),
    "accounts": st.dictionaries(st.sampled_from(("k", "l")), st.sampled_from(("Viewer", "Editor"))),
})
EVENTS = st.lists(st.one_of(
    st.tuples(st.just("sync"), DECLARED, st.sampled_from((None, 1, 3, 5, 8, 13))),
    st.tuples(st.just("edit"), st.sampled_from(NAMES), st.sampled_from(("5s", "10s"))),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("delete folder"), st.sampled_from(("f", "g")), st.none()),
    st.tuples(st.just("theirs"), st.sampled_from(("x", "y")), st.sampled_from(("f", "g", ""))),
    st.tuples(st.just("edit rule"), st.sampled_from(("r", "q")), st.sampled_from(("7m", None))),
    st.tuples(st.just("edit point"), st.sampled_from(("p", "o")), st.sampled_from(("http://127.0.0.1:9/z", None))),
    st.tuples(st.just("edit policies"), st.sampled_from(("1m", None)), st.none()),
), max_size=7)


def declaration(rig, drawn):
    folders = drawn["folders"] | {folder for _expr, folder in drawn["dashboards"].values() if folder}
    folders |= {folder for _time, _group, folder in drawn["rules"].values()}
    groups = {}
    for name, (time, group, folder) in drawn["rules"].items():
        row = rig.rule(name, **{"for": time})
        row["data"] = row["data"][1:]
        row["data"][0]["model"]["expression"] = "1 > 0"
        groups.setdefault((group, folder), []).append(row)
    points = {**drawn["points"], **({drawn["policies"]: "x"} if drawn["policies"] else {})}
    routes = [{"object_matchers": [["a", "=", name]], "mute_time_intervals": [rig.title(name)]} for name in sorted(drawn["timings"])]
    return {
        "rule_groups": [rig.group(*rows, name=name, folder=folder) for (name, folder), rows in groups.items()],
        "contact_points": [rig.point(name, secure_settings={"password": secret}) for name, secret in points.items()],
        "mute_timings": [{"name": rig.title(name), "time_intervals": [{"weekdays": ["sunday"]}]} for name in sorted(drawn["timings"])],
        "policies": {"receiver": rig.title("Point " + drawn["policies"]), "routes": routes} if drawn["policies"] else None,
        "service_accounts": [{"name": rig.title(name), "role": role} for name, role in drawn["accounts"].items()],
        "folders": [rig.folder(name, **ADMINS) for name in sorted(folders)],
        "dashboards": [rig.dashboard(name, folder, expr=expr) for name, (expr, folder) in drawn["dashboards"].items()],
        "datasources": [rig.source(name, secure_json_data={"k": secret}) for name, secret in drawn["sources"].items()]}


def by_hand(rig, alerting, what, one, two):
    """A person edits or removes something of alerting, where it is there and may go."""
    path = "/api/v1/provisioning/"
    if what == "edit rule" and rig.uid(one) in alerting.rules:
        if two:
            rig.call("PUT", path + "alert-rules/" + rig.uid(one), {**rig.get(path + "alert-rules/" + rig.uid(one)), "for": two})
        else:
            rig.call("DELETE", path + "alert-rules/" + rig.uid(one))
    elif what == "edit point":
        row = next((row for row in alerting.points if row["uid"] == rig.uid(one)), None)
        if row and two:
            rig.call("PUT", path + "contact-points/" + rig.uid(one), {**row, "settings": {"url": two}})
        elif row and row["name"] != alerting.tree["receiver"]:
            rig.call("DELETE", path + "contact-points/" + rig.uid(one))
    elif what == "edit policies":
        rig.call(*(("PUT", path + "policies", {**alerting.tree, "group_wait": one}) if one else ("DELETE", path + "policies")))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(events=EVENTS, last=DECLARED)
@pytest.mark.skipif(bool(REAL), reason="interrupts the server")
def test_any_history_converges_and_the_second_sync_writes_nothing(events, last):
    with Double() as double:
        rig = Rig(double)
        rig.sync()
        theirs, interrupted, doubtful = set(), False, set()
        for what, one, two in events:
            if what.startswith("edit") and interrupted:
                # Made by a run that was killed, and edited before another one saw it: it might be somebody else's, so it is never deleted.
                doubtful.add(rig.uid(one))
            if what == "sync":
                interrupted = True
                with interrupted_after(two):
                    rig.sync(workers=1, **declaration(rig, one))
                    interrupted = False
            elif what == "edit" and rig.model(one):
                rig.edit(one, refresh=two)
            elif what == "delete" and rig.model(one):
                rig.call("DELETE", "/api/dashboards/uid/" + rig.uid(one))
            elif what == "delete folder" and rig.get("/api/folders/" + rig.uid(one)):
                rig.call("DELETE", "/api/folders/" + rig.uid(one) + "?forceDeleteRules=true")
                theirs = {name for name in theirs if rig.model(name)}
            elif what.startswith("edit ") and what != "edit":
                by_hand(rig, double.orgs[1].alerting, what, one, two)
            elif what == "theirs" and not rig.model(one) and (not two or rig.get("/api/folders/" + rig.uid(two))):
                rig.call("POST", "/api/dashboards/db", {"dashboard": {"uid": rig.uid(one), "title": rig.title("Theirs " + one)},
                                                        "folderUid": rig.uid(two) if two else ""})
                theirs.add(one)
        wanted = declaration(rig, last)
        rig.sync(**wanted)
        again = rig.sync(**wanted)
        assert not again.changed and again.calls["writes"] == 0 and again.drift == []
        org = double.orgs[1]
        there = {uid for uid in org.dashboards if not uid.startswith("psf-record")}
        assert there - doubtful == {rig.uid(name) for name in set(last["dashboards"]) | theirs} - doubtful
        for name, (expr, folder) in last["dashboards"].items():
            assert rig.model(name)["panels"][0]["targets"][0]["expr"] == expr and rig.place(name) == (rig.uid(folder) if folder else "")
        alerting = org.alerting
        there = {uid: (row["for"], row["folderUID"]) for uid, row in alerting.rules.items()}
        asked = {rig.uid(name): (time, rig.uid(folder)) for name, (time, _group, folder) in last["rules"].items()}
        assert {uid: row for uid, row in there.items() if uid in asked or uid not in doubtful} == asked
        points = {**last["points"], **({last["policies"]: "x"} if last["policies"] else {})}
        if rig.uid("1m") in doubtful:
            # Policies that stay keep what they use.
            doubtful |= {rig.uid("p"), rig.uid("o"), rig.title("m"), rig.title("n")}
        asked = {rig.uid(name): {"url": "http://127.0.0.1:9/hook", "password": secret} for name, secret in points.items()}
        there = {row["uid"]: row["settings"] for row in alerting.points if row["uid"]}
        assert {uid: row for uid, row in there.items() if uid in asked or uid not in doubtful} == asked
        assert set(alerting.timings) - doubtful == {rig.title(name) for name in last["timings"]} - doubtful
        if last["policies"] or rig.uid("1m") not in doubtful:
            assert alerting.tree["receiver"] == (rig.title("Point " + last["policies"]) if last["policies"] else "grafana-default-email")
        assert {row["name"]: row["role"] for row in alerting.accounts.values()} == {
            rig.title(name): role for name, role in last["accounts"].items()}
        secrets = {uid: row["secrets"]["k"] for uid, row in org.sources.items()}
        assert secrets == {rig.uid(name): secret for name, secret in last["sources"].items()}
