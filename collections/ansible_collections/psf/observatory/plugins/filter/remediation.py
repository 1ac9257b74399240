# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for playbooks/remediate.yml: which control, where, and what became of it."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError
from ansible_collections.psf.observatory.plugins.plugin_utils import controls, remedies


def remedy(name, tags, directories, parameters, disruptive):
    """The control that was named, and how it is remedied."""
    try:
        known = controls.load(list(directories))
        given = controls.overrides(known, dict(parameters))
        return remedies.choose(known, str(name), [str(tag) for tag in tags], given, disruptive)
    except controls.ControlError as error:
        raise AnsibleFilterError(str(error)) from error


def remedy_roles(hosts, remediation, groups, host):
    """The roles to run again on a host."""
    return remedies.roles(remediation, hosts, groups, host)


def remedy_due(hosts, remediation, groups, host):
    """Whether a host is one where something is to be done."""
    return remedies.due(remediation, hosts, groups, host)


def remedy_lines(hosts, remediation, groups):
    """Before and after of every subject."""
    return remedies.lines(remediation, hosts, groups)


def remedy_left(hosts, remediation, groups):
    """Subjects that do not pass after it."""
    return remedies.left(remediation, hosts, groups)


class FilterModule:
    def filters(self):
        return {function.__name__: function for function in (remedy, remedy_roles, remedy_due, remedy_left, remedy_lines)}
