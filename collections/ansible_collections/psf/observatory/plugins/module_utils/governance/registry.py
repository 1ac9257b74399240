# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every probe and judge by the name that controls call it by."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance.judges import backups, eol, register
from ansible_collections.psf.observatory.plugins.module_utils.governance.judges import kubernetes as clusters
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import (
    access,
    accounts,
    api,
    auditd,
    clock,
    components,
    config_file,
    drift,
    files,
    kafka,
    kubernetes,
    listeners,
    mounts,
    packages,
    personal_data,
    queries,
    resp,
    rules,
    s3,
    several,
    silences,
    snapshots,
    sql,
    sshd,
    sysctl,
    system_api,
    tls,
    tree,
    units,
    versions,
    volumes,
)

# The function, and its arguments: name to whether it must be given.
ALL = {
    "access": (access.read, access.ARGUMENTS),
    "accounts": (accounts.read, accounts.ARGUMENTS),
    "api": (api.read, api.ARGUMENTS),
    "auditd": (auditd.read, auditd.ARGUMENTS),
    "clock": (clock.read, clock.ARGUMENTS),
    "components": (components.read, components.ARGUMENTS),
    "config_file": (config_file.read, config_file.ARGUMENTS),
    "drift": (drift.read, drift.ARGUMENTS),
    "files": (files.read, files.ARGUMENTS),
    "kafka": (kafka.read, kafka.ARGUMENTS),
    "kubernetes": (kubernetes.read, kubernetes.ARGUMENTS),
    "listeners": (listeners.read, listeners.ARGUMENTS),
    "logql": (queries.logql, queries.ARGUMENTS),
    "mounts": (mounts.read, mounts.ARGUMENTS),
    "packages": (packages.read, packages.ARGUMENTS),
    "personal_data": (personal_data.read, personal_data.ARGUMENTS),
    "promql": (queries.promql, queries.ARGUMENTS),
    "resp": (resp.read, resp.ARGUMENTS),
    "rules": (rules.read, rules.ARGUMENTS),
    "s3": (s3.read, s3.ARGUMENTS),
    "several": (several.read, several.ARGUMENTS),
    "silences": (silences.read, silences.ARGUMENTS),
    "snapshots": (snapshots.read, snapshots.ARGUMENTS),
    "sql": (sql.read, sql.ARGUMENTS),
    "sshd": (sshd.read, sshd.ARGUMENTS),
    "sysctl": (sysctl.read, sysctl.ARGUMENTS),
    "system_api": (system_api.read, system_api.ARGUMENTS),
    "tls": (tls.read, tls.ARGUMENTS),
    "tree": (tree.read, tree.ARGUMENTS),
    "units": (units.read, units.ARGUMENTS),
    "versions": (versions.read, versions.ARGUMENTS),
    "volumes": (volumes.read, volumes.ARGUMENTS),
}
PROBES = {name: function for name, (function, _arguments) in ALL.items()}
ARGUMENTS = {name: arguments for name, (_function, arguments) in ALL.items()}
# Those that may wait until what was just started has settled (world.settle), beside their time.
SETTLING = ("rules",)
JUDGES = {
    "allocation": register.allocation,
    "citus_backups": backups.citus,
    "default_deny": clusters.default_deny,
    "eol": eol.judge,
    "images_verified": clusters.images_verified,
    "mesh": clusters.mesh,
    "orphans": clusters.orphans,
    "pod_security": clusters.pod_security,
    "rbac": clusters.rbac,
    "register": register.judge,
    "resources": clusters.resources,
    "velero": backups.velero,
    "vulnerabilities": clusters.vulnerabilities,
    "workloads": clusters.workloads,
}
