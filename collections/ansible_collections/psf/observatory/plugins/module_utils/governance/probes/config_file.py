# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a service's YAML file, for services that tell nobody what they run with; and whether what runs has read the file as it is.

Right: root, to read the file and the process. Only for a service that reads its file once, at its start.
One reading, named by the unit: {name: what was taken, "loaded": bool}. loaded is false when the file was changed after the process
started, or the unit does not run. What is not in the file is left out.
"""

from __future__ import annotations

import os

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect, plainyaml
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import api
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"path": True, "unit": True, "take": True}


def read(world, path, unit, take):
    return [reading(unit, _values, world, path, unit, take)]


def _values(world, path, unit, take):
    try:
        answer = plainyaml.load(world.read(path))
        changed = os.stat(world.real(path)).st_mtime
    except FileNotFoundError as error:
        raise ReadError("%s: no such file" % path) from error
    found = {name: api.taken(answer, where) for name, where in take.items()}
    found = {name: value for name, value in found.items() if value is not expect.MISSING}
    pid = int(world.run(["systemctl", "show", "--property=MainPID", "--value", "--", unit]).strip() or 0)
    return dict(found, loaded=bool(pid) and changed <= started(world, pid))


def started(world, pid):
    """When a process began, in seconds since the epoch: its ticks after boot, and when that was."""
    ticks = int(world.read("/proc/%d/stat" % pid).rpartition(")")[2].split()[19])
    boot = next(int(line.split()[1]) for line in world.read("/proc/stat").splitlines() if line.startswith("btime "))
    # btime is in whole seconds.
    return boot + 1 + ticks / float(os.sysconf("SC_CLK_TCK"))
