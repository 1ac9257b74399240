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


class FilterModule:
    def filters(self):
        return {"remedy": remedy, "remedy_roles": lambda hosts, row, groups, host: remedies.roles(row, hosts, groups, host),
                "remedy_due": lambda hosts, row, groups, host: remedies.due(row, hosts, groups, host),
                "remedy_lines": lambda hosts, row, groups: remedies.lines(row, hosts, groups),
                "remedy_left": lambda hosts, row, groups: remedies.left(row, hosts, groups)}
