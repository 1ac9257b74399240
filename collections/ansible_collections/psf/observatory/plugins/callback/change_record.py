# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: change_record
type: notification
short_description: Every run leaves who changed what where, and what became of it
version_added: 0.1.0
author:
  - PSF Observatory contributors (@psf-web)
description:
  - At the end of a run, also of one that fails, one record is kept on the controller and brought to Loki, to the controller's journal,
    and to Grafana as an annotation, where these are declared. A run that is interrupted leaves one, too; of a run that was killed, the
    next run tells.
  - A record has names, counts and paths. Of a difference only how many lines came and went is kept, of variables given to the run only
    their names, of a task with C(no_log) only its name. Texts of errors are masked.
  - It never fails a run. What cannot be delivered stays in O(directory) and is brought by the next run.
  - A whole run of C(drift.yml) in check mode becomes what control CHG-01 judges, in C(drift.json) of the directory of the evidence.
  - "Where it is brought stands in the inventory, in C(observatory_change_record): C(loki) (a mapping, or a list of them, with url, ca,
    cert, key, username, password, tenant, labels), C(journal) (true for the journal of the controller), C(grafana) (url, token, ca;
    C(governance_grafana) unless given), C(environment), and C(timeout) in seconds for each delivery (2)."
options:
  directory:
    description: Where records are kept on the controller.
    type: path
    default: ~/.local/state/psf-observatory/changes
    env:
      - name: PSF_CHANGE_RECORDS
    ini:
      - section: callback_change_record
        key: directory
"""

import atexit
import functools
import os
from datetime import UTC, datetime
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar
from ansible_collections.psf.observatory.plugins.plugin_utils import changes

DRIFT = "drift.yml"
LOCAL = ("localhost", "127.0.0.1", "::1")
NAMES = ("observatory_change_record", "observatory_environment", "governance_grafana", "governance_directory", "inventory_dir")


def never(method):
    """A record that cannot be made is said once, and costs the run nothing else."""
    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            if not self.broken:
                self.broken = True
                self._display.warning("change_record: no whole record of this run: %s: %s" % (type(error).__name__, error))
    return guarded


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "psf.observatory.change_record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display=None):
        super().__init__(display=display)
        self.broken = False
        self.recorder = changes.Recorder()
        self.base, self.spool, self.playbook = None, None, None
        self.variables, self.hosts = None, set()
        self.pid = os.getpid()

    # -- the beginning -------------------------------------------------------------------------------------------------
    @never
    def v2_playbook_on_start(self, playbook):
        now = datetime.now(UTC)
        arguments = context.CLIARGS
        self.playbook = Path(playbook._file_name)
        self.base = {
            "record": "change", "format": 1, "id": changes.new_id(now), "started": changes.stamp(now), "who": changes.who(),
            "what": {
                "playbook": self.playbook.name, "commit": changes.commit(self.playbook.parent), "check": bool(arguments.get("check")),
                "tags": [str(tag) for tag in arguments.get("tags") or () if tag != "all"],
                "skip_tags": [str(tag) for tag in arguments.get("skip_tags") or ()], "limit": arguments.get("subset") or "",
                "start_at": arguments.get("start_at_task") or "", "extra_vars": sorted(extra_names(arguments.get("extra_vars") or ()))},
            "where": {"inventory": [changes.short(os.path.relpath(one) if os.path.exists(one) else one, 120)
                                    for one in arguments.get("inventory") or ()]}}
        self.spool = changes.Spool(Path(self.get_option("directory")).expanduser())
        for record in self.spool.lost(now):
            self.spool.end(record)
        self.spool.begin(self.base)
        atexit.register(self.interrupted)

    @never
    def v2_playbook_on_play_start(self, play):
        if self.variables is not None:
            return
        self.variables = {}
        manager = play.get_variable_manager()
        hosts = manager._inventory.get_hosts(ignore_limits=True, ignore_restrictions=True)
        self.hosts = {host.get_name() for host in hosts}
        if hosts:
            known = manager.get_vars(play=play, host=hosts[0], include_hostvars=False)
            templar = Templar(loader=manager._loader, variables=known)
            self.variables = {name: templar.template(known[name]) for name in NAMES if name in known}

    # -- what happens --------------------------------------------------------------------------------------------------
    @never
    def _task(self, result, ok=True, ignored=False):
        task = result.task if hasattr(result, "task") else result._task
        host = result.host if hasattr(result, "host") else result._host
        role = task._role.get_name() if task._role else ""
        # What the controller does for a host, such as rendering, is no difference of the host.
        here = task.delegate_to in LOCAL
        self.recorder.task(host.get_name(), task.name or task.action, role, result.result, ok, ignored, drift=not here)

    def v2_runner_on_ok(self, result):
        self._task(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._task(result, ok=False, ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result):
        self._task(result, ok=False)

    # -- the end -------------------------------------------------------------------------------------------------------
    @never
    def v2_playbook_on_stats(self, stats):
        counts = {}
        for host in stats.processed:
            row = stats.summarize(host)
            counts[host] = {key: value for key, value in row.items() if value}
        bad = any(row.get("failures") for row in counts.values())
        gone = any(row.get("unreachable") for row in counts.values())
        self._end("failed" if bad else "unreachable" if gone else "ok", counts)

    @never
    def interrupted(self):
        """At the end of the process, where the run did not come to its own; not in its forks."""
        if self.base is not None and os.getpid() == self.pid:
            self._end("interrupted", {})

    def _end(self, result, counts):
        if self.base is None:
            return
        base, self.base = self.base, None
        finished = datetime.now(UTC)
        record = self.recorder.finish(base, finished, result, counts)
        self.spool.end(record)
        self._drift(record, finished, counts)
        given = self.variables or {}
        options = dict(given.get("observatory_change_record") or {})
        options.setdefault("grafana", given.get("governance_grafana"))
        environment = str(options.get("environment") or given.get("observatory_environment")
                          or os.path.basename(str(given.get("inventory_dir") or "")))
        for problem in changes.deliver(self.spool, options, environment, float(options.get("timeout") or 2), record):
            self._display.warning("change_record: not delivered, the next run tries again: %s" % problem)

    def _drift(self, record, finished, counts):
        what = record["what"]
        if self.playbook.name != DRIFT or not what["check"] or what["tags"] or what["skip_tags"] or what["start_at"] or not counts:
            return
        given = self.variables or {}
        place = given.get("governance_directory") or str(given.get("inventory_dir") or "inventory") + ".governance"
        changes.write_drift(Path(place) / "drift.json", self.recorder, finished, counts, self.hosts)


def extra_names(rows):
    """Names of the variables given by -e; of what is neither key=value nor a mapping, the file's name."""
    for row in rows:
        text = str(row)
        if text.startswith("@"):
            yield text
        elif text.lstrip().startswith(("{", "[")):
            yield from changes.mapping_names(text)
        else:
            yield from (word.split("=", 1)[0] for word in changes.words(text) if "=" in word)
