# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every probe and judge by the name that controls call it by."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance.judges import eol
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import (
    access,
    accounts,
    api,
    clock,
    components,
    config_file,
    files,
    listeners,
    mounts,
    packages,
    personal_data,
    queries,
    rules,
    silences,
    sshd,
    sysctl,
    tls,
    tree,
    units,
    versions,
)

# The function, and its arguments: name to whether it must be given.
ALL = {
    "access": (access.read, access.ARGUMENTS),
    "accounts": (accounts.read, accounts.ARGUMENTS),
    "api": (api.read, api.ARGUMENTS),
    "clock": (clock.read, clock.ARGUMENTS),
    "components": (components.read, components.ARGUMENTS),
    "config_file": (config_file.read, config_file.ARGUMENTS),
    "files": (files.read, files.ARGUMENTS),
    "listeners": (listeners.read, listeners.ARGUMENTS),
    "logql": (queries.logql, queries.ARGUMENTS),
    "mounts": (mounts.read, mounts.ARGUMENTS),
    "packages": (packages.read, packages.ARGUMENTS),
    "personal_data": (personal_data.read, personal_data.ARGUMENTS),
    "promql": (queries.promql, queries.ARGUMENTS),
    "rules": (rules.read, rules.ARGUMENTS),
    "silences": (silences.read, silences.ARGUMENTS),
    "sshd": (sshd.read, sshd.ARGUMENTS),
    "sysctl": (sysctl.read, sysctl.ARGUMENTS),
    "tls": (tls.read, tls.ARGUMENTS),
    "tree": (tree.read, tree.ARGUMENTS),
    "units": (units.read, units.ARGUMENTS),
    "versions": (versions.read, versions.ARGUMENTS),
}
PROBES = {name: function for name, (function, _arguments) in ALL.items()}
ARGUMENTS = {name: arguments for name, (_function, arguments) in ALL.items()}
JUDGES = {"eol": eol.judge}
