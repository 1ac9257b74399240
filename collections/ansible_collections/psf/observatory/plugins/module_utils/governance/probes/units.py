# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units of the components as the service manager runs them, and how exposed they are.

Right: none to ask the service manager; root to see which program a process runs. Commands: `systemctl show` and, with
`exposure: true`, `systemd-analyze security`, one call for all units; `systemctl show` once more for a process that is gone by then.
Of a component that a timer starts, `active`, `enabled` and `reload_needed` are those of the timer, as the unit itself
runs only at times.
One reading for each unit: {"load", "active", "enabled", "user", "restarts", "pid", "drop_ins": [path], "reload_needed": bool, "path",
"program_replaced": bool, "exposure": 0.0 (best) to 10.0}. Without `names`, the units are those of the components.
"""

from __future__ import annotations

import os
import re

from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import components
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"names": False, "exposure": False}
PROPERTIES = ("Id", "LoadState", "ActiveState", "UnitFileState", "User", "DynamicUser", "NRestarts", "MainPID", "DropInPaths",
              "NeedDaemonReload", "FragmentPath")


def read(world, names=(), exposure=False):
    own = [] if names else components.names(world)
    wanted = [name if "." in name else name + ".service" for name in names or own]
    if not wanted:
        return []
    jobs = {name + ".service": name + ".timer" for name in own if _job(world, name)}
    output = world.run(["systemctl", "show", "--property=" + ",".join(PROPERTIES), "--", *wanted, *jobs.values()])
    rows = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in output.split("\n\n")]
    found = {row["Id"]: row for row in rows if row.get("Id")}
    measured = _exposure(world, wanted) if exposure else {}
    return [reading(name, _unit, world, found.get(name), measured.get(name), exposure, jobs.get(name), found.get(jobs.get(name)))
            for name in wanted]


def _job(world, name):
    """Whether a component is a job that a timer starts; one whose notes are not there yet is judged as a service."""
    try:
        return bool(components.state(world, name).get("timer"))
    except ReadError:
        return False


def _unit(world, row, measured, exposure, job, timer):
    if row is None:
        raise ReadError("systemctl said nothing about it")
    data = {"load": row["LoadState"], "active": row["ActiveState"], "enabled": row["UnitFileState"],
            "user": row["User"] or ("dynamic" if row["DynamicUser"] == "yes" else "root"), "restarts": int(row["NRestarts"]),
            "pid": int(row["MainPID"]), "drop_ins": row["DropInPaths"].split(), "reload_needed": row["NeedDaemonReload"] == "yes",
            "path": row["FragmentPath"]}
    if job:
        if timer is None:
            raise ReadError("systemctl said nothing about %s" % job)
        data.update(active=timer["ActiveState"], enabled=timer["UnitFileState"], program_replaced=False,
                    reload_needed=data["reload_needed"] or timer["NeedDaemonReload"] == "yes")
    if data["pid"]:
        program = _program(world, row["Id"], data["pid"])
        if program is None:
            data["pid"] = 0
        else:
            data["program_replaced"] = program.endswith(" (deleted)")
    if exposure:
        if measured is None:
            raise ReadError("systemd-analyze said nothing about it")
        data["exposure"] = measured
    return data


def _program(world, unit, pid):
    """What a unit's process runs; None where the process has ended since the unit was shown, as that of one that dies again and again."""
    try:
        return os.readlink(world.real("/proc/%d/exe" % pid))
    except OSError as error:
        now = world.run(["systemctl", "show", "--property=MainPID", "--value", "--", unit]).strip()
        if now.isdigit() and int(now) != pid:
            return None
        raise ReadError("/proc/%d/exe: %s" % (pid, error.strerror)) from error


def _exposure(world, names):
    """Unit to exposure, out of the last line of each unit's table. The JSON of systemd-analyze has the exposure only in the table of all
    units, which takes ten times as long. A unit that is not loaded makes it end with 1, after the others."""
    output = world.run(["systemd-analyze", "security", "--no-pager", "--", *names], accept=(0, 1))
    return {name: float(value) for name, value in re.findall(r"exposure level for (\S+): (\d+(?:\.\d+)?) ", output)}
