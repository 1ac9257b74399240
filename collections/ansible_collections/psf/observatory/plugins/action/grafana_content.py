# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of `grafana_content`: the bundle's dashboards to the module, and patches of what was edited by hand back."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash
from ansible_collections.psf.observatory.plugins.module_utils.grafana.model import pack
from ansible_collections.psf.observatory.plugins.plugin_utils.content import Bundle, ContentError


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if arguments.get("drift") == "adopt" and not arguments.get("adopt_to"):
            raise AnsibleActionFail("adopt_to: drift is adopt, so the directory for the patches is needed")
        if arguments.get("bundle") and arguments.get("state", "present") == "present":
            try:
                arguments["content"] = pack(content(Bundle(arguments["bundle"])))
            except ContentError as error:
                raise AnsibleActionFail(str(error)) from error
        answer = self._execute_module(module_name="psf.observatory.grafana_content", module_args=arguments, task_vars=task_vars)
        # The whole bundle, once more.
        (answer.get("invocation") or {}).get("module_args", {}).pop("content", None)
        if arguments.get("adopt_to") and answer.get("patches") and not self._task.check_mode:
            self._write(Path(arguments["adopt_to"]), answer["patches"])
        return merge_hash(result, answer)

    @staticmethod
    def _write(directory, patches):
        try:
            for row in patches:
                path = directory / f"{row['path'].removeprefix('grafana/').replace('/', '-')}.patch"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(row["patch"], encoding="utf-8")
        except OSError as error:
            raise AnsibleActionFail(f"adopt_to: {error.filename}: {error.strerror}") from error


def content(bundle):
    """What the module gets of a bundle: {"dashboards": [{"owner", "model"}]}."""
    rows = []
    for row in bundle.of("grafana_dashboard"):
        try:
            model = json.loads(bundle.read(row))
        except ValueError as error:
            raise ContentError(f"{bundle.path / row['path']}: not JSON: {error}") from error
        rows.append({"owner": row.get("owner"), "model": model})
    return {"dashboards": rows}
