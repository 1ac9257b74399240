# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component converges: one run makes it so, the next finds nothing to do, and nothing unproven reaches a running service."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.component import probe
from ansible_collections.psf.observatory.plugins.module_utils.component.converge import NeedsArtifact
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.fakes import (
    FakeHost,
    Interrupted,
    config,
    converge,
    resolved,
    stats,
    steps,
    tree,
)
from hypothesis import given
from hypothesis import strategies as st

STATE = "/var/lib/psf-observatory/components/demo"
UNIT = "/etc/systemd/system/demo.service"
CONFIG = "/etc/demo/demo.yml"
CURRENT = "/opt/psf/demo/current"
READY = {"url": "http://127.0.0.1:8080/-/ready"}
TOKEN = "correct-horse-battery"


def mode(host, path):
    return stat.S_IMODE(os.lstat(host.real(path)).st_mode)


def text(host, path):
    return host.read(path).data.decode()


# -- the first run, and the second -------------------------------------------------------------------------------------
def test_fresh_install_does_everything_in_order(host, tmp_path):
    outcome = converge(host, resolved=resolved(tmp_path, "1.0"), files=[config(on_change="reload")], environment={"A": "b"},
                       readiness=READY)
    directory = host.link(CURRENT)
    assert directory.startswith("/opt/psf/demo/versions/1.0-")
    assert steps(outcome) == [
        ("create group", "demo"), ("create user", "demo"),
        ("set directory", "/etc/demo"), ("set directory", "/var/lib/demo"),
        ("install artifact", directory), ("switch version", CURRENT),
        ("write file", CONFIG), ("write file", "/etc/demo/demo.env"), ("write unit", UNIT),
        ("enable", "demo.service"), ("start", "demo.service")]
    assert outcome.changed
    assert (outcome.artifact["version"], outcome.exposure) == ("1.0", 1.2)
    assert text(host, CONFIG) == "a: 1\n" and mode(host, CONFIG) == 0o640
    assert text(host, "/etc/demo/demo.env") == 'A="b"\n' and mode(host, "/etc/demo/demo.env") == 0o600
    assert mode(host, directory + "/demo") == 0o755
    assert host.service("demo").active == "active" and host.service("demo").enabled
    assert "EnvironmentFile=/etc/demo/demo.env" in text(host, UNIT)


def test_second_run_has_an_empty_plan_and_touches_nothing(host, tmp_path):
    options = dict(resolved=resolved(tmp_path, "1.0"), files=[config()], secrets={"/etc/demo/token": TOKEN}, readiness=READY,
                   environment={"A": "b"}, directories=[{"path": "/srv/demo", "mode": "0700"}])
    converge(host, **options)
    before = stats(host.root)
    host.commands.clear()
    outcome = converge(host, **options)
    assert (outcome.plan, outcome.changed, outcome.diff) == ([], False, [])
    assert stats(host.root) == before
    assert host.changing_commands() == []


def test_nothing_is_left_of_the_transaction(host):
    converge(host, files=[config()])
    converge(host, files=[config("a: 2\n")])
    assert host.list(STATE) == ["state.json"]


def test_unchanged_but_still_starting_is_given_its_time(host):
    options = dict(files=[config()], readiness=READY)
    converge(host, **options)
    host.service("demo").loaded["/etc/demo/demo.yml"] = b"HANG"
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        host.service("demo").loaded["/etc/demo/demo.yml"] = b"up"

    host.sleep = sleep
    assert not converge(host, **options).changed
    assert len(slept) == 1


def test_a_service_that_does_not_answer_after_a_change_that_needs_no_restart_is_started_anew(host):
    """As one that was started in plain text while its file was wrong: the file put right does not make it answer."""
    files = [config(), config("1\n", "/etc/demo/token", on_change="none")]
    converge(host, files=files, readiness=READY)
    host.service("demo").loaded["/etc/demo/token"] = b"HANG"
    result = converge(host, files=[files[0], config("2\n", "/etc/demo/token", on_change="none")], readiness=READY)
    assert ("restart", "demo.service") in steps(result)
    assert host.service("demo").loaded["/etc/demo/token"] == b"2\n"


def test_unchanged_but_never_ready_is_an_error_with_the_log(host):
    options = dict(files=[config()], readiness=READY)
    converge(host, **options)
    host.service("demo").loaded["/etc/demo/demo.yml"] = b"HANG"
    host.service("demo").journal.append("waiting for the disk")
    with pytest.raises(ConcernError, match="as declared but not ready.*HTTP 503") as error:
        converge(host, **options)
    assert error.value.details["log"] == ["waiting for the disk"]


# -- check mode --------------------------------------------------------------------------------------------------------
def test_check_on_a_fresh_host_shows_the_plan_of_the_run_and_writes_nothing(host, tmp_path):
    options = dict(resolved=resolved(tmp_path, "1.0"), files=[config()], secrets={"/etc/demo/token": TOKEN},
                   directories=[{"path": "/srv/demo"}], validate=[["{artifact}/demo-check", "{config}/demo.yml"]])
    shown = converge(host, check=True, **options)
    assert list(os.walk(host.root)) == [(host.root, [], [])]
    assert host.changing_commands() == [] and host.changes == 0
    host.validators["demo-check"] = lambda argv, _options: (0, "")
    done = converge(host, **options)
    assert shown.plan == done.plan and shown.diff == done.diff
    assert shown.changed


def test_check_on_a_changed_host_shows_the_plan_of_the_run_and_touches_nothing(host, tmp_path):
    converge(host, resolved=resolved(tmp_path, "1.0"), files=[config(), config("old\n", "/etc/demo/old.yml")])
    options = dict(resolved=resolved(tmp_path, "2.0"), files=[config("a: 2\n")], enabled=False)
    before = stats(host.root)
    host.commands.clear()
    shown = converge(host, check=True, **options)
    assert stats(host.root) == before and host.changing_commands() == []
    assert shown.plan == converge(host, **options).plan
    assert ("remove file", "/etc/demo/old.yml") in steps(shown)


def test_check_validates_when_the_validator_is_on_the_host(host):
    asked = []
    host.validators["sh"] = lambda argv, _options: (asked.append(argv), (1, "line 3: no such key"))[1]
    with pytest.raises(ConcernError, match="line 3: no such key"):
        converge(host, check=True, files=[config()], validate=[["/bin/sh", "{config}/demo.yml"]])
    assert len(asked) == 1


def test_check_finds_a_validator_by_name_as_the_run_does(host):
    host.validators["sh"] = lambda argv, _options: (1, "line 3: no such key")
    with pytest.raises(ConcernError, match="line 3: no such key"):
        converge(host, check=True, files=[config()], validate=[["sh", "{config}/demo.yml"]])


def test_check_says_when_what_the_validator_reads_is_not_there_yet(host):
    host.validators["sh"] = lambda argv, _options: (1, "never asked")
    outcome = converge(host, check=True, files=[config()], validate=[["/bin/sh", "{artifact}/conf", "{config}/demo.yml"]])
    assert outcome.warnings == ["not validated in check mode: {artifact}/conf is not on this host yet"]


def test_check_says_when_the_validator_is_not_there_yet(host):
    outcome = converge(host, check=True, files=[config()], validate=[["{artifact}/demo-check", "{config}/demo.yml"]])
    assert outcome.warnings == ["not validated in check mode: {artifact}/demo-check is not on this host yet"]


def test_check_of_an_unready_service_only_warns(host):
    options = dict(files=[config()], readiness=READY)
    converge(host, **options)
    host.service("demo").loaded["/etc/demo/demo.yml"] = b"HANG"
    outcome = converge(host, check=True, **options)
    assert not outcome.changed
    assert "not ready: HTTP 503" in outcome.warnings[0]


# -- what a change costs -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("on_change, step, command", [
    ("reload", [("reload", "demo.service")], ["systemctl reload demo.service"]),
    ("restart", [("restart", "demo.service")], ["systemctl reset-failed demo.service", "systemctl restart demo.service"]),
    ("none", [], []),
])
def test_a_changed_file_costs_what_it_declares(host, on_change, step, command):
    converge(host, files=[config(on_change=on_change)], reload={})
    host.commands.clear()
    outcome = converge(host, files=[config("a: 2\n", on_change=on_change)], reload={})
    assert steps(outcome) == [("write file", CONFIG), *step]
    assert host.changing_commands() == command
    assert text(host, CONFIG) == "a: 2\n"
    assert not converge(host, files=[config("a: 2\n", on_change=on_change)], reload={}).changed


def test_without_a_way_to_reload_every_change_restarts(host):
    converge(host, files=[config(on_change="reload")])
    outcome = converge(host, files=[config("a: 2\n", on_change="reload")])
    assert steps(outcome)[-1] == ("restart", "demo.service")


@pytest.mark.parametrize("on_change, last", [("reload", ("reload", "demo.service")), ("none", ("write file", "/etc/demo/token")),
                                             (None, ("restart", "demo.service"))])
def test_a_changed_secret_costs_what_it_declares(host, on_change, last):
    options = dict(reload={}, secret_on_change={"/etc/demo/token": on_change} if on_change else None)
    converge(host, secrets={"/etc/demo/token": TOKEN}, **options)
    assert steps(converge(host, secrets={"/etc/demo/token": TOKEN + "2"}, **options))[-1] == last


def test_the_greatest_need_of_several_files_wins(host):
    def files(content):
        return [config(content, "/etc/demo/a", on_change="none"), config(content, "/etc/demo/b", on_change="restart"),
                config(content, "/etc/demo/c", on_change="reload")]

    converge(host, files=files("1"), reload={})
    assert steps(converge(host, files=files("2"), reload={}))[3:] == [("restart", "demo.service")]


def test_reload_by_url_posts_to_the_service(host, web):
    web.answers["/-/reload"] = (200, b"")
    options = dict(reload={"url": web.url + "/-/reload", "username": "machine", "password": "pw"})
    converge(host, files=[config(on_change="reload")], **options)
    converge(host, files=[config("a: 2\n", on_change="reload")], **options)
    assert [(method, path) for method, path, _headers, _body in web.asked] == [("POST", "/-/reload")]
    assert web.asked[0][2]["Authorization"].startswith("Basic ")


def test_a_refused_reload_brings_the_old_configuration_back(host, web):
    web.answers["/-/reload"] = (500, b"field scrape_intervall not found")
    options = dict(reload={"url": web.url + "/-/reload"})
    converge(host, files=[config(on_change="reload")], **options)
    with pytest.raises(ConcernError, match="HTTP 500 field scrape_intervall not found") as error:
        converge(host, files=[config("bad", on_change="reload")], **options)
    assert error.value.details["rolled_back"]
    assert text(host, CONFIG) == "a: 1\n"
    assert host.service("demo").loaded[CONFIG] == b"a: 1\n"


def test_a_unit_that_changed_is_loaded_before_the_restart(host):
    converge(host, files=[config()])
    converge(host, files=[config()], unit={"exec": ["/usr/bin/demo", "--verbose"]})
    assert b"--verbose" in host.service("demo").started["unit"]


# -- validation --------------------------------------------------------------------------------------------------------
def test_a_validator_that_fails_leaves_everything_as_it_was(host):
    host.validators["demo-check"] = lambda argv, _options: (0, "")
    options = dict(validate=[["/usr/bin/demo-check", "{config}/demo.yml"]])
    converge(host, files=[config()], **options)
    before = stats(host.root)
    host.commands.clear()
    host.validators["demo-check"] = lambda argv, _options: (2, "demo.yml:1: unknown key b\n")
    with pytest.raises(ConcernError, match="nothing was changed.*demo.yml:1: unknown key b") as error:
        converge(host, files=[config("b: 1\n")], **options)
    assert error.value.details["validator"] == ["/usr/bin/demo-check", "{config}/demo.yml"]
    assert stats(host.root) == before and host.changing_commands() == []


def test_the_validator_sees_the_new_files_as_the_service_would(host):
    seen = {}

    def check(argv, options):
        with open(argv[1], encoding="utf-8") as stream:
            seen["main"] = stream.read()
        for line in seen["main"].splitlines():
            with open(line.split("=")[1], encoding="utf-8") as stream:
                seen[line.split("=")[0]] = stream.read()
        seen["path"], seen["environment"] = argv[1], options["env"]["SETTING"]
        return 0, ""

    host.validators["demo-check"] = check
    converge(host, files=[config("web=/etc/demo/web.yml\nlong=/etc/demo/web.yml2\n"), config("w", "/etc/demo/web.yml"),
                          config("l", "/etc/demo/web.yml2")],
             environment={"SETTING": 'a "quoted" $HOME \\ `value`'}, validate=[["/usr/bin/demo-check", "{config}/demo.yml"]])
    assert (seen["web"], seen["long"]) == ("w", "l")
    assert seen["environment"] == 'a "quoted" $HOME \\ `value`'
    assert not os.path.exists(seen["path"])
    assert text(host, CONFIG) == "web=/etc/demo/web.yml\nlong=/etc/demo/web.yml2\n"


def test_the_validator_is_the_one_of_the_new_version(host, tmp_path):
    ran = []
    host.validators["demo"] = lambda argv, _options: (ran.append(Path(argv[0]).read_bytes()), (0, ""))[1]
    options = dict(files=[config()], validate=[["{artifact}/demo", "check"]])
    converge(host, resolved=resolved(tmp_path, "1.0"), **options)
    converge(host, resolved=resolved(tmp_path, "2.0"), **options)
    assert ran == [b"#!demo 1.0", b"#!demo 2.0"]


def test_a_unit_that_is_too_open_is_refused_before_anything_is_swapped(host):
    host.exposure_of_units = "6.3"
    with pytest.raises(ConcernError, match="unit.hardening: demo would have an exposure of 6.3, more than exposure_max 3.0"):
        converge(host, files=[config()])
    assert tree(host.root) == {} and host.changes == 0


def test_a_host_that_cannot_measure_exposure_is_said_so(host):
    host.exposure_of_units = None
    outcome = converge(host, files=[config()])
    assert outcome.exposure is None and "was not measured" in outcome.warnings[0]


@pytest.mark.parametrize("options, message", [
    (dict(files=[config(owner="nobody-here")]), "user nobody-here does not exist"),
    (dict(files=[config(group="no-group")]), "group no-group does not exist"),
    (dict(directories=[{"path": "/srv/demo", "owner": "nobody-here"}]), "user nobody-here does not exist"),
])
def test_an_unknown_owner_is_named_before_anything_is_touched(host, options, message):
    with pytest.raises(ConcernError, match=message):
        converge(host, **options)
    assert host.changes == 0


def test_something_else_in_the_place_of_a_file_is_named(host, tmp_path):
    os.makedirs(host.real("/etc/demo"))
    os.symlink(tmp_path / "elsewhere", host.real(CONFIG))
    with pytest.raises(ConcernError, match="/etc/demo/demo.yml is not a plain file on this host; move it away"):
        converge(host, files=[config()])


# -- rollback ----------------------------------------------------------------------------------------------------------
def settled(tmp_path):
    """A declaration with an artifact and two files."""
    return dict(resolved=resolved(tmp_path, "1.0"), readiness=READY, reload={},
                files=[config("a: 1\n", mode="0600"), config("old\n", "/etc/demo/extra.yml")])


@pytest.mark.parametrize("word, reason", [("HANG", "not ready after 60 s: HTTP 503 still starting"), ("CRASH", "does not stay up")])
def test_a_service_that_never_gets_ready_gets_everything_back(host, tmp_path, word, reason):
    converge(host, **settled(tmp_path))
    before = tree(host.root)
    with pytest.raises(ConcernError, match=reason) as error:
        converge(host, resolved=resolved(tmp_path, "2.0"), readiness=READY, unit={"exec": ["/usr/bin/demo", "--new"]},
                 files=[config(word), config("new\n", "/etc/demo/new.yml")], environment={"A": "b"})
    after = tree(host.root)
    assert {path: row for path, row in after.items() if "/versions/2.0-" not in path} == before
    assert error.value.details["rolled_back"]
    assert "The old version and configuration were put back and run again" in error.value.msg
    service = host.service("demo")
    assert service.active == "active" and service.loaded[CONFIG] == b"a: 1\n"
    assert service.started["program"] == host.link(CURRENT) and "1.0" in service.started["program"]
    assert b"--new" not in service.started["unit"]
    assert not converge(host, **settled(tmp_path)).changed


def test_the_error_has_the_services_own_words(host, tmp_path):
    converge(host, **settled(tmp_path))
    with pytest.raises(ConcernError, match="Last words of the service: demo: bad settings, giving up") as error:
        converge(host, **{**settled(tmp_path), "files": [config("CRASH")]})
    assert error.value.details["log"] == ["demo: bad settings, giving up"]


def test_a_failed_fresh_install_leaves_a_stopped_service_without_unit_and_files(host, tmp_path):
    with pytest.raises(ConcernError, match="Everything was put back; it was not running before"):
        converge(host, resolved=resolved(tmp_path, "1.0"), files=[config("CRASH")], environment={"A": "b"})
    assert [path for path in tree(host.root) if not path.startswith("/opt/psf/demo/versions/")] == []
    service = host.service("demo")
    assert (service.active, service.enabled, service.unit) == ("inactive", False, None)


def test_a_service_that_started_with_the_host_does_so_again_after_a_rollback(host):
    converge(host, files=[config()])
    with pytest.raises(ConcernError):
        converge(host, files=[config("CRASH")], enabled=False)
    assert host.service("demo").enabled


@pytest.mark.parametrize("before", [READY, None])
def test_the_old_configuration_is_asked_the_old_way(host, monkeypatch, before):
    """The new one may listen elsewhere, or be the first that can be asked at all."""
    asked = []
    converge(host, files=[config()], readiness=before)

    def ready(readiness):
        asked.append(readiness["url"])
        return "refused" if ":9/" in readiness["url"] else ""

    monkeypatch.setattr(probe, "ready", ready)
    with pytest.raises(ConcernError, match="The old version and configuration were put back and run again"):
        converge(host, files=[config("a: 2\n")], readiness={"url": "http://127.0.0.1:9/-/ready"})
    assert (asked[-1] == READY["url"]) is bool(before)


def test_when_the_old_service_does_not_run_either_it_says_so_and_the_next_run_confirms(host):
    converge(host, files=[config()], readiness=READY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "ready", lambda _readiness: "connection refused")
        with pytest.raises(ConcernError, match="the old service does not run either .*connection refused"):
            converge(host, files=[config("a: 2\n")], readiness=READY)
    assert text(host, CONFIG) == "a: 1\n"
    outcome = converge(host, files=[config()], readiness=READY)
    assert steps(outcome) == [("confirm", "demo"), ("restart", "demo.service")]


# -- interruption ------------------------------------------------------------------------------------------------------
def interrupt_at_restart(host, **options):
    restart = host._do_restart

    def interrupted(_name, _service):
        raise Interrupted

    host._do_restart = interrupted
    with pytest.raises(Interrupted):
        converge(host, **options)
    host._do_restart = restart


def test_after_an_interrupted_run_the_next_one_confirms(host):
    converge(host, files=[config()])
    interrupt_at_restart(host, files=[config("a: 2\n")])
    assert text(host, CONFIG) == "a: 2\n" and host.service("demo").loaded[CONFIG] == b"a: 1\n"
    outcome = converge(host, files=[config("a: 2\n")])
    assert steps(outcome) == [("confirm", "demo"), ("restart", "demo.service")]
    assert host.service("demo").loaded[CONFIG] == b"a: 2\n"
    assert host.list(STATE) == ["state.json"]
    assert not converge(host, files=[config("a: 2\n")]).changed


def test_an_interrupted_run_that_fails_later_goes_back_to_before_the_interruption(host, tmp_path):
    converge(host, **settled(tmp_path))
    before = tree(host.root)
    interrupt_at_restart(host, resolved=resolved(tmp_path, "2.0"), readiness=READY, reload={},
                         files=[config("HANG", mode="0640"), config("new\n", "/etc/demo/new.yml")])
    with pytest.raises(ConcernError, match="not ready after 60 s") as error:
        converge(host, resolved=resolved(tmp_path, "2.0"), readiness=READY, reload={},
                 files=[config("HANG", mode="0640"), config("newer\n", "/etc/demo/new.yml")])
    assert error.value.details["rolled_back"]
    assert {path: row for path, row in tree(host.root).items() if "/versions/2.0-" not in path} == before
    assert host.service("demo").loaded[CONFIG] == b"a: 1\n"


def test_what_an_interrupted_run_wrote_is_removed_when_no_longer_declared(host):
    converge(host, files=[config()])
    interrupt_at_restart(host, files=[config(), config("x", "/etc/demo/left.yml")])
    outcome = converge(host, files=[config()])
    assert ("remove file", "/etc/demo/left.yml") in steps(outcome)
    assert host.read("/etc/demo/left.yml") is None


def test_absent_after_an_interrupted_first_run_leaves_none_of_its_files(host):
    interrupt_at_restart(host, files=[config()], secrets={"/etc/demo/token": TOKEN})
    converge(host, state="absent")
    assert tree(host.root) == {}


def journey(tmp_path):
    """Two declarations that differ in everything that a run changes."""
    return (dict(resolved=resolved(tmp_path, "1.0"), files=[config(), config("o", "/etc/demo/old")], environment={"A": "1"}),
            dict(resolved=resolved(tmp_path, "2.0"), files=[config("a: 2\n", mode="0600"), config("n", "/etc/demo/new")],
                 unit={"exec": ["/usr/bin/demo", "--new"]}, enabled=False))


def interrupted_hosts(tmp_path, first, second):
    """A host for each change of the run from A to B, on which that run ended just before this change."""
    point = 0
    while True:
        point += 1
        host = FakeHost(tmp_path / ("host%d" % point))
        converge(host, **first)
        host.changes, host.interrupt_at = 0, point
        try:
            converge(host, **second)
        except Interrupted:
            host.interrupt_at = None
            yield "interrupted before change %d" % point, host
        else:
            assert point > 20
            return


def settled_tree(host, without):
    """The tree without one version. A run that ended between its last two changes leaves copies that only root can read; the
    next change takes them."""
    return {path: row for path, row in tree(host.root).items() if "/versions/" + without not in path and "/backup/" not in path}


def test_interrupted_anywhere_the_next_run_converges(tmp_path):
    first, second = journey(tmp_path)
    alone = FakeHost(tmp_path / "alone")
    converge(alone, **second)
    for point, host in interrupted_hosts(tmp_path, first, second):
        converge(host, **second)
        assert settled_tree(host, "1.0") == tree(alone.root), point
        service = host.service("demo")
        assert service.active == "active" and not service.enabled, point
        assert service.started["unit"] == host.read(UNIT).data and service.started[CONFIG] == b"a: 2\n", point
        assert not converge(host, **second).changed, point


def test_interrupted_anywhere_a_run_that_fails_goes_back_to_before(tmp_path):
    first, second = journey(tmp_path)
    alone = FakeHost(tmp_path / "alone")
    converge(alone, **first)
    for point, host in interrupted_hosts(tmp_path, first, second):
        committed = not host.read(STATE + "/transaction.json") and "/2.0-" in host.link(CURRENT)
        with pytest.raises(ConcernError):
            converge(host, **{**second, "files": [config("CRASH"), config("m", "/etc/demo/more")]})
        if not committed:
            assert settled_tree(host, "2.0") == tree(alone.root), point
            assert host.service("demo").started[CONFIG] == b"a: 1\n" and host.service("demo").enabled, point


# -- what is ours and what is not --------------------------------------------------------------------------------------
def test_files_no_longer_declared_go_and_foreign_files_stay(host):
    converge(host, files=[config(), config("r", "/etc/demo/rules/old.yml", on_change="none")])
    host.write("/etc/demo/rules/mine.yml", b"by hand", 0o644, 0, 0)
    outcome = converge(host, files=[config()])
    assert steps(outcome) == [("remove file", "/etc/demo/rules/old.yml")]
    assert host.list("/etc/demo/rules") == ["mine.yml"]
    assert not converge(host, files=[config()]).changed


def test_a_file_that_is_gone_needs_what_it_needed_when_it_was_written(host):
    converge(host, files=[config(), config("r", "/etc/demo/rules.yml", on_change="reload")], reload={})
    assert steps(converge(host, files=[config()], reload={}))[1:] == [("reload", "demo.service")]


def test_a_file_that_was_there_already_is_ours_once_it_is_declared(host):
    converge(host, files=[config()])
    host.write("/etc/demo/more.yml", b"same\n", 0o640, 0, 0)
    assert not converge(host, files=[config(), config("same\n", "/etc/demo/more.yml")]).changed
    converge(host, files=[config()])
    assert host.list("/etc/demo") == ["demo.yml"]


@pytest.mark.parametrize("wrong", [0o666, 0o600, 0o755])
def test_mode_drift_is_corrected_without_a_restart(host, wrong):
    options = dict(files=[config()], directories=[{"path": "/srv/demo"}])
    converge(host, **options)
    for path in (CONFIG, "/srv/demo", UNIT):
        os.chmod(host.real(path), wrong)
    host.commands.clear()
    outcome = converge(host, **options)
    assert [(row["step"], row["target"]) for row in outcome.plan] == [
        ("set directory", "/srv/demo"), ("set mode", CONFIG), ("set mode", UNIT)]
    assert (mode(host, CONFIG), mode(host, "/srv/demo"), mode(host, UNIT)) == (0o640, 0o750, 0o644)
    assert not [line for line in host.changing_commands() if "restart" in line or "systemctl reload" in line]
    assert not converge(host, **options).changed


def test_changes_by_hand_are_undone(host):
    converge(host, files=[config()])
    host.write(UNIT, b"[Service]\nExecStart=/bin/false\n", 0o644, 0, 0)
    host.write(CONFIG, b"by hand\n", 0o640, 0, 0)
    assert steps(converge(host, files=[config()])) == [
        ("write file", CONFIG), ("write unit", UNIT), ("restart", "demo.service")]
    assert text(host, CONFIG) == "a: 1\n"


def test_a_service_that_was_stopped_or_disabled_by_hand_runs_again(host):
    converge(host, files=[config()])
    host.service("demo").active, host.service("demo").enabled = "failed", False
    assert steps(converge(host, files=[config()])) == [("enable", "demo.service"), ("start", "demo.service")]
    assert host.service("demo").active == "active" and host.service("demo").enabled


def test_running_false_stops_and_true_starts_it(host):
    converge(host, files=[config()])
    assert steps(converge(host, files=[config()], running=False)) == [("stop", "demo.service")]
    assert host.service("demo").active == "inactive" and host.service("demo").enabled
    assert not converge(host, files=[config()], running=False).changed
    outcome = converge(host, files=[config("a: 2\n")], running=False)
    assert steps(outcome) == [("write file", CONFIG)] and host.service("demo").active == "inactive"
    assert steps(converge(host, files=[config("a: 2\n")])) == [("start", "demo.service")]


def test_running_false_on_a_fresh_host_installs_without_starting(host):
    outcome = converge(host, files=[config()], running=False, enabled=False)
    assert steps(outcome)[-1] == ("write unit", UNIT)
    assert not [line for line in host.changing_commands() if "restart" in line or "enable" in line]
    assert not converge(host, files=[config()], running=False, enabled=False).changed


def test_directories_do_not_depend_on_the_callers_umask(host, tmp_path, strict_umask):
    converge(host, resolved=resolved(tmp_path, "1.0"), files=[config("x", "/etc/demo/conf.d/x.yml")])
    for path in ("/opt", "/opt/psf", "/opt/psf/demo", "/opt/psf/demo/versions", host.link(CURRENT), "/etc/demo/conf.d"):
        assert mode(host, path) == 0o755, path


# -- absent ------------------------------------------------------------------------------------------------------------
def everything(tmp_path):
    return dict(resolved=resolved(tmp_path, "1.0"), files=[config()], secrets={"/etc/demo/token": TOKEN}, environment={"A": "b"})


def test_absent_keeps_data_account_and_foreign_files(host, tmp_path):
    converge(host, **everything(tmp_path))
    host.write("/var/lib/demo/series", b"data", 0o600, 0, 0)
    host.write("/etc/demo/mine", b"by hand", 0o600, 0, 0)
    shown = converge(host, check=True, state="absent")
    outcome = converge(host, state="absent")
    assert shown.plan == outcome.plan and outcome.changed
    assert sorted(tree(host.root)) == ["/etc/demo/mine", "/var/lib/demo/series"]
    assert host.uid("demo") is not None
    service = host.service("demo")
    assert (service.active, service.enabled, service.unit) == ("inactive", False, None)
    assert not converge(host, state="absent").changed


def test_absent_in_check_mode_touches_nothing(host, tmp_path):
    converge(host, **everything(tmp_path))
    before = stats(host.root)
    host.commands.clear()
    assert converge(host, check=True, state="absent", purge=True).changed
    assert stats(host.root) == before and host.changing_commands() == []


def test_purge_removes_configuration_data_and_account(host, tmp_path):
    converge(host, **everything(tmp_path))
    host.write("/var/lib/demo/series", b"data", 0o600, 0, 0)
    host.write("/etc/demo/mine", b"by hand", 0o600, 0, 0)
    converge(host, state="absent", purge=True)
    assert tree(host.root) == {}
    assert host.directory("/etc/demo") is None and host.directory("/var/lib/demo") is None
    assert host.uid("demo") is None and host.gid("demo") is None
    assert not converge(host, state="absent", purge=True).changed


def test_purge_after_absent_finds_what_was_kept(host, tmp_path):
    converge(host, **everything(tmp_path))
    host.write("/var/lib/demo/series", b"data", 0o600, 0, 0)
    converge(host, state="absent")
    assert steps(converge(host, state="absent", purge=True)) == [("purge data", "/var/lib/demo"), ("remove user", "demo")]


def test_purge_never_removes_root(host):
    converge(host, files=[config()], user="root", group="root")
    converge(host, state="absent", purge=True, user="root", group="root")
    assert host.uid("root") is not None


def test_absent_on_a_host_that_never_had_it_is_nothing(host):
    assert not converge(host, state="absent", purge=True).changed
    assert tree(host.root) == {}


def test_present_after_absent_is_a_fresh_install_with_the_old_data(host, tmp_path):
    converge(host, **everything(tmp_path))
    host.write("/var/lib/demo/series", b"data", 0o600, 0, 0)
    converge(host, state="absent")
    converge(host, **everything(tmp_path))
    assert host.read("/var/lib/demo/series").data == b"data"
    assert host.service("demo").active == "active"


# -- secrets -----------------------------------------------------------------------------------------------------------
def shown(outcome):
    return repr(outcome.diff) + repr(outcome.plan)


@pytest.mark.parametrize("first, second", [
    (dict(secrets={"/etc/demo/token": TOKEN}), dict(secrets={"/etc/demo/token": TOKEN + "2"})),
    (dict(secrets={"/etc/demo/token": TOKEN}), dict()),
    (dict(secrets={"/etc/demo/token": TOKEN}), dict(files=[config("public\n", "/etc/demo/token")])),
    (dict(files=[config("public\n", "/etc/demo/token")]), dict(secrets={"/etc/demo/token": TOKEN})),
    (dict(secret_environment={"T": TOKEN}), dict(secret_environment={"T": TOKEN + "2"})),
    (dict(secret_environment={"T": TOKEN}), dict()),
    (dict(secret_environment={"T": TOKEN}, environment={"A": "b"}), dict(environment={"A": "b"})),
    (dict(environment={"A": "b"}), dict(environment={"A": "b"}, secret_environment={"T": TOKEN})),
])
def test_secrets_are_never_shown(host, first, second):
    assert TOKEN not in shown(converge(host, **first))
    outcome = converge(host, **second)
    assert outcome.changed and TOKEN not in shown(outcome)


def test_a_secret_stays_secret_after_an_interrupted_run(host):
    interrupt_at_restart(host, secret_environment={"T": TOKEN}, environment={"A": "b"})
    assert TOKEN not in shown(converge(host, environment={"A": "b"}))


def test_secrets_are_closed_to_others(host):
    converge(host, secrets={"/etc/demo/token": TOKEN}, secret_environment={"T": TOKEN})
    assert text(host, "/etc/demo/token") == TOKEN and mode(host, "/etc/demo/token") == 0o640
    assert mode(host, "/etc/demo/demo.env") == 0o600


def test_ordinary_files_are_shown_before_and_after(host):
    converge(host, files=[config("a: 1\n")])
    row = converge(host, files=[config("a: 2\n")]).diff[0]
    assert (row["before_header"], row["before"], row["after"]) == (CONFIG, "a: 1\n", "a: 2\n")


def test_binary_and_huge_files_are_only_named(host):
    host.write(CONFIG, b"\xff\xfe\x00", 0o640, 0, 0)
    outcome = converge(host, files=[config("x" * 300000)])
    assert (outcome.diff[0]["before"], outcome.diff[0]["after"]) == ("(3 bytes, binary)\n", "(300000 bytes)\n")


# -- artifacts ---------------------------------------------------------------------------------------------------------
def test_the_artifact_is_asked_for_only_when_the_host_does_not_have_it(host, tmp_path):
    known = resolved(tmp_path, "1.0")
    only_accepted = {"server": "demo", "accept": known["accept"]}
    with pytest.raises(NeedsArtifact):
        converge(host, resolved=only_accepted, files=[config()])
    with pytest.raises(NeedsArtifact):
        converge(host, resolved=resolved(tmp_path, "1.0", payload=False), files=[config()])
    assert tree(host.root) == {} and host.changes == 0
    converge(host, resolved=known, files=[config()])
    outcome = converge(host, resolved=only_accepted, files=[config()])
    assert not outcome.changed and outcome.artifact["version"] == "1.0"


def test_check_mode_needs_no_payload(host, tmp_path):
    outcome = converge(host, check=True, resolved=resolved(tmp_path, "1.0", payload=False), files=[config()])
    assert ("install artifact", "/opt/psf/demo/versions/1.0-" + outcome.artifact["id"][:12]) in steps(outcome)


def test_a_version_that_lost_its_directory_is_installed_again(host, tmp_path):
    converge(host, resolved=resolved(tmp_path, "1.0"))
    host.remove_tree(host.link(CURRENT))
    outcome = converge(host, resolved=resolved(tmp_path, "1.0"))
    assert steps(outcome)[0][0] == "install artifact"
    assert host.directory(host.link(CURRENT))


def versions(host):
    return [name for name in host.list("/opt/psf/demo/versions") if not name.endswith(".json")]


def install(host, tmp_path, version, **options):
    """Install a version, a day after everything before it."""
    outcome = converge(host, resolved=resolved(tmp_path, version), **options)
    for name in host.list("/opt/psf/demo/versions"):
        path = host.real("/opt/psf/demo/versions/" + name)
        old = os.stat(path).st_mtime
        os.utime(path, (old - 86400, old - 86400))
    return outcome


def test_one_earlier_version_stays_and_older_ones_go(host, tmp_path):
    for version in ("1.0", "2.0", "3.0"):
        install(host, tmp_path, version)
    assert [name.split("-")[0] for name in versions(host)] == ["2.0", "3.0"]
    assert len(host.list("/opt/psf/demo/versions")) == 4
    assert "/3.0-" in host.link(CURRENT)


def test_going_back_to_the_version_that_stayed_needs_no_payload(host, tmp_path):
    install(host, tmp_path, "1.0")
    install(host, tmp_path, "2.0")
    outcome = converge(host, resolved=resolved(tmp_path, "1.0", payload=False))
    assert steps(outcome) == [("switch version", CURRENT), ("restart", "demo.service")]
    assert outcome.plan[0]["detail"] == "2.0 -> 1.0"
    assert "/1.0-" in host.service("demo").started["program"]


@pytest.mark.parametrize("keep, left", [(0, ["3.0"]), (2, ["1.0", "2.0", "3.0"])])
def test_keep_versions_says_how_many_stay(host, tmp_path, keep, left):
    for version in ("1.0", "2.0", "3.0"):
        install(host, tmp_path, version, keep_versions=keep)
    assert [name.split("-")[0] for name in versions(host)] == left


# -- any two declarations ----------------------------------------------------------------------------------------------
PATHS = ["/etc/demo/demo.yml", "/etc/demo/rules/one.yml", "/etc/demo/rules/two.yml", "/srv/demo/page.html"]
FILE = st.fixed_dictionaries({"content": st.sampled_from(["", "a: 1\n", "a: 2\n", "see /etc/demo/demo.yml\n"]),
                              "mode": st.sampled_from(["0640", "0600", "0644"]),
                              "on_change": st.sampled_from(["restart", "reload", "none"])})
VALUES = st.dictionaries(st.sampled_from(["A", "B"]), st.sampled_from(["", "1", 'x "$y" \\']), max_size=2)
DECLARATIONS = st.builds(
    lambda files, **rest: dict(files=[dict(row, path=path) for path, row in files.items()], **rest),
    files=st.dictionaries(st.sampled_from(PATHS), FILE, max_size=4),
    secrets=st.dictionaries(st.just("/etc/demo/token"), st.sampled_from(["s1", "s2"])),
    environment=VALUES, secret_environment=VALUES, running=st.booleans(), enabled=st.booleans(),
    reload=st.sampled_from([None, {}]),
    unit=st.sampled_from([{"exec": ["/usr/bin/demo"]}, {"exec": ["/usr/bin/demo", "--verbose"], "capabilities": ["CAP_NET_RAW"]}]))


def assert_serves(host, options):
    """What runs is what was declared: each file was read after its last change, by the means that it declares."""
    service = host.service("demo")
    assert (service.active == "active", service.enabled) == (options["running"], options["enabled"])
    if options["running"]:
        assert service.started["unit"] == host.read(UNIT).data
        for row in options["files"]:
            seen = {"restart": service.started, "reload": service.loaded, "none": {row["path"]: row["content"].encode()}}
            if row["path"].startswith("/etc/"):
                assert seen[row["on_change"]][row["path"]] == row["content"].encode()


@given(first=DECLARATIONS, second=DECLARATIONS)
def test_the_way_does_not_matter(first, second):
    """From A to B is the same as B alone; once more changes nothing; check mode says what the run then does."""
    with tempfile.TemporaryDirectory() as work:
        travelled, alone = FakeHost(work + "/travelled"), FakeHost(work + "/alone")
        converge(travelled, **first)
        assert_serves(travelled, first)
        shown = converge(travelled, check=True, **second)
        assert shown.plan == converge(travelled, **second).plan
        converge(alone, **second)
        assert tree(travelled.root) == tree(alone.root)
        assert_serves(travelled, second)
        again = converge(travelled, **second)
        assert (again.plan, again.changed) == ([], False)


@given(first=DECLARATIONS, second=DECLARATIONS.filter(lambda options: options["running"]))
def test_a_failure_leaves_no_trace(first, second):
    """From A to a B that does not come up is A."""
    with tempfile.TemporaryDirectory() as work:
        host = FakeHost(work + "/host")
        converge(host, **first)
        before, active, enabled = tree(host.root), host.service("demo").active, host.service("demo").enabled
        bad = dict(second, files=[row for row in second["files"] if row["path"] != CONFIG] + [config("CRASH")])
        with pytest.raises(ConcernError):
            converge(host, **bad)
        assert tree(host.root) == before
        assert (host.service("demo").active, host.service("demo").enabled) == (active, enabled)
        assert not converge(host, **first).changed
