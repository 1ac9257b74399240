# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What filters over the inventory take: the variables of all hosts, the groups, and the host in question."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  _input:
    description: Ansible's own variable C(hostvars), or another mapping from host to its variables.
    type: dict
    required: true
  groups:
    description: Ansible's own variable C(groups), or another mapping from group to its hosts.
    type: dict
    required: true
notes:
  - The examples are about the inventory in the README of the collection.
"""

    HOST = r"""
options:
  host:
    description: Name of the host in the inventory.
    type: str
    required: true
"""

    SERVICE = r"""
options:
  service_id:
    description: Id of the service, as P(psf.observatory.services#filter) lists them.
    type: str
    required: true
"""

    TARGETS = r"""
options:
  extra_targets:
    description: Targets from outside Ansible, each with C(system), C(region), C(targets) (a list of host:port), and optionally C(job) and
      C(labels). The roles have them from the variable C(observatory_targets).
    type: list
    elements: dict
"""
