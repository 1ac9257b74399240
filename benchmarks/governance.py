# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls per second and host, with evidence, and a baseline of the same run: reads as builtin tasks. Needs the lab; it only reads.

    python benchmarks/governance.py [--runs 3]

Results are counted, not controls: one for each control and subject that was evaluated, not_applicable left out. Seconds on the host are
without the connection; processor seconds are what the assessment and its commands cost there, without the services that it asks, and so
do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import ROOT, median, play, stop_like_interrupt, table

READS = 24


def answers() -> dict[str, dict[str, Any]]:
    """Host to its answer, of one assessment."""
    beside = Path(sys.executable).with_name("ansible-playbook")
    command = [str(beside) if beside.exists() else "ansible-playbook", "-i", "inventories/lab", "playbooks/assess.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json"}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"assess.yml ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return {host: found for row in json.loads(done.stdout)["plays"] for task in row["tasks"] for host, found in task["hosts"].items()
            if "processor_seconds" in found}


def evaluated(found: dict[str, Any]) -> int:
    return sum(row["status"] != "not_applicable" for row in found["results"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    stop_like_interrupt()
    runs = [answers() for _ in range(options.runs)]
    ours = [play("playbooks/assess.yml") for _ in range(options.runs)]
    baseline = [play("benchmarks/governance_baseline.yml") for _ in range(options.runs)]
    rows: list[tuple[Any, ...]] = [("host", "results", "seconds", "a second", "processor", "a processor second", "evidence kB")]
    for host in sorted(runs[0]):
        found = [run[host] for run in runs]
        count = evaluated(found[-1])
        rows.append((host, count, median(row["seconds"] for row in found), median(count / row["seconds"] for row in found),
                     median(row["processor_seconds"] for row in found), median(count / row["processor_seconds"] for row in found),
                     sum(len(json.dumps(row["evidence"])) for row in found[-1]["results"]) // 1024))
    table(f"On each host, one assessment: median of {options.runs}", rows)
    # The playbook goes on with the report; what is counted here is the assessment alone.
    counted = max(evaluated(row) for row in runs[-1].values())
    task = median(sum(row["seconds"] for row in run.tasks if (row["role"] or "").split(".")[-1] == "governance") for run in ours)
    plain = median(run.task_seconds for run in baseline)
    table("All hosts at once, with the connection", [
        ("what", "checks on a host", "seconds", "checks a second and host"),
        ("assessment", counted, task, counted / task),
        ("builtin tasks", READS, plain, READS / plain),
        ("ratio", "", task / plain, (counted / task) / (READS / plain))])


if __name__ == "__main__":
    main()
