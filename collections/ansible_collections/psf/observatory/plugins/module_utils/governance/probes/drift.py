# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last drift run would have changed on this host: handed over by the controller, which ran it.

Right: none. A run older than `max_age` seconds says nothing and is an error. The file is written by the callback
psf.observatory.change_record at the end of playbooks/drift.yml.
One reading "drift": {"age": seconds since that run, "changed": tasks, "failed": bool, "roles": [{"name", "changed": tasks, "tasks":
[name]}]}.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance.probes.system_api import age
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"max_age": True}


def read(world, max_age):
    return [reading("drift", _drift, world, max_age)]


def _drift(world, max_age):
    found = world.context.get("drift") or {}
    if found.get("error"):
        raise ReadError(found["error"])
    if not found.get("host"):
        raise ReadError("no drift run of this host is known; run playbooks/drift.yml --check")
    row = found["host"]
    old = age(row["finished"])
    if old > max_age:
        raise ReadError("the last drift run of this host is %d h old" % (old // 3600))
    return {"age": old, "failed": row["failed"], "changed": sum(one["changed"] for one in row["roles"]),
            "roles": row["roles"]}
