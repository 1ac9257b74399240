# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel parameters from /proc/sys: the values in force, not those of a file that may or may not have been loaded.

Right: none for most keys; a few can be read by root only.
One reading "kernel": {key: number, or text where it is none}. A key that this kernel does not have is left out.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import reading

ARGUMENTS = {"keys": True}


def read(world, keys):
    return [reading("kernel", _values, world, keys)]


def _values(world, keys):
    found = {}
    for key in keys:
        try:
            text = world.read("/proc/sys/" + key.replace(".", "/")).strip()
        except FileNotFoundError:
            continue
        found[key] = int(text) if text.lstrip("-").isdigit() else text
    return found
