# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of `assessment`: reads the controls, chooses those of this host, and sends only what the host must know."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash
from ansible_collections.psf.observatory.plugins.action.component import plain
from ansible_collections.psf.observatory.plugins.plugin_utils import changes, estate
from ansible_collections.psf.observatory.plugins.plugin_utils import controls as library

# Read on the controller; the module gets what follows from them.
HERE = ("controls", "directories", "parameters", "tags", "targets", "environment", "drift")
KINDS = {"controls": list, "directories": list, "tags": list, "targets": list, "parameters": dict, "environment": str, "drift": str}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_diff = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = plain(dict(self._task.args))
        given = {name: arguments.pop(name, None) or KINDS[name]() for name in HERE}
        for name, value in given.items():
            if not isinstance(value, KINDS[name]):
                raise AnsibleActionFail(f"{name}: {value!r} is no {KINDS[name].__name__}")
        if "plan" in arguments:
            raise AnsibleActionFail("plan: this option is set by the action plugin; use controls, directories and parameters")
        try:
            known = library.load(given["directories"])
            overrides = library.overrides(known, given["parameters"])
            chosen = library.choose(known, given["controls"])
            tags = library.tagged(known, given["tags"])
            chosen = library.choose(chosen, tags, "tags") if tags else chosen
            arguments["plan"] = library.plan(chosen, overrides, task_vars["hostvars"], task_vars["groups"], task_vars["inventory_hostname"],
                                             given["targets"], given["environment"])
            arguments["plan"]["context"]["drift"] = changes.drift_of(given["drift"], task_vars["inventory_hostname"])
        except (library.ControlError, estate.EstateError) as error:
            raise AnsibleActionFail(str(error)) from error
        answer = self._execute_module(module_name="psf.observatory.assessment", module_args=arguments, task_vars=task_vars)
        # The whole plan, once more.
        (answer.get("invocation") or {}).get("module_args", {}).pop("plan", None)
        return merge_hash(result, answer)
