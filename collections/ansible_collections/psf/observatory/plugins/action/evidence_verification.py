# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a directory of runs on the controller."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import verify


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _valid, options = self.validate_argument_spec(argument_spec={
            "directory": {"type": "path", "required": True}, "public_key": {"type": "path"}})
        try:
            found = verify.verify(options["directory"], options["public_key"])
        except (OSError, ValueError) as error:
            raise AnsibleActionFail(f"directory: {options['directory']}: {error}") from error
        return result | {"changed": False, "whole": found.ok, "runs": found.runs, "problems": found.problems, "notes": found.notes,
                         "signed": found.signed}
