# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owners and modes of files: what goes beyond is taken away, nothing is given, and links lead nowhere."""

from __future__ import annotations

import os
import pwd
import stat

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World
from ansible_collections.psf.observatory.plugins.modules import remediation

EMPTY = {"paths": [], "components": None, "trees": [], "directories": False, "mode": None, "owner": None}
ME = pwd.getpwuid(os.getuid()).pw_name


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def do(tmp_path, rows):
    here = World(root=str(tmp_path))
    planned = remediation.plan(here, [{**EMPTY, **row} for row in rows])
    for row in planned:
        remediation.apply(here, *row)
    return [row[0] for row in planned]


@pytest.mark.parametrize(("before", "most", "after"), [(0o644, "0640", 0o640), (0o600, "0640", 0o600), (0o4755, "0755", 0o755)])
def test_rights_are_taken_and_never_given(tmp_path, before, most, after):
    (tmp_path / "a.key").touch()
    (tmp_path / "a.key").chmod(before)
    assert do(tmp_path, [{"paths": ["/*.key"], "mode": most}]) == ([] if before == after else ["/a.key"])
    assert mode(tmp_path / "a.key") == after
    assert do(tmp_path, [{"paths": ["/*.key"], "mode": most}]) == []


def test_two_rows_of_one_file_both_hold(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(0o666)
    do(tmp_path, [{"paths": ["/a"], "mode": "0644", "owner": ME}, {"paths": ["/a"], "mode": "0640"}])
    assert mode(tmp_path / "a") == 0o640


def test_links_and_directories_are_left_alone(tmp_path):
    (tmp_path / "other").touch()
    (tmp_path / "other").chmod(0o666)
    (tmp_path / "d").mkdir()
    (tmp_path / "a.key").symlink_to(tmp_path / "other")
    assert do(tmp_path, [{"paths": ["/*.key", "/d"], "mode": "0600"}]) == []
    assert mode(tmp_path / "other") == 0o666


def test_a_file_that_became_a_link_meanwhile_is_not_followed(tmp_path):
    (tmp_path / "other").touch()
    (tmp_path / "a").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        remediation.apply(World(root=str(tmp_path)), "/a", {"owner": ME, "mode": "0666"}, {"owner": ME, "mode": "0600"}, "/")


def component_tree(tmp_path):
    """A component whose programs have a file and a directory that all may write, a program that changes the user, and a link outside."""
    state = tmp_path / "var/lib/psf-observatory/components/demo/state.json"
    state.parent.mkdir(parents=True)
    state.write_text('{"config_dir": "/etc/demo", "data_dir": "/var/lib/demo"}')
    programs = tmp_path / "opt/psf/demo"
    (programs / "versions/1").mkdir(parents=True)
    for name, bits in (("versions/1/demo", 0o4777), ("open", 0o666), ("fine", 0o644)):
        (programs / name).touch()
        (programs / name).chmod(bits)
    (programs / "versions").chmod(0o777)
    (tmp_path / "outside").touch()
    (tmp_path / "outside").chmod(0o666)
    (programs / "link").symlink_to(tmp_path / "outside")
    return programs


def test_all_of_the_components_is_mended_and_links_lead_nowhere(tmp_path):
    programs = component_tree(tmp_path)
    row = {"trees": ["programs"], "directories": True, "mode": "7775"}
    assert do(tmp_path, [row]) == ["/opt/psf/demo/open", "/opt/psf/demo/versions", "/opt/psf/demo/versions/1/demo"]
    assert mode(programs / "open") == 0o664 and mode(programs / "versions") == 0o775 and mode(programs / "versions/1/demo") == 0o4775
    assert mode(tmp_path / "outside") == 0o666 and do(tmp_path, [row]) == []
    assert do(tmp_path, [{"trees": ["programs"], "mode": "0777"}]) == ["/opt/psf/demo/versions/1/demo"]
    assert mode(programs / "versions/1/demo") == 0o775


def test_a_directory_that_became_a_link_meanwhile_is_not_followed(tmp_path):
    component_tree(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").touch()
    (tmp_path / "opt/psf/demo/dir").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        remediation.apply(World(root=str(tmp_path)), "/opt/psf/demo/dir/file", {"owner": ME, "mode": "0666"},
                          {"owner": ME, "mode": "0600"}, "/opt/psf/demo")


def test_components_whose_notes_cannot_be_read_are_not_guessed(tmp_path, monkeypatch):
    monkeypatch.setattr(remediation.components, "read", lambda _world: [{"name": "loki", "error": "denied"}])
    with pytest.raises(ReadError, match="loki: denied"):
        do(tmp_path, [{"components": "secret", "mode": "0600"}])
