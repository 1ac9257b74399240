# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules which load rules have in common."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  bundle:
    description:
      - Directory of the bundle on the controller, as C(python -m dashboards render) makes it. Every file is held to the sha256
        that C(manifest.json) states.
    type: path
  state:
    description: Whether the rules are loaded. V(absent) removes what this module put on the host, and nothing else.
    type: str
    choices: [present, absent]
    default: present
  group:
    description: Group that may read the files; the service's own.
    type: str
  directory:
    description: Directory of the versions, each named by its digest.
    type: str
  link:
    description: Symlink to the version in use; what the service's configuration names.
    type: str
  load_timeout:
    description: Seconds until the service must have loaded exactly the declared groups.
    type: int
    default: 60
  settle:
    description:
      - Seconds to wait, after the rules are loaded, for the first evaluation of the new ones. A new rule that fails in this time
        puts the old rules back.
      - Each new expression was evaluated once before the swap already, so this need not be as long as an evaluation interval.
    type: float
    default: 1
  trial_timeout:
    description: Seconds for the trial evaluation of all new expressions; those beyond are named in a warning.
    type: int
    default: 60
  keep:
    description: How many earlier versions stay on the host.
    type: int
    default: 1
  lock_timeout:
    description: Seconds to wait for another run on the same rules.
    type: int
    default: 120
  content:
    description: The bundle as the action plugin read it on the controller. Not for use in playbooks.
    type: dict
"""
