# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is shown and done in the same order; files appear whole; two runs at once do not mix."""

from __future__ import annotations

import os
import stat
import threading

import pytest
from ansible_collections.psf.observatory.plugins.module_utils import reconcile
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan, atomic_write, locked


# -- plans -------------------------------------------------------------------------------------------------------------
def test_an_empty_plan_is_false_and_shows_nothing():
    assert not Plan() and Plan().as_list() == [] and Plan().diff() == []


def test_steps_are_done_in_order_and_shown_in_the_same():
    plan, done = Plan(), []
    plan.add("write file", "/a", "new", action=lambda: done.append("/a"))
    plan.add("restart", "demo.service")
    plan.add("write file", "/b", action=lambda: done.append("/b"))
    plan.apply()
    assert plan and done == ["/a", "/b"]
    assert plan.as_list() == [{"step": "write file", "target": "/a", "detail": "new"},
                              {"step": "restart", "target": "demo.service"}, {"step": "write file", "target": "/b"}]
    assert plan.diff()[-1]["after"] == "write file /a: new\nrestart demo.service\nwrite file /b\n"


def test_a_step_that_fails_ends_the_plan():
    plan, done = Plan(), []
    plan.add("one", "a", action=lambda: 1 / 0)
    plan.add("two", "b", action=lambda: done.append("b"))
    with pytest.raises(ZeroDivisionError):
        plan.apply()
    assert done == []


def test_a_diff_tells_new_changed_and_removed_apart():
    plan = Plan()
    plan.add("write file", "/new", after="x\n")
    plan.add("write file", "/changed", before="x\n", after="y\n")
    plan.add("remove file", "/gone", before="y\n")
    new, changed, gone, _plan = plan.diff()
    assert (new["before_header"], new["after_header"], new["before"], new["after"]) == ("/new (absent)", "/new", "", "x\n")
    assert (changed["before_header"], changed["before"], changed["after"]) == ("/changed", "x\n", "y\n")
    assert (gone["before_header"], gone["after_header"], gone["after"]) == ("/gone", "/gone (absent)", "")


@pytest.mark.parametrize("before, after", [(None, "hunter2"), ("hunter2", "hunter3"), ("hunter2", None)])
def test_a_secret_is_masked_but_its_change_is_seen(before, after):
    plan = Plan()
    plan.add("write file", "/token", before=before, after=after, secret=True)
    row = plan.diff()[0]
    assert "hunter" not in repr(plan.diff()) and "hunter" not in repr(plan.steps)
    assert row["before"] != row["after"]


# -- files -------------------------------------------------------------------------------------------------------------
def put(path, data=b"new", mode=0o640):
    atomic_write(str(path), data, mode, os.getuid(), os.getgid())


def test_a_file_is_written_with_its_mode(tmp_path):
    put(tmp_path / "f", mode=0o604)
    assert (tmp_path / "f").read_bytes() == b"new" and stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o604
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_is_never_half_written_or_open_to_others_meanwhile(tmp_path, monkeypatch):
    path, seen = tmp_path / "f", []
    put(path, b"old")
    rename = os.rename

    def watch(source, target):
        seen.append((path.read_bytes(), stat.S_IMODE(os.stat(source).st_mode)))
        rename(source, target)

    monkeypatch.setattr(os, "rename", watch)
    monkeypatch.setattr(os, "chmod", lambda name, mode: seen.append(stat.S_IMODE(os.stat(name).st_mode)))
    put(path, b"new", 0o644)
    assert seen[0] == 0o600 and seen[1][0] == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("broken", ["fsync", "chown", "chmod", "rename"])
def test_an_interruption_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, broken):
    path = tmp_path / "f"
    put(path, b"old")

    def interrupted(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, broken, interrupted)
        put(path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["f"]


def test_what_a_killed_run_left_is_no_obstacle(tmp_path):
    (tmp_path / "f.psf-new").write_bytes(b"half")
    put(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"new" and os.listdir(tmp_path) == ["f"]


# -- locks -------------------------------------------------------------------------------------------------------------
def test_the_second_run_gives_up_after_its_time_and_names_the_lock(tmp_path):
    path = str(tmp_path / "locks" / "demo.lock")
    with locked(path, 0):
        with pytest.raises(ConcernError, match="another run holds .*demo.lock for more than 0 s"), locked(path, 0):
            pytest.fail("two runs hold the lock")
    with locked(path, 0):
        pass


def test_the_second_run_waits_for_the_first(tmp_path, monkeypatch):
    path, order = str(tmp_path / "demo.lock"), []
    waiting = threading.Event()
    monkeypatch.setattr(reconcile.time, "sleep", lambda _seconds: waiting.set())

    def second():
        with locked(path, 60):
            order.append("second")

    with locked(path, 0):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_a_run_that_fails_gives_the_lock_back(tmp_path):
    path = str(tmp_path / "demo.lock")
    with pytest.raises(ValueError), locked(path, 0):
        raise ValueError
    with locked(path, 0):
        pass


def test_an_error_carries_its_details():
    error = ConcernError("what and where", log=["a"], rolled_back=True)
    assert (str(error), error.msg, error.details) == ("what and where", "what and where", {"log": ["a"], "rolled_back": True})
