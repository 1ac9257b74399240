# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook and counts: seconds, tasks per host and role, executions of modules, invocations of ssh, scp and sftp."""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DID = ("ok", "changed", "failed")
# One line for every invocation that speaks with a host; Ansible asks ssh once what it can (`ssh -o ControlPersist`).
WRAPPER = """#!/bin/sh
[ $# -le 2 ] || echo {name} >> "$PSF_BENCH_DIRECTORY/trips"
exec {real} "$@"
"""


@dataclass
class Run:
    """What one run did. `tasks` are those of the callback: name, role, action, seconds, once (for all hosts, on the controller), hosts
    (host to what became of it)."""
    seconds: float
    tasks: list[dict[str, Any]]
    modules: Counter[str]
    trips: int

    @property
    def changed(self) -> int:
        return sum(what == "changed" for task in self.tasks for what in task["hosts"].values())

    @property
    def task_seconds(self) -> float:
        return sum(task["seconds"] for task in self.tasks)

    def executed(self, role: str | None = None) -> Counter[str]:
        """Tasks that ran (not skipped) by host, of one role or in all, without those that run once for all hosts."""
        return Counter(host for task in self.tasks if role in (None, task["role"]) and not task["once"]
                       for host, what in task["hosts"].items() if what in DID)

    @property
    def once(self) -> int:
        """Tasks that ran once for all hosts, on the controller."""
        return sum(task["once"] and any(what in DID for what in task["hosts"].values()) for task in self.tasks)


def play(playbook: str, *arguments: str, inventory: str = "inventories/lab") -> Run:
    """Run a playbook from the checkout; one that fails ends the benchmark with its output."""
    with tempfile.TemporaryDirectory(prefix="psf-bench-") as directory:
        environment = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **os.environ, "PSF_BENCH_DIRECTORY": directory,
                       "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"), "ANSIBLE_CALLBACKS_ENABLED": "psf_bench"}
        for name in ("ssh", "scp", "sftp"):
            if real := shutil.which(name):
                wrapper = Path(directory, name)
                wrapper.write_text(WRAPPER.format(name=name, real=real), encoding="utf-8")
                wrapper.chmod(0o700)
                environment[f"ANSIBLE_{name.upper()}_EXECUTABLE"] = str(wrapper)
        beside = Path(sys.executable).with_name("ansible-playbook")
        command = [str(beside) if beside.exists() else "ansible-playbook", "-i", inventory, playbook, *arguments]
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
        seconds = time.monotonic() - start
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
        return Run(seconds, json.loads(Path(directory, "tasks.json").read_text(encoding="utf-8")),
                   Counter(line.split("\t")[1] for line in _lines(directory, "modules")), len(_lines(directory, "trips")))


def _lines(directory: str, name: str) -> list[str]:
    path = Path(directory, name)
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def median(values: Any) -> float:
    return statistics.median(list(values))


def table(title: str, rows: list[tuple[Any, ...]]) -> None:
    """Rows in columns; the first row is the head. Numbers are put to the right, seconds with two decimals."""
    cells = [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    print(f"\n{title}")
    for row in cells:
        right = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  " + "  ".join([row[0].ljust(widths[0]), *right]).rstrip())
    sys.stdout.flush()


def stop_like_interrupt() -> None:
    """Have a termination end the benchmark as Ctrl-C does, so that it cleans up."""
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stop)
