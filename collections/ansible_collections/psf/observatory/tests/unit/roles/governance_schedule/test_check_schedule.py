# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule that could not run is refused: each thing that is wrong in one line that names the option."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[4] / "roles/governance_schedule/files/check_schedule.py"
ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def place(tmp_path):
    (tmp_path / "checkout/playbooks").mkdir(parents=True)
    for name in ("checkout/ansible.cfg", "checkout/playbooks/assess.yml", "hosts.yml", "ansible-playbook", "password"):
        (tmp_path / name).write_text("x")
    (tmp_path / "ansible-playbook").chmod(0o755)
    (tmp_path / "password").chmod(0o600)
    return tmp_path


def said(place, *inventories, **options):
    words = {"user": ME, "directory": place / "checkout", "program": place / "ansible-playbook", "playbook": "playbooks/assess.yml",
             "vault-password-file": place / "password"} | {key.replace("_", "-"): value for key, value in options.items()}
    done = subprocess.run([sys.executable, "-I", str(PROGRAM), *(f"--{key}={value}" for key, value in words.items()),
                           *map(str, inventories or [place / "hosts.yml"])], capture_output=True, text=True, check=False)
    assert done.stderr == "" and (done.returncode == 1) == bool(done.stdout)
    return done.stdout.splitlines()


def test_one_that_can_run_is_taken(place):
    assert said(place) == [] and said(place, vault_password_file="") == []


@pytest.mark.parametrize(("options", "problem"), [
    ({"user": "nobody-has-this-name"}, "governance_schedule_user: there is no account nobody-has-this-name"),
    ({"directory": "checkout"}, "governance_schedule_directory: checkout is no absolute path of a directory"),
    ({"playbook": "playbooks/other.yml"}, "playbooks/other.yml is no absolute path of a file that"),
    ({"program": "/nonexistent/ansible-playbook"}, "governance_schedule_ansible: /nonexistent/ansible-playbook is no"),
    ({"vault_password_file": "/nonexistent/password"}, "governance_schedule_vault_password_file: /nonexistent/password: No such file")])
def test_each_thing_that_is_wrong_is_named(place, options, problem):
    assert any(problem in line for line in said(place, **options))


def test_an_inventory_that_is_not_there_is_named(place):
    assert said(place, place / "hosts.yml", place / "other.yml") == [
        f"governance_schedule_inventories: {place}/other.yml is no absolute path of a file or directory that {ME} may read"]


@pytest.mark.parametrize(("mode", "problem"), [(0o644, "mode 0644 lets others read it"), (0o640, "lets others"), (0o700, "is a program")])
def test_a_password_file_that_is_not_kept_is_refused(place, mode, problem):
    (place / "password").chmod(mode)
    assert len(said(place)) == 1 and problem in said(place)[0]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze says what a time is")
def test_a_time_that_is_none_is_told_in_the_words_of_systemd(place):
    assert said(place, calendar="*-*-* 03:00:00") == []
    (line,) = said(place, calendar="every night")
    assert "'every night' is no time that systemd understands" in line and "Failed to parse calendar" in line


def test_an_empty_password_file_and_a_link_to_one_are_refused(place):
    (place / "link").symlink_to(place / "password")
    (place / "empty").touch(0o600)
    for name in ("link", "empty"):
        assert "plain file that is not empty" in said(place, vault_password_file=place / name)[0]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can look as another account")
def test_it_looks_as_the_account_does(place):
    (place / "checkout/ansible.cfg").chmod(0o600)
    assert any("ansible.cfg is no absolute path of a file that nobody may read" in line for line in said(place, user="nobody"))
