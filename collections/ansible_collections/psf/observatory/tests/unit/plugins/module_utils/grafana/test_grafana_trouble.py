# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong between several who write, and half-way: what is said, what is left, and that the next run mends it."""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import subprocess
from functools import partialmethod

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.grafana import sync
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.rig import Rig


def wanted(rig, count=6, **more):
    return {"folders": [rig.folder()], "dashboards": [rig.dashboard("d%d" % number) for number in range(count)], **more}


# -- several who write -------------------------------------------------------------------------------------------------
def test_two_sets_at_the_same_time_on_an_empty_organisation(double):
    """Both find no folder of records; one makes it, and neither fails."""
    double.latency = 0.005
    rigs = [Rig(double), Rig(double), Rig(double)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda one: one.sync(**wanted(one)), rigs))
    assert [outcome.objects["created"] for outcome in outcomes] == [7, 7, 7]
    double.latency = 0
    assert not any(one.sync(**wanted(one)).changed for one in rigs)


def test_the_same_set_twice_at_the_same_time(double, broken):
    """From two machines, so no lock keeps them apart: one may be told of the other, and the next run finds nothing to mend."""
    broken.sync(folders=[broken.folder()])
    double.latency = 0.005

    def run(expr):
        try:
            rig_of = Rig(double)
            rig_of.tag = broken.tag
            return rig_of.sync(**{**wanted(broken), "dashboards": [broken.dashboard("d%d" % n, expr=expr) for n in range(6)]})
        except ConcernError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(run, ("a", "b")))
    errors = [one for one in outcomes if isinstance(one, ConcernError)]
    assert all("another run" in error.msg for error in errors), errors
    double.latency = 0
    final = {**wanted(broken), "dashboards": [broken.dashboard("d%d" % n, expr="c") for n in range(6)]}
    broken.sync(**final)
    assert not broken.sync(**final).changed
    assert {broken.model("d%d" % n)["panels"][0]["targets"][0]["expr"] for n in range(6)} == {"c"}


def test_an_object_of_another_set_is_refused(double, broken):
    """Else each would undo the other for ever."""
    broken.sync(**wanted(broken))
    mine = {"dashboards": [broken.dashboard("d0", expr="other")]}
    with pytest.raises(ConcernError, match=r"nothing was written: dashboard .*it is kept by the set %s \(scope\) too" % broken.tag):
        broken.sync(scope="other", **mine)
    assert broken.last.client.writes == 0 and not broken.sync(**wanted(broken)).changed
    broken.sync(**{**wanted(broken), "dashboards": []})
    assert broken.sync(scope="other", **mine).objects["created"] == 1
    broken.sync(scope="other", state="absent")


def test_what_two_sets_have_alike_stays_until_the_last_gives_it_up(rig):
    rig.sync(**wanted(rig, 1))
    rig.sync(scope="other", folders=[rig.folder()])
    assert not rig.sync(**wanted(rig, 1)).changed
    rig.sync()
    assert rig.get("/api/folders/" + rig.uid("f")) and rig.model("d0") is None
    rig.sync(scope="other")
    assert rig.get("/api/folders/" + rig.uid("f")) is None
    rig.sync(scope="other", state="absent")


# -- somebody in the UI ------------------------------------------------------------------------------------------------
def test_a_folder_that_was_renamed_by_hand_gets_its_name_back(rig):
    rig.sync(**wanted(rig))
    rig.call("PUT", "/api/folders/" + rig.uid("f"), {"title": rig.title("Renamed"), "overwrite": True})
    outcome = rig.sync(**wanted(rig))
    assert [row["kind"] for row in outcome.drift] == ["folder"] and "title" in outcome.drift[0]["differences"][0]
    assert rig.get("/api/folders/" + rig.uid("f"))["title"] == rig.title("Folder f") and not rig.sync(**wanted(rig)).changed


def test_a_folder_renamed_by_hand_to_what_another_shall_be_called(rig):
    rig.sync(**wanted(rig))
    rig.call("PUT", "/api/folders/" + rig.uid("f"), {"title": rig.title("Folder g"), "overwrite": True})
    more = wanted(rig)
    more["folders"] = [rig.folder("g"), *more["folders"]]
    rig.sync(**more)
    assert rig.get("/api/folders/" + rig.uid("f"))["title"] == rig.title("Folder f") and not rig.sync(**more).changed


def test_a_folder_renamed_by_hand_and_left_keeps_its_dashboards_up_to_date(rig):
    rig.sync(**wanted(rig))
    rig.call("PUT", "/api/folders/" + rig.uid("f"), {"title": rig.title("Renamed"), "overwrite": True})
    changed = {**wanted(rig), "dashboards": [rig.dashboard("d%d" % n, expr="new") for n in range(6)]}
    outcome = rig.sync(drift="leave", **changed)
    assert [row["done"] for row in outcome.drift] == ["left"] and outcome.objects["changed"] == 6
    assert rig.get("/api/folders/" + rig.uid("f"))["title"] == rig.title("Renamed")
    assert not rig.sync(drift="leave", **changed).changed


def test_a_folder_deleted_by_hand_and_left_takes_new_dashboards_with_it_by_name(rig):
    rig.sync(**wanted(rig))
    rig.call("DELETE", "/api/folders/" + rig.uid("f"))
    more = wanted(rig, 8)
    with pytest.raises(ConcernError) as caught:
        rig.sync(drift="leave", **more)
    assert "2 of 2 objects failed" in caught.value.msg
    assert "its folder %s was deleted by hand, and is left so" % rig.uid("f") in caught.value.msg
    assert rig.sync(**more).objects["created"] == 9 and not rig.sync(**more).changed


# -- the server's mood -------------------------------------------------------------------------------------------------
def test_a_storm_of_429_passes(double, broken):
    """Every call is refused twice at first."""
    handle, refused = double.handle, {}

    def limited(method, path, headers, body):
        key = (method, path, body)
        refused[key] = refused.get(key, 0) + 1
        return (429, {"message": "Too many requests"}, {"Retry-After": "1"}) if refused[key] <= 2 else handle(method, path, headers, body)
    double.handle = limited
    assert broken.sync(**wanted(broken)).objects["created"] == 7
    double.handle = handle
    assert not broken.sync(**wanted(broken)).changed


def test_a_storm_of_429_that_does_not_pass_ends_and_says_so(double, broken):
    broken.sync(folders=[broken.folder()])
    double.faults.append([10 ** 6, "^POST /api/dashboards/db", (429, {"message": "Too many requests"}, {"Retry-After": "3600"})])
    broken.slept.clear()
    with pytest.raises(ConcernError, match="answered 429: Too many requests"):
        broken.sync(**wanted(broken, 30))
    # It does not wait for ever: no single wait is longer than half a minute, and the record is asked first.
    assert max(broken.slept) <= 30 and len(broken.slept) <= 10
    double.faults.clear()
    assert broken.sync(**wanted(broken, 30)).objects["created"] == 30


@pytest.mark.parametrize("lost", ["after", "cut", (502, "<html>Bad Gateway</html>", {}), (504, "", {})])
@pytest.mark.parametrize("path", ["^POST /api/datasources/uid/.*/correlations", "^POST /api/serviceaccounts$", "^POST /api/teams$"])
def test_what_grafana_numbers_itself_is_made_once_though_the_answer_was_lost(double, broken, path, lost):
    declared = {
        "datasources": [broken.source(), broken.source("loki", "loki")], "teams": [{"name": broken.title("SRE")}],
        "service_accounts": [{"name": broken.title("bot"), "role": "Editor", "disabled": True}],
        "correlations": [{"source": broken.uid("loki"), "target": broken.uid("prom"), "label": "Metrics", "field": "traceID",
                          "query": {"expr": "up"}}]}
    double.faults.append([2, path, lost])
    assert broken.sync(**declared).drift == []
    assert len(broken.get("/api/datasources/correlations")) == 1
    assert len([row for row in broken.get("/api/serviceaccounts/search?perpage=100")["serviceAccounts"] if broken.tag in row["name"]]) == 1
    assert not broken.sync(**declared).changed


@pytest.mark.parametrize("allowed", [3, 5, 8])
def test_permission_that_is_lost_half_way(double, broken, allowed):
    handle, left = double.handle, [allowed]

    def lost(method, path, headers, body):
        left[0] -= method != "GET"
        return (403, {"message": "You'll need additional permissions"}, {}) if left[0] < 0 else handle(method, path, headers, body)
    double.handle = lost
    with pytest.raises(ConcernError) as caught:
        broken.sync(**wanted(broken))
    assert "answered 403" in caught.value.msg and "the account needs the role Admin" in caught.value.msg
    if allowed > 3:
        assert 'dashboard "' in caught.value.msg and "all others are done" in caught.value.msg and caught.value.details["failures"]
    double.handle = handle
    outcome = broken.sync(**wanted(broken))
    assert outcome.drift == [] and not broken.sync(**wanted(broken)).changed
    broken.sync()
    assert not [uid for uid in double.orgs[1].dashboards if broken.tag in uid and "record" not in uid]


def test_a_long_sync_says_how_far_it_is(double, broken, monkeypatch):
    said = []
    monkeypatch.setattr(sync, "EVERY", 0)
    monkeypatch.setattr(sync.Sync, "__init__", partialmethod(sync.Sync.__init__, progress=said.append))
    broken.sync(**wanted(broken, 3))
    assert said[0].startswith("Grafana at %s: reading, " % double.url) and said[0].endswith(" reads, 0 writes, 0 asked again")
    assert any(": 3 of 4 objects written, " in text for text in said)
    said.clear()
    monkeypatch.setattr(sync, "EVERY", 10)
    broken.sync(**wanted(broken, 3))
    assert said == []


# -- back to the code --------------------------------------------------------------------------------------------------
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_patch_of_an_adoption_applies_to_the_bundles_file(rig, tmp_path):
    declared = rig.dashboard("d", folder="")
    rig.sync(dashboards=[declared])
    edited = rig.model("d")
    edited["panels"][0]["targets"][0]["expr"] = "sum(up)"
    edited["panels"].append({**edited["panels"][0], "id": 2, "title": "Second"})
    rig.edit("d", panels=edited["panels"], refresh="5s")
    patch = rig.sync(dashboards=[declared], drift="adopt").patches[0]
    path = tmp_path / patch["path"]
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(declared["model"], indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    (tmp_path / "a.patch").write_text(patch["patch"])
    subprocess.run(["git", "apply", "a.patch"], cwd=tmp_path, check=True, env={"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": "/"})
    outcome = rig.sync(dashboards=[{"model": json.loads(path.read_text()), "folder": ""}])
    assert outcome.drift == [] and rig.model("d")["refresh"] == "5s" and len(rig.model("d")["panels"]) == 2


# -- what others put there ---------------------------------------------------------------------------------------------
def test_a_folder_stays_while_a_rule_or_a_library_panel_of_others_is_in_it(double, broken):
    broken.sync(**wanted(broken), datasources=[broken.source()])
    broken.call("POST", "/api/library-elements", {"uid": "theirs", "name": "Theirs", "folderUid": broken.uid("f"), "kind": 1,
                                               "model": {"type": "stat", "title": "x"}})
    outcome = broken.sync(datasources=[broken.source()])
    assert broken.get("/api/folders/" + broken.uid("f")) and "library panel theirs" in outcome.warnings[0]
    assert broken.model("d0") is None
    broken.call("DELETE", "/api/library-elements/theirs")
    broken.sync(datasources=[broken.source()])
    assert broken.get("/api/folders/" + broken.uid("f")) is None


def test_a_dashboard_that_comes_into_a_folder_while_it_is_being_emptied_is_not_lost(double, broken):
    broken.sync(**wanted(broken, 1))
    handle = double.handle

    def meanwhile(method, path, headers, body):
        answer = handle(method, path, headers, body)
        if method == "DELETE" and path.startswith("/api/dashboards/uid/" + broken.uid("d0")):
            broken.call("POST", "/api/dashboards/db", {"dashboard": {"uid": "theirs", "title": "Theirs"}, "folderUid": broken.uid("f")})
        return answer
    double.handle = meanwhile
    with pytest.raises(ConcernError, match="was not deleted, as others have put theirs into it meanwhile"):
        broken.sync()
    assert broken.get("/api/dashboards/uid/theirs")
