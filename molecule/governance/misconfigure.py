#!/usr/bin/env python3
# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do controls fail after a real misconfiguration, and are they errors when the read is denied? Asked of a running lab.

    python molecule/governance/misconfigure.py -i inventories/lab [--host app-eu-1]

Assesses, misconfigures one host (misconfigurations.yml, undone whatever happens), assesses again, assesses with other rights and limits
(variables.yml), and once more at the end: everything must be as before. Ends with 1 and says what was not as it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
Verdicts = dict[str, set[str]]


def ansible(program: str, *arguments: str) -> str:
    beside = Path(sys.executable).with_name(program)
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json"}
    done = subprocess.run([str(beside) if beside.exists() else program, *arguments], cwd=ROOT, env=environment, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{program} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return done.stdout


def assess(inventory: str, host: str, variables: dict[str, Any] | None = None) -> Verdicts:
    """Control to its verdicts on a host."""
    output = json.loads(ansible("ansible-playbook", "-i", inventory, "playbooks/assess.yml", "--limit", host,
                                "-e", json.dumps(variables or {})))
    answers = [found for play in output["plays"] for task in play["tasks"] for found in task["hosts"].values() if "results" in found]
    if len(answers) != 1:
        sys.exit(f"{host} answered {len(answers)} times")
    verdicts: Verdicts = {}
    for row in answers[0]["results"]:
        verdicts.setdefault(row["control"], set()).add(row["status"])
    return verdicts


def script(inventory: str, host: str, rows: list[dict[str, Any]], key: str) -> None:
    """Run the shell text of every row on the host; one that fails does not stop the others."""
    parts = [f"(\n{row[key]}\n) || echo {shlex.quote('not done: ' + row['name'])} >&2\n" for row in rows]
    text = "#!/bin/bash\nset -u\n" + "".join(parts) + "true\n"
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        ansible("ansible", "-i", inventory, host, "--become", "-m", "ansible.builtin.script", "-a", file.name)


def held(what: str, verdicts: Verdicts, wanted: str, names: list[str]) -> list[str]:
    """What is not as it should be; a control with several subjects must say it of at least one."""
    wrong = [f"{what}: {name} says {', '.join(sorted(verdicts.get(name, {'nothing'})))}, not {wanted}" for name in names
             if wanted not in verdicts.get(name, set()) or (wanted == "error" and "pass" in verdicts[name])]
    print(f"{what}: {len(names) - len(wrong)} of {len(names)} {wanted}")
    return wrong


def read(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-i", "--inventory", default="inventories/lab")
    parser.add_argument("--host", default="app-eu-1")
    options = parser.parse_args()

    def stop(*_arguments: Any) -> None:
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stop)
    faults = read("misconfigurations.yml")
    names = [name for row in faults for name in row["controls"]]
    before = assess(options.inventory, options.host)
    fine = {name for name, found in before.items() if found == {"pass"}}
    print(f"before: {len(fine)} of {len(before)} controls pass on {options.host}")
    wrong: list[str] = []
    try:
        script(options.inventory, options.host, faults, "do")
        during = assess(options.inventory, options.host)
    finally:
        script(options.inventory, options.host, faults, "undo")
    wrong += held("misconfigured", during, "fail", names)
    for row in read("variables.yml"):
        try:
            if "do" in row:
                script(options.inventory, row["hosts"], [row], "do")
            found = assess(options.inventory, row["hosts"], row.get("variables"))
        finally:
            if "undo" in row:
                script(options.inventory, row["hosts"], [row], "undo")
        for wanted in ("error", "fail"):
            if row.get(wanted):
                wrong += held(row["name"], found, wanted, row[wanted])
    after = assess(options.inventory, options.host)
    wrong += [f"afterwards: {name} says {', '.join(sorted(after[name]))}, no longer pass" for name in sorted(fine)
              if after[name] != {"pass"}]
    not_seen = sorted(set(names) - fine)
    if not_seen:
        print(f"did not pass before, so only their failure was seen: {', '.join(not_seen)}")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
