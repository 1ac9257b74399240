# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provisioning files say what the declaration says: a server that reads them holds it; they come and go together, without secrets."""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.psf.observatory.plugins.module_utils.grafana import file_store, files
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.plugins.modules import grafana_files
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double import Double
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.rig import Rig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECRET = "correct-horse$battery"


class Host:
    """Directories of a host, and the Grafana that reads them."""

    def __init__(self, top, double):
        self.top, self.double, self.rig = top, double, Rig(double)
        self.double.provisioning = f"{top}/provisioning"
        self.options = {"path": f"{top}/provisioning", "dashboards_path": f"{top}/boards", "secrets_path": f"{top}/secrets",
                        "group": "root", "version": "9.4"}

    def run(self, check=False, **options):
        options = {**self.options, **copy.deepcopy(options)}
        checked = ArgumentSpecValidator(grafana_files.argument_spec()).validate(options)
        assert not checked.error_messages, checked.error_messages
        concern = grafana_files.Provisioning(checked.validated_parameters, check)
        return {**concern.run(), "diff": concern.plan.diff(), "warnings": concern.warnings}

    def files(self):
        return {str(path): path.read_text() for path in sorted(self.top.rglob("*")) if path.is_file() and "/state/" not in str(path)}

    def start(self):
        self.double.start_with(self.files())

    def reload(self):
        return {"url": self.double.url, "username": "admin", "password": "admin"}


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(grafana_files, "STATE", str(tmp_path / "state"))
    with Double() as double:
        one = Host(tmp_path, double)
        # What Grafana reads for a reload is what is there then.
        read, made = double.read_files, one

        def fresh(kind):
            double.files = made.files()
            read(kind)
        double.read_files = fresh
        yield one


def everything(rig):
    """One of each that files can hold, with dollars where they hurt."""
    wanted = rig.alerting(dashboards=[rig.dashboard(folder="b"), rig.dashboard("e", folder="", title="Cost in $HOME")])
    wanted["folders"].append(rig.folder("b"))
    wanted["datasources"] = [rig.source(title="prom $1", secure_json_data={"basicAuthPassword": SECRET}, basic_auth_user="u",
                                        is_default=True),
                             rig.source("loki", "loki", links={"traces": rig.uid("jaeger")}), rig.source("jaeger", "jaeger")]
    wanted["correlations"] = [{"source": rig.uid("loki"), "label": "trace", "target": rig.uid("jaeger"), "field": "trace_id",
                               "query": {"query": "${trace_id}"}}]
    wanted["contact_points"][0]["settings"]["message"] = "costs $5 and ${HOME}"
    rule = wanted["rule_groups"][0]["rules"][0]
    rule.update(labels={"price": "$5"}, annotations={"summary": "{{ $labels.instance }} of $HOME"})
    rule["data"][0]["model"]["expr"] = 'up{job=~"a$"}'
    wanted["notification_templates"][0]["template"] = "{{ range $i, $a := .Alerts }}{{ $a.Status }}{{ end }}"
    return wanted


def test_a_grafana_that_reads_the_files_holds_what_the_api_would_have_written(host):
    wanted = everything(host.rig)
    host.run(**wanted)
    host.start()
    outcome = host.rig.sync(check=True, **wanted)
    # All there, all of files: nothing left to write but the folder of the rules, which their file names by title only.
    left = [row["target"] for row in outcome.plan if row["step"] != "take over"]
    title = host.rig.title("Folder f")
    made = next(uid for uid, folder in host.double.orgs[1].folders.items() if folder["title"] == title)
    assert left == ['folder "%s" (%s)' % (title, host.rig.uid("f")), "rule group %s/%s" % (host.rig.uid("f"), host.rig.title("g"))]
    assert [text.split(" comes from files")[0] for text in outcome.warnings] == [
        'alert rule "%s" (%s)' % (host.rig.title("Rule r"), host.rig.uid("r"))]
    rule = host.double.orgs[1].alerting.rules[host.rig.uid("r")]
    assert rule["folderUID"] == made and rule["labels"] == {"price": "$5"} and rule["data"][0]["model"]["expr"] == 'up{job=~"a$"}'
    assert rule["annotations"] == {"summary": "{{ $labels.instance }} of $HOME"}
    assert host.double.orgs[1].sources[host.rig.uid("prom")]["secrets"] == {"basicAuthPassword": SECRET}


def test_the_second_run_changes_nothing_and_check_mode_writes_nothing(host):
    wanted = everything(host.rig)
    check = host.run(check=True, **wanted)
    assert check["changed"] and host.files() == {}
    assert host.run(**wanted)["plan"] == check["plan"]
    before = host.files()
    again = host.run(**wanted)
    assert not again["changed"] and again["plan"] == [] and host.files() == before


def test_the_same_declaration_makes_the_same_files_in_any_order(host):
    wanted = everything(host.rig)
    host.run(**wanted)
    before = host.files()
    turned = {key: list(reversed(value)) if isinstance(value, list) else value for key, value in wanted.items()}
    assert not host.run(**turned)["changed"] and host.files() == before


def test_no_secret_is_in_a_file_that_others_read(host):
    outcome = host.run(**everything(host.rig))
    for path, text in host.files().items():
        held = SECRET in text or "correct-horse" in text
        assert held == ("/secrets/" in path) and os.stat(path).st_mode & 0o777 == 0o640
    assert all(os.stat(path).st_mode & 0o777 == 0o750 for path in (host.top / "secrets", host.top / "secrets" / "default"))
    assert "horse" not in str(outcome)


def test_a_secret_can_be_a_reference_of_its_own(host):
    host.double.environment["PROM"] = "from-env"
    rig = host.rig
    host.run(datasources=[rig.source(secure_json_data={"a": "$__env{PROM}", "b": "${PROM}", "c": "$__file{/nowhere}"})])
    text = (host.top / "provisioning/datasources/psf-default.yaml").read_text()
    assert yaml.safe_load(text)["datasources"][0]["secureJsonData"] == {"a": "$__env{PROM}", "b": "${PROM}", "c": "$__file{/nowhere}"}
    assert not (host.top / "secrets").exists()


def test_a_changed_secret_is_a_change_that_is_not_shown(host):
    rig = host.rig
    host.run(datasources=[rig.source(secure_json_data={"a": "one-secret"})])
    outcome = host.run(datasources=[rig.source(secure_json_data={"a": "another-secret"})])
    assert outcome["changed"] and "another" not in str(outcome) and "(secret, changed, not shown)" in str(outcome["diff"])
    host.start()
    assert host.double.orgs[1].sources[rig.uid("prom")]["secrets"] == {"a": "another-secret"}


def test_what_is_no_longer_declared_is_named_for_deletion_and_goes(host):
    rig, wanted = host.rig, everything(host.rig)
    host.run(**wanted)
    host.start()
    outcome = host.run(folders=[rig.folder()], contact_points=[rig.point("q")])
    assert outcome["deleted"] == {"alert rule": [rig.uid("r")], "contact point": [rig.uid("p")], "mute timing": [rig.title("nights")],
                                  "datasource": [rig.uid("jaeger"), rig.uid("loki"), rig.uid("prom")],
                                  "notification template": [rig.title("text")], "policies": ["organisation"]}
    host.start()
    org = host.double.orgs[1]
    assert not org.sources and not org.alerting.rules and not org.alerting.timings and not org.alerting.templates and not org.dashboards
    assert [row["uid"] for row in org.alerting.points] == ["", rig.uid("q")] and org.alerting.tree_provenance == ""
    # It stays named, and no longer when that is not wanted or it is declared again.
    assert not host.run(folders=[rig.folder()], contact_points=[rig.point("q")])["changed"]
    assert "alert rule" not in host.run(**wanted)["deleted"]
    host.run(folders=[rig.folder()], contact_points=[rig.point("q")])
    assert host.run(folders=[rig.folder()], contact_points=[rig.point("q")], keep_deleted=False)["deleted"] == {}
    assert "delete" not in (host.top / "provisioning/alerting/psf-default.yaml").read_text()


def test_a_reload_makes_it_live_and_deletions_need_not_stay(host):
    wanted = everything(host.rig)
    outcome = host.run(**wanted, reload=host.reload())
    assert outcome["reloaded"] == ["datasources", "alerting", "dashboards"]
    assert host.rig.uid("d") in host.double.orgs[1].dashboards and host.rig.uid("r") in host.double.orgs[1].alerting.rules
    assert not host.run(**wanted, reload=host.reload())["reloaded"]
    gone = host.run(state="absent", reload=host.reload())
    assert gone["changed"] and gone["deleted"] == {} and host.files() == {} and not (host.top / "boards/default").exists()
    assert not host.double.orgs[1].sources and not host.double.orgs[1].dashboards
    assert not host.run(state="absent", reload=host.reload())["changed"]


def test_files_that_grafana_refuses_are_put_back(host):
    rig = host.rig
    host.run(datasources=[rig.source(is_default=True)], reload=host.reload())
    others = host.top / "provisioning/datasources/other.yaml"
    others.write_text("apiVersion: 1\ndatasources:\n  - {name: Other, uid: o, type: loki, access: proxy}\n")
    before = host.files()
    others_default = others.read_text().replace("proxy", "proxy, isDefault: true")
    others.write_text(others_default)
    with pytest.raises(ConcernError, match=r"reload of datasources; see Grafana's log.*answered 500.*all files were put back, and Grafana"):
        host.run(datasources=[rig.source(is_default=True, url="http://127.0.0.1:10")], reload=host.reload())
    assert {**host.files(), str(others): before[str(others)]} == before
    others.write_text(before[str(others)])
    assert host.run(datasources=[rig.source(is_default=True, url="http://127.0.0.1:10")], reload=host.reload())["changed"]


def test_when_one_file_cannot_be_written_none_is(host, monkeypatch):
    rig = host.rig
    host.run(**everything(rig))
    before = host.files()
    replace, count = os.rename, [0]

    def failing(source, target):
        count[0] += "/state/" not in str(target)
        if count[0] == 3:
            raise OSError(28, "No space left on device")
        return replace(source, target)
    monkeypatch.setattr(os, "rename", failing)
    changed = everything(rig)
    changed["datasources"][0]["url"] = "http://127.0.0.1:10"
    changed["contact_points"][0]["secure_settings"]["password"] = "new"
    changed["dashboards"][0]["model"]["refresh"] = "5s"
    with pytest.raises(ConcernError, match="No space left on device; all files were put back"):
        host.run(**changed)
    monkeypatch.setattr(os, "rename", replace)
    assert host.files() == before and host.run(**changed)["changed"]


def test_a_run_that_was_killed_is_completed_by_the_next(host, monkeypatch):
    rig = host.rig
    host.run(**everything(rig))

    class Killed(BaseException):
        pass

    def killed(self, *_args):
        raise Killed
    changed = everything(rig)
    changed["dashboards"].append(rig.dashboard("n", folder="b"))
    monkeypatch.setattr("ansible_collections.psf.observatory.plugins.module_utils.grafana.file_store.Store._restore", killed)
    monkeypatch.setattr("ansible_collections.psf.observatory.plugins.module_utils.grafana.file_store.Store._tidy", killed)
    with pytest.raises(Killed):
        host.run(**changed, reload={"url": "http://127.0.0.1:9", "username": "a", "password": "b"})
    monkeypatch.undo()
    monkeypatch.setattr(grafana_files, "STATE", str(host.top / "state"))
    # What a kill leaves between writing a file and putting it in place.
    path = next(path for path in host.files() if "/secrets/" in path)
    Path(path + ".psf-new").write_text("half a secr")
    assert not host.run(**everything(rig))["drift"] and not Path(path + ".psf-new").exists()
    assert not any(rig.uid("n") in path for path in host.files())


def test_files_of_others_stay_and_an_edit_is_told(host):
    rig = host.rig
    host.run(datasources=[rig.source()])
    path = host.top / "provisioning/datasources/psf-default.yaml"
    (host.top / "provisioning/datasources/other.yaml").write_text("apiVersion: 1\n")
    path.write_text("apiVersion: 1\n")
    outcome = host.run(datasources=[rig.source()])
    assert outcome["drift"] == [{"path": str(path), "found": "edited", "done": "overwritten"}]
    host.run(state="absent", keep_deleted=False)
    assert set(host.files()) == {str(host.top / "provisioning/datasources/other.yaml")}
    path.write_text("mine\n")
    with pytest.raises(ConcernError, match="is there and was not made by this module"):
        host.run(datasources=[rig.source()])
    assert path.read_text() == "mine\n"


def test_two_scopes_side_by_side(host):
    rig = host.rig
    host.run(datasources=[rig.source()])
    host.run(scope="other", datasources=[rig.source("loki", "loki")])
    host.run(state="absent", keep_deleted=False)
    assert [Path(path).name for path in host.files()] == ["psf-other.yaml"]


def test_a_dashboard_is_shown_in_its_panels(host):
    rig = host.rig
    host.run(folders=[rig.folder()], dashboards=[rig.dashboard()])
    outcome = host.run(folders=[rig.folder()], dashboards=[rig.dashboard(expr="down")])
    assert outcome["plan"] == [{"step": "change", "target": 'dashboard "%s" (%s)' % (rig.title("Dash d"), rig.uid("d"))}]
    assert outcome["diff"][0]["after"] == 'panel "CPU" (id 1) / query A / expr: down\n'


@pytest.mark.parametrize(("change", "words"), [
    (lambda r: {"teams": [{"name": "SRE"}]}, "team SRE: files of Grafana cannot hold it"),
    (lambda r: {"folders": [r.folder(permissions=[])]}, "permissions of folder .* cannot hold it"),
    (lambda r: {"folders": [r.folder("a"), r.folder("b", parent="a")]}, "cannot nest folders"),
    (lambda r: {"dashboards": [r.dashboard(folder="nope")]}, "folder .*nope is not declared; its title is needed"),
    (lambda r: {"correlations": [{"source": "s", "label": "l", "target": "t", "field": "f"}]}, "the correlation stands in its file"),
    (lambda r: {"datasources": [r.source(secure_json_data={"a": " x"})]}, "begins or ends with a blank"),
    (lambda r: {"scope": "a/b"}, "scope: 'a/b' is not"), (lambda r: {"version": "new"}, "version: 'new' is no version"),
    (lambda r: {"path": "relative", "dashboards_path": "/x"}, "is no absolute path"),
    (lambda r: {"path": "/p", "dashboards_path": "/p/dashboards/x"}, "would take the dashboards there for providers"),
    (lambda r: {"group": "no-such-group", "datasources": [r.source()]}, "group: no-such-group does not exist on this host"),
])
def test_what_files_cannot_hold_is_refused_before_anything_is_written(host, change, words):
    with pytest.raises(ConcernError, match=words):
        host.run(**change(host.rig))
    assert host.files() == {}


def test_dashboards_and_rules_in_one_folder_are_warned_of(host):
    rig = host.rig
    outcome = host.run(**rig.alerting(dashboards=[rig.dashboard()]))
    assert len(outcome["warnings"]) == 1 and "give the rules a folder of their own" in outcome["warnings"][0]


DECLARED = st.fixed_dictionaries({
    "boards": st.dictionaries(st.sampled_from(("a", "b")), st.tuples(st.sampled_from(("up", "down")), st.sampled_from(("f", "")))),
    "sources": st.dictionaries(st.sampled_from(("s", "t")), st.sampled_from(("one-secret", "two-secret"))),
    "points": st.sets(st.sampled_from(("p", "q")))})
EVENTS = st.lists(st.one_of(
    st.tuples(st.just("run"), DECLARED, st.sampled_from((None, 0, 1, 2, 4, 7))),
    st.tuples(st.just("edit"), st.integers(0, 9), st.sampled_from(("", "apiVersion: 1\n"))),
    st.tuples(st.just("delete"), st.integers(0, 9), st.none())), max_size=5)


class Killed(BaseException):
    pass


@contextlib.contextmanager
def killed_after(renames):
    """The run ends, as if killed, before its next file is put in place after so many; None: it is not."""
    rename, restore, left = os.rename, file_store.Store._restore, [renames]

    def counted(source, target):
        if left[0] is not None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        return rename(source, target)

    def no_more(*_arguments):
        raise Killed
    os.rename, file_store.Store._restore = counted, no_more
    try:
        with contextlib.suppress(Killed):
            yield
    finally:
        os.rename, file_store.Store._restore = rename, restore


def declaration(rig, drawn):
    return {"folders": [rig.folder()],
            "dashboards": [rig.dashboard(name, folder, expr=expr) for name, (expr, folder) in drawn["boards"].items()],
            "datasources": [rig.source(name, secure_json_data={"k": secret}) for name, secret in drawn["sources"].items()],
            "contact_points": [rig.point(name) for name in sorted(drawn["points"])]}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(events=EVENTS, last=DECLARED)
def test_any_history_ends_in_the_files_that_a_fresh_host_gets(tmp_path_factory, monkeypatch, events, last):
    double = Double()
    double.url = "http://127.0.0.1:9"
    top = tmp_path_factory.mktemp("host")
    host = Host(top / "root", double)
    monkeypatch.setattr(grafana_files, "STATE", str(top / "state"))
    for what, one, two in events:
        there = sorted(host.files())
        if what == "run":
            with killed_after(two):
                host.run(**declaration(host.rig, one))
        elif there and what == "edit":
            Path(there[one % len(there)]).write_text(two)
        elif there:
            os.unlink(there[one % len(there)])
    wanted = declaration(host.rig, last)
    host.run(**wanted)
    assert not host.run(**wanted)["changed"]
    host.run(**wanted, keep_deleted=False)
    ended = host.files()
    monkeypatch.setattr(grafana_files, "STATE", str(top / "other-state"))
    shutil.rmtree(top / "root", ignore_errors=True)
    host.run(**wanted)
    assert ended == host.files()


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                      lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_is_written_is_what_is_read(value):
    assert yaml.safe_load(files.yaml(value)) == value
