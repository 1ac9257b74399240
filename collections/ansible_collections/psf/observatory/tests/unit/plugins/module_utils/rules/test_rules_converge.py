# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on a host: exactly what is declared is loaded, whatever was there; what is not proven is not, and what breaks is put back."""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.fakes import Interrupted
from ansible_collections.psf.observatory.tests.unit.rig import BROKEN, FAILS, IGNORED, REFUSE, Rig, alert, group, rules


@pytest.fixture
def rig(host, tmp_path):
    return Rig(host, tmp_path)


def test_a_first_deployment_loads_all_and_the_second_changes_nothing_in_one_round_trip(rig):
    files = rig.files(group(alert(), {"record": "a:b", "expr": "sum(up)"}))
    outcome = rig.deploy(files)
    assert outcome.changed and rig.loaded() == ["(up == 0)", "(sum(up))"]
    assert ("add rule", "node/g/Down") in outcome.steps and ("reload", "prometheus") in outcome.steps
    assert outcome.loaded == {"groups": 1, "rules": 2, "unevaluated": 0}
    changes, reloads = rig.host.changes, rig.service.reloads
    outcome = rig.deploy(files)
    assert not outcome.changed and outcome.plan == [] and rig.calls == 1
    assert (rig.host.changes, rig.service.reloads) == (changes, reloads)


def test_only_what_the_host_lacks_is_sent(rig):
    one = rig.files(group(alert()))
    rig.deploy(one)
    rig.deploy({**one, "prometheus/rules/loki.yml": ("prometheus_rules", rules(group(alert("Other"), name="h")))})
    assert len(rig.missing) == 1 and sorted(rig.loaded()) == ["(up == 0)", "(up == 0)"]


def test_a_changed_rule_is_named_with_its_keys_and_only_new_expressions_are_tried(rig):
    rig.deploy(rig.files(group(alert(), alert("Other", "a > 1"))))
    rig.service.tried.clear()
    outcome = rig.deploy(rig.files(group(alert(), alert("Other", "a > 2", labels={"severity": "info"}))))
    assert [row for row in outcome.plan if row["step"].endswith("rule")] == [
        {"step": "change rule", "target": "node/g/Other", "detail": "expr, labels.severity"}]
    assert rig.service.tried == ["a > 2"] and rig.loaded() == ["(up == 0)", "(a > 2)"]
    text = "".join(row["before"] for row in outcome.diff)
    assert "a > 1" in text and "up == 0" not in text


def test_pages_alone_need_no_reload(rig):
    rig.deploy(rig.files(group(alert())))
    reloads = rig.service.reloads
    outcome = rig.deploy(rig.files(group(alert()), pages="better"))
    assert outcome.steps == [("write", "pages/index.html"), ("switch", rig.link)] and rig.service.reloads == reloads
    assert not rig.deploy(rig.files(group(alert()), pages="better")).changed


def test_check_mode_shows_the_plan_and_leaves_no_trace(rig):
    files = rig.files(group(alert()))
    outcome = rig.deploy(files, check=True)
    assert outcome.changed and ("add rule", "node/g/Down") in outcome.steps
    assert rig.host.changes == 0 and os.listdir(rig.host.root) == [] and rig.service.reloads == 0
    assert rig.deploy(files).plan == outcome.plan


def test_check_mode_passes_on_a_host_that_has_nothing(rig):
    rig.service.answers = False
    rig.host.groups.discard("prometheus")
    outcome = rig.deploy(rig.files(group(alert())), check=True, promtool="/opt/psf/prometheus/current/promtool")
    assert outcome.changed and len(outcome.warnings) == 2


def test_without_the_service_nothing_is_touched(rig):
    rig.service.answers = False
    with pytest.raises(ConcernError, match="nothing was changed: prometheus does not answer"):
        rig.deploy(rig.files(group(alert())))
    assert rig.versions() == [] and not rig.host.link(rig.link)


def test_an_expression_that_cannot_be_evaluated_is_refused_before_the_swap(rig):
    rig.deploy(rig.files(group(alert())))
    with pytest.raises(ConcernError, match="nothing was changed: prometheus says of node/g/Bad: parse error"):
        rig.deploy(rig.files(group(alert(), alert("Bad", BROKEN))))
    assert rig.loaded() == ["(up == 0)"] and len(rig.versions()) == 1
    with pytest.raises(ConcernError, match="parse error"):
        rig.deploy(rig.files(group(alert("Bad", BROKEN))), check=True)


@pytest.mark.parametrize(("word", "reason"), [
    (FAILS, "many-to-many"), (REFUSE, "HTTP 500"), (IGNORED, "group g of node.yml is loaded with other")])
def test_rules_that_the_service_does_not_take_are_put_back(rig, word, reason):
    good = rig.files(group(alert()))
    rig.deploy(good)
    before = rig.versions()
    with pytest.raises(ConcernError, match=reason) as caught:
        rig.deploy(rig.files(group(alert(), alert("New", word))))
    assert "The old rules were put back and are loaded" in caught.value.msg and caught.value.details["rolled_back"]
    assert rig.loaded() == ["(up == 0)"] and rig.versions() == before
    assert not rig.deploy(good).changed


def test_a_first_deployment_that_fails_leaves_nothing_in_use(rig):
    with pytest.raises(ConcernError, match="many-to-many"):
        rig.deploy(rig.files(group(alert("New", FAILS))))
    assert rig.loaded() == [] and rig.versions() == [] and rig.host.link(rig.link) is None


def test_a_rule_of_before_that_fails_is_a_warning_only(rig):
    rig.deploy(rig.files(group(alert())))
    rig.service.loaded[0]["rules"][0].update(health="err", lastError="many-to-many")
    outcome = rig.deploy(rig.files(group(alert())))
    assert not outcome.changed and "rule Down of group g fails: many-to-many" in outcome.warnings[0]


def test_files_that_were_changed_by_hand_are_repaired(rig):
    files = rig.files(group(alert()))
    rig.deploy(files)
    with open(rig.path("rules/node.yml"), "w", encoding="utf-8") as stream:
        stream.write('{"groups": []}')
    with open(rig.path("rules/mine.yml"), "w", encoding="utf-8") as stream:
        stream.write('{"groups": []}')
    outcome = rig.deploy(files)
    assert ("repair", "rules/node.yml") in outcome.steps and ("remove", "rules/mine.yml") in outcome.steps
    assert not rig.deploy(files).changed and rig.loaded() == ["(up == 0)"]


def test_a_service_that_has_loaded_something_else_is_told_to_read_again(rig):
    files = rig.files(group(alert()))
    rig.deploy(files)
    rig.service.loaded = []
    assert rig.deploy(files, check=True).steps == [("reload", "prometheus")]
    assert rig.deploy(files).changed and rig.loaded() == ["(up == 0)"]


def test_a_service_that_has_not_read_since_the_last_change_is_told_to(rig):
    """An expression is printed in the service's own way, so only the time tells."""
    files = rig.files(group(alert()))
    rig.deploy(files)
    rig.service.at -= 100
    assert rig.deploy(files).changed
    assert not rig.deploy(files).changed


def test_only_what_was_made_here_is_pruned_and_one_earlier_version_stays(rig):
    made = []
    for number in range(4):
        rig.deploy(rig.files(group(alert(expr=f"up == {number}"))))
        made.append(rig.host.link(rig.link).rsplit("/", 1)[-1])
        rig.host.make_directory(rig.directory + "/0123456789abcdef")
    assert rig.versions() == sorted(["0123456789abcdef", *made[-2:]])


def test_back_to_an_earlier_bundle(rig):
    one, two = rig.files(group(alert())), rig.files(group(alert(expr="up == 1")))
    for files, expected in ((one, "(up == 0)"), (two, "(up == 1)"), (one, "(up == 0)"), (two, "(up == 1)")):
        assert rig.deploy(files).changed and rig.loaded() == [expected]
    assert len(rig.versions()) == 2


def test_absent_removes_what_was_made_and_nothing_else(rig):
    rig.deploy(rig.files(group(alert())))
    rig.host.make_directory(rig.directory + "/mine")
    assert rig.deploy(state="absent", check=True).changed and rig.loaded()
    outcome = rig.deploy(state="absent")
    assert outcome.steps == [("remove rule", "node/g/Down"), ("remove", rig.link)]
    assert rig.loaded() == [] and rig.versions() == ["mine"] and rig.host.link(rig.link) is None
    assert not rig.deploy(state="absent").changed


OLD, NEW = [group(alert())], [group(alert(expr="up == 1"))]


def interrupted(host, tmp_path):
    """A rig after a run from OLD to NEW that was cut off before its n-th change of the host, for every n there is."""
    for point in range(1, 100):
        root = tmp_path / f"host-{point}"
        root.mkdir()
        rig = Rig(type(host)(root), root)
        rig.deploy(rig.files(*OLD))
        rig.host.interrupt_at = rig.host.changes + point
        try:
            rig.deploy(rig.files(*NEW))
        except Interrupted:
            rig.host.interrupt_at = None
            yield rig
        else:
            assert point > 4
            return


@pytest.mark.parametrize(("wanted", "expected"), [(NEW, "(up == 1)"), (OLD, "(up == 0)")])
def test_a_run_that_was_interrupted_anywhere_converges(host, tmp_path, wanted, expected):
    """The next run ends with exactly what it declares, and the one after finds nothing to do."""
    for rig in interrupted(host, tmp_path):
        rig.deploy(rig.files(*wanted))
        assert rig.loaded() == [expected]
        assert not rig.deploy(rig.files(*wanted)).changed
        assert len(rig.versions()) <= 2


def test_after_an_interrupted_run_a_failure_goes_back_to_what_was_confirmed_last(host, tmp_path):
    for rig in interrupted(host, tmp_path):
        confirmed = "(up == 1)" if not rig.host.read("/var/lib/psf-observatory/content/prometheus/transaction.json") and \
            rig.loaded() == ["(up == 1)"] else "(up == 0)"
        with pytest.raises(ConcernError, match="many-to-many"):
            rig.deploy(rig.files(group(alert("Bad", FAILS))))
        assert rig.loaded() == [confirmed]


STATE = "/var/lib/psf-observatory/content/prometheus"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"x"', "{}", '{"digest": "x", "groups": 5}', "\x00"])
@pytest.mark.parametrize("which", ["version", "state", "transaction"])
def test_a_record_that_is_missing_or_damaged_is_made_anew(rig, which, text):
    """Whatever the records say, the host ends with what is declared, and the next run finds nothing to do."""
    rig.deploy(rig.files(group(alert())))
    path = {"version": rig.host.link(rig.link) + ".json", "state": STATE + "/state.json", "transaction": STATE + "/transaction.json"}[which]
    if text is None:
        rig.host.remove(path)
    else:
        rig.host.write(path, text.encode(), 0o600, 0, 0)
    rig.deploy(rig.files(group(alert())))
    assert rig.loaded() == ["(up == 0)"] and not rig.deploy(rig.files(group(alert()))).changed
    if text is not None:
        rig.host.write(path, text.encode(), 0o600, 0, 0)
    assert rig.deploy(rig.files(group(alert(expr="up == 1")))).changed and rig.loaded() == ["(up == 1)"]
    assert not rig.deploy(rig.files(group(alert(expr="up == 1")))).changed
    assert rig.deploy(state="absent").changed and rig.loaded() == [] and rig.host.link(rig.link) is None


def test_files_that_others_put_beside_stay_and_do_not_disturb(rig):
    rig.host.make_directory(rig.directory)
    rig.host.write(rig.directory + "/notes.txt", b"mine", 0o644, 0, 0)
    rig.host.write(rig.directory + "/mine.json", b"{", 0o644, 0, 0)
    for expr in ("up == 0", "up == 1"):
        rig.deploy(rig.files(group(alert(expr=expr))))
    rig.deploy(state="absent")
    assert rig.host.read(rig.directory + "/notes.txt").data == b"mine" and rig.host.read(rig.directory + "/mine.json").data == b"{"


def test_a_file_that_was_damaged_on_its_way_is_refused(rig, monkeypatch):
    monkeypatch.setattr(zlib, "decompress", lambda data: b"other")
    with pytest.raises(ConcernError, match="damaged on its way to the host: its sha256 is not"):
        rig.deploy(rig.files(group(alert())))
    assert rig.versions() == []


# -- validation by promtool ----------------------------------------------------------------------------------------------
@pytest.fixture
def promtool(rig, tmp_path):
    """Stands in for promtool: it refuses files with the word INVALID; `ran` keeps what it was asked."""
    program = tmp_path / "promtool"
    program.touch()
    rig.ran = []

    def answer(argv, options):
        paths = [word for word in argv[3:] if not word.startswith("--run")]
        names = [os.path.relpath(path, options["cwd"]) for path in paths]
        rig.ran.append((argv[1], names, *(word for word in argv[3:] if word.startswith("--run"))))
        bad = [path for path in paths if "INVALID" in Path(path).read_text(encoding="utf-8")]
        return (1, "Checking x\n  SUCCESS: 1\n%s: bad rule\n" % bad[0]) if bad else (0, "SUCCESS")

    rig.host.validators["promtool"] = answer
    return str(program)


def with_tests(expr="up == 0", words="test"):
    return {"prometheus/rules/node.yml": ("prometheus_rules", rules(group(alert(expr=expr)))),
            "prometheus/rules/loki.yml": ("prometheus_rules", rules(group(alert("Other"), name="h"))),
            "prometheus/tests/node.yml": ("prometheus_tests", {"rule_files": ["../rules/node.yml"], "tests": [{"name": words}]}),
            "prometheus/tests/loki.yml": ("prometheus_tests", {"rule_files": ["../rules/loki.yml"], "tests": []})}


def test_changed_rules_are_checked_and_only_tests_that_are_concerned_run(rig, promtool):
    rig.deploy(with_tests(), promtool=promtool)
    assert rig.ran == [("check", ["rules/loki.yml", "rules/node.yml"]), ("test", ["tests/loki.yml", "tests/node.yml"])]
    rig.ran.clear()
    rig.deploy(with_tests("up == 1"), promtool=promtool)
    assert rig.ran == [("check", ["rules/node.yml"]), ("test", ["tests/node.yml"])]
    reloads = rig.service.reloads
    rig.ran.clear()
    rig.deploy(with_tests("up == 1", "better"), promtool=promtool)
    assert rig.ran == [("test", ["tests/node.yml"])] and rig.service.reloads == reloads


def test_what_was_proven_elsewhere_is_checked_but_not_tested_again(rig, promtool):
    rig.deploy(with_tests(), promtool=promtool, more={"proven": True})
    assert rig.ran == [("check", ["rules/loki.yml", "rules/node.yml"])] and rig.loaded() == ["(up == 0)"] * 2


def test_what_the_host_lost_is_asked_for_although_it_was_said_to_be_there(rig):
    rig.deploy(rig.files(group(alert())))
    other = {**rig.files(group(alert())), "prometheus/rules/loki.yml": ("prometheus_rules", rules(group(alert("Other"), name="h")))}
    shutil.rmtree(os.path.join(rig.host.real(rig.host.link(rig.link)), "pages"))
    rig.deploy(other, first=[])
    assert rig.calls == 2 and len(rig.missing) == 2 and len(rig.loaded()) == 2


def test_without_promtool_nothing_is_swapped_and_check_mode_says_that_it_did_not_validate(rig, tmp_path):
    gone = str(tmp_path / "nosuch")
    with pytest.raises(ConcernError, match="promtool: .*nosuch is not on this host; install Prometheus first"):
        rig.deploy(with_tests(), promtool=gone)
    assert rig.loaded() == [] and rig.host.link(rig.link) is None
    outcome = rig.deploy(with_tests(), promtool=gone, check=True)
    assert outcome.changed and any("not validated in check mode" in warning for warning in outcome.warnings)


@pytest.mark.parametrize("check", [True, False])
def test_what_promtool_refuses_is_not_swapped_in_and_its_words_are_told(rig, promtool, check):
    rig.deploy(with_tests(), promtool=promtool)
    with pytest.raises(ConcernError, match=r"nothing was changed: promtool test rules says: tests/node.yml: bad rule$"):
        rig.deploy(with_tests(words="INVALID"), check=check, promtool=promtool)
    assert rig.loaded() == ["(up == 0)"] * 2 and len(rig.versions()) == 1


def test_of_a_file_only_the_tests_that_concern_a_change_run(rig, promtool):
    """A test concerns what it names, and what that is made of."""
    def files(recording="sum(up)", second="a > 1", word="x"):
        declared = group({"record": "all:up", "expr": recording}, alert("First", "all:up < 1"), alert("Second", second))
        return {"prometheus/rules/node.yml": ("prometheus_rules", rules(declared)),
                "prometheus/tests/node.yml": ("prometheus_tests", {"rule_files": ["../rules/node.yml"], "tests": [
                    {"name": "First fires (now)", "expr": "ALERTS{alertname='First'}"},
                    {"name": "Second", "expr": "Second", "word": word}]})}
    rig.deploy(files(), promtool=promtool)
    assert rig.ran == [("check", ["rules/node.yml"]), ("test", ["tests/node.yml"])]
    for changed, expected in (({"second": "a > 2"}, "--run=^(Second)$"), ({"recording": "count(up)"}, r"--run=^(First\ fires\ \(now\))$"),
                              ({"word": "y"}, "--run=^(Second)$")):
        rig.deploy(files(), promtool=promtool)
        rig.ran.clear()
        rig.deploy(files(**changed), promtool=promtool)
        assert rig.ran[-1] == ("test", ["tests/node.yml"], expected)
