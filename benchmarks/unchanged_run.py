# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs that changes nothing, on the converged lab (`make lab` first).

    python benchmarks/unchanged_run.py [--runs 3] [--pairs 3]

1. The whole platform (playbooks/site.yml): seconds, and by role the seconds and the tasks that ran (skipped ones are not
   counted) on the host with the most of them. The budget is 25 tasks for a host that observes; what runs once for all hosts
   on the controller (check of the inventory, rendering, artifacts) is counted apart.
2. Prometheus, Alertmanager, node and blackbox exporter alone (subset.yml), in the same measures as the best public roles.
   Their figures are quoted, not measured here, and are told apart as such.
3. One exporter laid out as plain builtin tasks (baseline.yml) against one task of psf.observatory.component
   (component.yml), in turn in this same run. This ratio is what to compare between machines and over time.
   Both are installed for the benchmark under names and ports of their own, and removed again (clean.yml).

1 and 2 run in turn. Seconds are medians. Module executions count modules started by any action, on hosts (ssh) and on the
controller (local); round trips count invocations of ssh, scp and sftp. Where a run would change something (asked in check
mode first), nothing is measured. `changed` of each run must be 0; where it is not, the checkout or the lab was altered
meanwhile, and the seconds are not those of an unchanged run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from harness import Run, median, play, stop_like_interrupt, table

SUBSET = "benchmarks/subset.yml"
BUDGET = 25
QUOTED = "prometheus.prometheus 0.30.2, measured 2026-11-22 on 2 cores"
# seconds, tasks, module executions, round trips
PEER = (131.0, 190, 215, 266)


def on_hosts(run: Run) -> int:
    return sum(count for transport, count in run.modules.items() if transport != "local")


def changes(runs: list[Run]) -> str:
    return " ".join(str(run.changed) for run in runs)


def each(runs: list[Run]) -> str:
    return ", ".join(f"{run.seconds:.1f}" for run in runs)


def refuse_unconverged() -> None:
    """A benchmark converges no host: what a run would change is asked first, in check mode."""
    run = play("playbooks/site.yml", "--check")
    if run.changed:
        would = sorted({f"{task['name']} ({host})" for task in run.tasks
                        for host, what in task["hosts"].items() if what == "changed"})
        sys.exit("The lab is not as the playbooks say; run `make lab` first. These would change:\n  " + "\n  ".join(would))


def whole(runs: list[Run]) -> None:
    last = runs[-1]
    roles = list(dict.fromkeys(task["role"] for task in last.tasks))
    rows: list[tuple[object, ...]] = [("role", "tasks on a host", "seconds")]
    for role in roles:
        seconds = median(sum(task["seconds"] for task in run.tasks if task["role"] == role) for run in runs)
        rows.append((role or "(plays: inventory, facts, artifacts)", max(last.executed(role).values(), default=0), seconds))
    rows.append(("(start and end of Ansible)", "", median(run.seconds - run.task_seconds for run in runs)))
    rows.append(("in all", max(last.executed().values()), median(run.seconds for run in runs)))
    table(f"The whole platform, unchanged: {len(last.executed())} hosts, median of {len(runs)}", rows)
    print(f"  seconds of each run: {each(runs)}")
    table("Counts of the last of these runs", [
        ("what", "count"), *((f"tasks on {host} (budget {BUDGET})", count) for host, count in sorted(last.executed().items())),
        ("tasks once for all hosts, on the controller", last.once),
        ("tasks changed, in each run", changes(runs)), ("module executions on hosts", on_hosts(last)),
        ("module executions on the controller", last.modules["local"]), ("round trips", last.trips)])


def subset(runs: list[Run]) -> None:
    last, seconds = runs[-1], median(run.seconds for run in runs)
    tasks = sum(any(what != "skipped" for what in task["hosts"].values()) for task in last.tasks)
    ours = (seconds, tasks, last.modules.total(), last.trips)
    names = ("seconds", "tasks", "module executions", "round trips")
    title = f"Prometheus, Alertmanager, node and blackbox exporter on {len(last.executed())} hosts, unchanged"
    table(f"{title}: median of {len(runs)}", [
        ("what", "here", "quoted", "here / quoted"),
        *((name, here, there, here / there) for name, here, there in zip(names, ours, PEER, strict=True))])
    print(f"  of the module executions, {on_hosts(last)} ran on hosts; changed, in each run: {changes(runs)}")
    print(f"  seconds of each run: {each(runs)}")
    print(f"  quoted: {QUOTED}; NOT from this run.")
    print("  There: one Prometheus, one Alertmanager, four blackbox exporters. Here: two of each, one for a region, with TLS,")
    print("  certificates and the check of the inventory.")


def pairs(number: int) -> None:
    try:
        for playbook in ("benchmarks/baseline.yml", "benchmarks/component.yml"):
            play(playbook)
        measured = [(play("benchmarks/baseline.yml"), play("benchmarks/component.yml")) for _ in range(number)]
    finally:
        print("\nRemoving what the benchmark installed")
        play("benchmarks/clean.yml")
    plain = [pair[0] for pair in measured]
    component = [pair[1] for pair in measured]

    def only(run: Run) -> float:
        return sum(task["seconds"] for task in run.tasks if task["action"] == "psf.observatory.component")

    def row(what: str, of: Callable[[Run], float]) -> tuple[object, ...]:
        left, right = median(map(of, plain)), median(map(of, component))
        return what, left, right, right / left

    left, right = median(run.task_seconds for run in plain), median(map(only, component))
    table(f"One exporter as plain tasks and as a component, unchanged, four hosts: median of {number} pairs in turn", [
        ("what", "plain", "component", "component / plain"),
        ("seconds of the component's own task", left, right, right / left),
        row("seconds with the facts, read once for all", lambda run: run.task_seconds),
        row("seconds with the start of Ansible", lambda run: run.seconds),
        row("tasks with the facts", lambda run: max(run.executed().values())),
        row("module executions with the facts", lambda run: run.modules.total()),
        row("round trips with the facts", lambda run: run.trips)])
    print(f"  changed: {sum(run.changed for run in plain)} and {sum(run.changed for run in component)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="runs of the platform and of the subset")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of the plain tasks and the component")
    options = parser.parse_args()
    stop_like_interrupt()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; seconds say little on a machine with other work")
    if options.runs:
        refuse_unconverged()
        both = [(play("playbooks/site.yml"), play(SUBSET)) for _ in range(options.runs)]
        whole([run for run, _ in both])
        subset([run for _, run in both])
    if options.pairs:
        pairs(options.pairs)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
