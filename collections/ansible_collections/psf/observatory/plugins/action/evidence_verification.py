# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a directory of runs on the controller."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.psf.observatory.plugins.plugin_utils.governance import verify
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import GovernanceError
from ansible_collections.psf.observatory.plugins.plugin_utils.on_controller import ControllerAction


class ActionModule(ControllerAction):
    spec: ClassVar = {"directory": {"type": "path", "required": True}, "public_key": {"type": "path"}}

    def answer(self, options, task_vars):
        try:
            found = verify.verify(options["directory"], options["public_key"])
        except (OSError, ValueError) as error:
            raise GovernanceError(f"directory: {options['directory']}: {error}") from error
        return {"changed": False, "whole": found.ok, "runs": found.runs, "problems": found.problems, "notes": found.notes,
                "signed": found.signed}
