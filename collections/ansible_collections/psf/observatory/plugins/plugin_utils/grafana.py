# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules for Grafana get of a bundle: read and held to its manifest on the controller."""

from __future__ import annotations

import json

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.psf.observatory.plugins.module_utils.grafana.model import pack
from ansible_collections.psf.observatory.plugins.plugin_utils.content import Bundle, ContentError


class ContentAction(ActionBase):
    """An action that sends the bundle's content along."""
    _supports_check_mode = True
    _supports_diff = True

    def ask(self, name, task_vars):
        """The module's answer, without the bundle."""
        arguments = dict(self._task.args)
        if arguments.get("bundle") and arguments.get("state", "present") == "present":
            try:
                arguments["content"] = pack(content(Bundle(arguments["bundle"])))
            except ContentError as error:
                raise AnsibleActionFail(str(error)) from error
        answer = self._execute_module(module_name="psf.observatory." + name, module_args=arguments, task_vars=task_vars)
        (answer.get("invocation") or {}).get("module_args", {}).pop("content", None)
        return answer


def content(bundle):
    """{"dashboards": [{"owner", "model"}]}"""
    rows = []
    for row in bundle.of("grafana_dashboard"):
        try:
            model = json.loads(bundle.read(row))
        except ValueError as error:
            raise ContentError(f"{bundle.path / row['path']}: not JSON: {error}") from error
        rows.append({"owner": row.get("owner"), "model": model})
    return {"dashboards": rows}
