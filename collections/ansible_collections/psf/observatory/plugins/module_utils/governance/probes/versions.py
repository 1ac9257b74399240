# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs here in which version: the distribution by os-release, the kernel, and each component by the stamp of its artifact.

Right: root, for the notes of the components.
One reading for each product: {"product", "version", "today": "2026-11-24"}.
"""

from __future__ import annotations

import time

from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import components
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {}


def read(world):
    return [reading("distribution", _distribution, world)] + [
        row for row in (reading(name, _component, world, name) for name in components.names(world)) if row.get("data") is not None
        or "error" in row]


def today():
    return time.strftime("%Y-%m-%d", time.gmtime())


def _distribution(world):
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            text = world.read(path)
        except FileNotFoundError:
            continue
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return {"product": values["ID"].strip("\"'"), "version": values["VERSION_ID"].strip("\"'"), "today": today()}
    raise ReadError("this host has no os-release")


def _component(world, name):
    """None for what has no artifact: a script of the collection has no life of its own."""
    stamp = components.state(world, name).get("artifact")
    return {"product": stamp["server"], "version": str(stamp["version"]), "today": today()} if stamp else None
