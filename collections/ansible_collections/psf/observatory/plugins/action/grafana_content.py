# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of `grafana_content`: the bundle's dashboards to the module, and patches of what was edited by hand back."""

from __future__ import annotations

from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.utils.vars import merge_hash
from ansible_collections.psf.observatory.plugins.plugin_utils.grafana import ContentAction


class ActionModule(ContentAction):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = self._task.args
        if arguments.get("drift") == "adopt" and not arguments.get("adopt_to"):
            raise AnsibleActionFail("adopt_to: drift is adopt, so the directory for the patches is needed")
        answer = self.ask("grafana_content", task_vars)
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
