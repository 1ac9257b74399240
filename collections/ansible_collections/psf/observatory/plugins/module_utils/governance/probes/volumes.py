# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the file systems below directories are encrypted, from the kernel's own view of the block devices.

Right: none; /proc/self/mountinfo and /sys/dev/block are readable by all. A file system without a block device (network, memory, a
container's overlay) is an error: whether it is encrypted is not seen from here.
One reading for each of `paths` that is there: {"mount": path, "type": file system, "device": "253:0", "encrypted": bool}.
"""

from __future__ import annotations

import os

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"paths": True}
DEPTH = 16


def read(world, paths):
    there = [path for path in paths if os.path.isdir(world.real(path))]
    if not there:
        raise ReadError("none of the directories is here: %s" % ", ".join(paths))
    return [reading(path, _path, world, path) for path in there]


def mounts(text):
    """[(mount point, device, type)] of mountinfo; the kernel writes blanks as octal."""
    found = []
    for line in text.splitlines():
        before, _dash, after = line.partition(" - ")
        parts = before.split()
        point = parts[4]
        for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
            point = point.replace(code, letter)
        found.append((point, parts[2], after.split()[0]))
    return found


def _path(world, path):
    here = [row for row in mounts(world.read("/proc/self/mountinfo")) if row[0] == "/" or (path + "/").startswith(row[0].rstrip("/") + "/")]
    point, device, kind = max(here, key=lambda row: len(row[0]))
    if device.startswith("0:") and kind != "btrfs":
        raise ReadError("%s is on %s, of which the block device is not seen from here" % (path, kind))
    if device.startswith("0:"):
        raise ReadError("%s is on btrfs, whose devices are not told by its number" % path)
    return {"mount": point, "type": kind, "device": device, "encrypted": encrypted(world, device)}


def encrypted(world, device, depth=DEPTH):
    """Whether a device, or every one that it is made of, is opened by dm-crypt."""
    base = "/sys/dev/block/%s" % device
    if not os.path.isdir(world.real(base)):
        raise ReadError("%s: no such block device" % base)
    try:
        if world.read(base + "/dm/uuid").startswith("CRYPT-"):
            return True
    except FileNotFoundError:
        pass
    # A partition has no slaves of its own; a disk has none at all.
    place = world.real(base + "/slaves")
    below = sorted(os.listdir(place)) if os.path.isdir(place) else []
    return bool(below) and depth > 0 and all(
        encrypted(world, world.read(base + "/slaves/%s/dev" % name).strip(), depth - 1) for name in below)
