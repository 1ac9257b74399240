# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The components that psf.observatory.component keeps on this host, by what it wrote down itself, and their files as they are.

Right: root, as its notes are readable by root only.
One reading for each component: {"user", "config_dir", "data_dir", "server", "version", "files": [{"name", "mode", "owner", "group",
"secret", "there", "changed_after": seconds that the file was touched after the last run ended, 0 where it was not}]}.
"""

from __future__ import annotations

import os
import stat

from ansible_collections.psf.observatory.plugins.module_utils.component.model import STATE
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes.files import group, user
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {}
# A run writes its files first and its notes at the end, so no file is younger, but for the clock's own steps.
SLACK = 2


def names(world):
    """The components on this host; a host that has none of them gives none."""
    try:
        return sorted(os.listdir(world.real(STATE)))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReadError("%s: %s" % (STATE, error.strerror)) from error


def state(world, name):
    try:
        return world.json("%s/%s/state.json" % (STATE, name))
    except FileNotFoundError as error:
        raise ReadError("%s: a run that installs it has not ended" % name) from error


def read(world):
    return [reading(name, _component, world, name) for name in names(world)]


def _component(world, name):
    notes = state(world, name)
    written = os.stat(world.real("%s/%s/state.json" % (STATE, name))).st_mtime
    secret = set(notes.get("secret") or [])
    stamp = notes.get("artifact") or {}
    return {"user": notes.get("user") or name, "config_dir": notes.get("config_dir"), "data_dir": notes.get("data_dir"),
            "server": stamp.get("server"), "version": stamp.get("version"),
            "files": [_file(world, path, path in secret or path.endswith(".env"), written) for path in sorted(notes.get("files") or {})]}


def _file(world, path, secret, written):
    try:
        info = os.lstat(world.real(path))
    except (FileNotFoundError, NotADirectoryError):
        return {"name": path, "there": False, "secret": secret}
    late = info.st_ctime - written
    return {"name": path, "there": True, "secret": secret, "mode": "%04o" % stat.S_IMODE(info.st_mode), "owner": user(info.st_uid),
            "group": group(info.st_gid), "changed_after": round(late) if late > SLACK else 0}
