# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several probes for one control, where a fact needs more than one of them: what is configured, and what the metrics say of it.

Right: what the probes need. `reads`: name to {"probe", "with"}. One reading: {name: [data of each reading of that probe]}, where a
mapping has the reading's name as `name`. As soon as one of them could not be read, the reading is an error.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"reads": True}


def read(world, reads):
    return [reading(world.context.get("host") or "here", _all, world, reads)]


def _all(world, reads):
    # At the time of the call, as the registry imports this file.
    from ansible_collections.psf.observatory.plugins.module_utils.governance import registry  # noqa: PLC0415
    found = {}
    for name, row in sorted(reads.items()):
        readings = registry.PROBES[row["probe"]](world, **(row.get("with") or {}))
        wrong = ["%s: %s" % (one["name"], one["error"]) for one in readings if "error" in one]
        if wrong or not readings:
            raise ReadError("%s: %s" % (name, "; ".join(wrong[:6]) or "nothing was read"))
        found[name] = [dict({"name": one["name"]}, **one["data"]) if isinstance(one["data"], dict) else one["data"] for one in readings]
    return found
