# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounted file systems from /proc/self/mounts, and how full those of given paths are.

Right: none. One reading "mounts": {"mounts": [{"name": path, "type", "options": [text]}], "space": [{"name": path, "free": share of
the bytes, "free_inodes": share}]}. A path that is not there is left out.
"""

from __future__ import annotations

import os

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"paths": False}
ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


def read(world, paths=()):
    return [reading("mounts", _mounts, world, paths)]


def _mounts(world, paths):
    found = {}
    for line in world.read("/proc/self/mounts").splitlines():
        _source, path, kind, options = line.split(" ")[:4]
        for escape, letter in ESCAPES:
            path = path.replace(escape, letter)
        found[path] = {"name": path, "type": kind, "options": options.split(",")}  # the last one mounted is on top
    if not found:
        raise ReadError("/proc/self/mounts is empty")
    space = []
    for path in paths:
        try:
            info = os.statvfs(world.real(path))
        except FileNotFoundError:
            continue
        space.append({"name": path, "free": info.f_bavail / float(info.f_blocks or 1),
                      "free_inodes": info.f_favail / float(info.f_files) if info.f_files else 1.0})
    return {"mounts": sorted(found.values(), key=lambda row: row["name"]), "space": space}
