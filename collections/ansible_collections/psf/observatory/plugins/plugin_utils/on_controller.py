# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of governance that work on the controller alone have in common: options are checked, nothing is sent to a host, and
what is wrong ends the task with one clear error."""

from __future__ import annotations

from typing import ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.psf.observatory.plugins.module_utils.governance.control import ControlError
from ansible_collections.psf.observatory.plugins.plugin_utils.estate import EstateError
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import run
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import GovernanceError

SIGNING = {"signing_key": {"type": "path"}, "signing_key_passphrase": {"type": "str", "no_log": True}}


class ControllerAction(ActionBase):
    """An action with the options `spec`, and `rules` between them, as AnsibleModule knows them."""
    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False
    spec: ClassVar = {}
    rules: ClassVar = {}

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _valid, options = self.validate_argument_spec(argument_spec=self.spec, **self.rules)
        try:
            return result | self.answer(options, task_vars)
        except (GovernanceError, ControlError, EstateError) as error:
            raise AnsibleActionFail(str(error)) from error

    def answer(self, options, task_vars):
        """What the task returns; raises one of the errors above for what is wrong."""
        raise NotImplementedError


def signing_key(options):
    """The private key that signs what is written, or None."""
    return run.load_private(options["signing_key"], options["signing_key_passphrase"]) if options["signing_key"] else None
