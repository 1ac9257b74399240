#!/usr/bin/env python3
# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does remediate.yml mend what the collection owns? Asked of a running lab.

    python molecule/governance/remedy.py -i inventories/lab [--short] [CONTROL...]

For each row of remediations.yml: makes the misconfiguration, runs remediate.yml as a user would, and looks whether it saw the control fail
before and pass after. Ends with 1 where it was not so; then the next run of site.yml puts back what is left.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
Row = dict[str, Any]


def ansible(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).with_name(program)
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json"}
    return subprocess.run([str(beside) if beside.exists() else program, *arguments], cwd=ROOT, env=environment, text=True,
                          capture_output=True, check=False)


def shell(inventory: str, host: str, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write("#!/bin/bash\nset -e\n" + text + "\n")
        file.flush()
        done = ansible("ansible", "-i", inventory, host, "--become", "-m", "ansible.builtin.script", "-a", file.name)
    if done.returncode:
        raise RuntimeError(f"the fault could not be made on {host}: {done.stdout[-800:]}{done.stderr[-400:]}")


def misconfigure(inventory: str, row: Row) -> None:
    if "playbook" in row:
        done = ansible("ansible-playbook", "-i", inventory, *row["playbook"], "--limit", row["host"])
        if done.returncode:
            raise RuntimeError(f"the fault could not be made: {done.stdout[-800:]}{done.stderr[-400:]}")
    if "do" in row:
        shell(inventory, row["host"], row["do"])


def remedy(inventory: str, row: Row) -> tuple[int, list[str], str]:
    """Exit code, the lines "subject: before -> after", and what else was said."""
    done = ansible("ansible-playbook", "-i", inventory, "playbooks/remediate.yml", "--tags", row["control"], "-e", "disruptive=true",
                   "--limit", row.get("limit", row["host"]))
    try:
        # What the module artifacts says comes before it.
        plays = json.loads(done.stdout[done.stdout.index("{\n"):])["plays"]
    except (ValueError, KeyError):
        return done.returncode, [], done.stdout[-1500:] + done.stderr[-1500:]
    tasks = [task for play in plays for task in play["tasks"]]
    lines = [line for task in tasks if task["task"]["name"] == "Before and after" for host in task["hosts"].values()
             for line in host.get("msg") or []]
    bad = [f"{task['task']['name']}: {host.get('msg')}" for task in tasks for host in task["hosts"].values() if host.get("failed")]
    return done.returncode, lines, "; ".join(bad)


def mended(lines: list[str]) -> bool:
    """Whether something failed before, and all that is said of after is a pass."""
    return any(": fail" in line for line in lines) and all(" -> pass" in line for line in lines)


def prove(inventory: str, row: Row) -> str:
    """"" where the control failed, was remedied and passes; else what was seen."""
    started = time.monotonic()
    try:
        misconfigure(inventory, row)
        time.sleep(row.get("shows", 0))
        code, lines, said = remedy(inventory, row)
    except RuntimeError as error:
        return f"{row['control']}: {error}"
    finally:
        if "after" in row:
            shell(inventory, row["host"], row["after"])
    for line in lines:
        if ": fail" in line or " -> pass" not in line:
            print(f"{row['control']}: {line if len(line) < 220 else line[:217] + '...'} ({time.monotonic() - started:.0f} s)", flush=True)
    return "" if code == 0 and mended(lines) else f"{row['control']}: ended with {code}; {'; '.join(lines) or 'nothing assessed'}; {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-i", "--inventory", default="inventories/lab")
    parser.add_argument("--short", action="store_true", help="only those that molecule/default tries")
    parser.add_argument("controls", nargs="*", help="only these")
    options = parser.parse_args()
    rows: list[Row] = yaml.safe_load((HERE / "remediations.yml").read_text(encoding="utf-8"))
    unknown = set(options.controls) - {row["control"] for row in rows}
    if unknown:
        sys.exit(f"no misconfiguration is known for {', '.join(sorted(unknown))}")
    named = options.controls or [row["control"] for row in rows if row.get("short") or not options.short]
    chosen = [row for row in rows if row["control"] in named]
    wrong = []
    for row in chosen:
        if problem := prove(options.inventory, row):
            wrong.append(problem)
            print(f"not mended: {problem}", flush=True)
    print(f"remedied: {len(chosen) - len(wrong)} of {len(chosen)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
