# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SSH server really does: `sshd -T` reads its files with all that they include, and prints the settings in force.

Right: root, as sshd reads its host keys. The command changes nothing and listens nowhere.
One reading "sshd": setting in lower case to its value; a number where it is one, a list where it has commas.
"""

from __future__ import annotations

import os

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {}
PROGRAMS = ("/usr/sbin/sshd", "/usr/local/sbin/sshd")
LISTS = ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms")


def read(world):
    return [reading("sshd", _settings, world)]


def _settings(world):
    program = next((path for path in PROGRAMS if os.path.exists(world.real(path))), None)
    if program is None:
        raise ReadError("this host has no sshd")
    found = {}
    for line in world.run([program, "-T"]).splitlines():
        key, _sep, value = line.partition(" ")
        if not key or key in found:
            continue  # of several (port, hostkey), the first
        value = value.strip()
        found[key] = value.split(",") if key in LISTS else int(value) if value.isdigit() else value
    if "permitrootlogin" not in found:
        raise ReadError("sshd -T printed no settings")
    return found
