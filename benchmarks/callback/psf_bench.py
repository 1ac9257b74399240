# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down what a run did, for the benchmarks: each task with its role, seconds and what became of it on each host.

Modules are counted where every action plugin starts them; workers are forks of the process that loads this plugin, so
the counter is in place in all of them. Each execution is one line (task name, host, transport) appended to a file.
"""

from __future__ import annotations

import json
import os
import time

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: psf_bench
type: notification
short_description: Tasks, seconds and module executions of a run, as JSON
description: Writes to the directory that the environment variable PSF_BENCH_DIRECTORY names.
"""


def count_modules(path):
    """Have every execution of a module append a line to a file."""
    execute = ActionBase._execute_module

    def counted(self, module_name=None, *args, **kwargs):
        with open(path, "a", encoding="utf-8") as lines:
            lines.write(f"{module_name or self._task.action}\t{self._connection.transport}\n")
        return execute(self, module_name, *args, **kwargs)

    ActionBase._execute_module = counted


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "psf_bench"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.directory = os.environ["PSF_BENCH_DIRECTORY"]
        self.tasks = []
        count_modules(os.path.join(self.directory, "modules"))

    def _end(self):
        if self.tasks:
            self.tasks[-1].setdefault("end", time.monotonic())

    def v2_playbook_on_play_start(self, play):
        self._end()

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._end()
        role = task._role.get_name() if task._role else ""
        self.tasks.append({"name": task.get_name(), "role": role, "action": task.action, "hosts": {},
                           "once": bool(task.run_once), "start": time.monotonic()})

    v2_playbook_on_handler_task_start = v2_playbook_on_cleanup_task_start = \
        lambda self, task: self.v2_playbook_on_task_start(task, False)

    def _became(self, result, what):
        self.tasks[-1]["hosts"][result._host.get_name()] = what

    def v2_runner_on_ok(self, result):
        self._became(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_skipped(self, result):
        self._became(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._became(result, "failed")

    def v2_runner_on_unreachable(self, result):
        self._became(result, "unreachable")

    def v2_playbook_on_stats(self, stats):
        self._end()
        with open(os.path.join(self.directory, "tasks.json"), "w", encoding="utf-8") as file:
            json.dump([{**task, "seconds": task["end"] - task["start"]} for task in self.tasks], file)
