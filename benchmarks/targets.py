# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a large inventory costs: 10,000 hosts in two regions, and the questions that the roles ask it. Needs no lab.

    python benchmarks/targets.py [--hosts 10000] [--runs 3]

1. The pure function behind scrape_targets, beside a Jinja template (targets.j2) that writes the same targets; both over
   plain dictionaries, so this is the computation alone. Results are compared.
2. The same through Ansible: a temporary inventory, and one task for each question (targets.yml). A task that asks nothing
   is what every task costs; it is taken off in the column `net`. Here nearly all the time is Ansible putting the
   variables of each host together, once a host for the filter and once a value for the template.

One Prometheus scrapes the hosts of its own region: half of them, each with two jobs (node, otel_agent), so there are as
many targets as hosts. Seconds are medians; a ratio below 1 means that the filter is faster.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from harness import HERE, ROOT, median, play, table

sys.path.insert(0, str(ROOT / "collections"))
from ansible_collections.psf.observatory.plugins.plugin_utils import inventory, observed

SYSTEMS = ("prometheus", "alertmanager", "alert_log", "loki", "jaeger", "otel_gateway", "blackbox")
OBSERVER = "obs-eu-1"


def made_up(number: int) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Hosts with their variables, and groups: in each region one host that observes; every tenth has a port of its own."""
    hosts: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {"all": [], "ungrouped": []}
    for second, region in enumerate(("eu", "us")):
        names = [f"obs-{region}-1", *(f"app-{region}-{index:05}" for index in range(1, number // 2))]
        groups[f"region_{region}"] = names
        groups["all"] += names
        for index, name in enumerate(names):
            hosts[name] = {"ansible_host": f"10.{second}.{index // 250}.{index % 250 + 1}"}
            if index % 10 == 9:
                hosts[name]["node_port"] = 9101
    return hosts, {**groups, **{system: ["obs-eu-1", "obs-us-1"] for system in SYSTEMS}}


def write_inventory(directory: str, hosts: dict[str, dict[str, Any]], groups: dict[str, list[str]]) -> None:
    """The inventory as files: hosts with their variables, groups, and variables for all, some of them templates."""
    lines = [" ".join([name, *(f"{key}={value}" for key, value in variables.items())]) for name, variables in hosts.items()]
    for group, names in groups.items():
        if group not in ("all", "ungrouped"):
            lines += [f"[{group}]", *names]
    Path(directory, "hosts.ini").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for_all = Path(directory, "group_vars", "all")
    for_all.mkdir(parents=True)
    (for_all / "site.yml").write_text(
        'site_name: example\nansible_user: ops\nansible_become: true\ncertificate_directory: "/srv/{{ site_name }}/pki"\n'
        'observatory_users: {reader: "{{ site_name }}"}\nobservatory_trace_ratio: 0.1\n', encoding="utf-8")


def seconds(function: Callable[[], Any], runs: int) -> float:
    def once() -> float:
        start = time.monotonic()
        function()
        return time.monotonic() - start
    return median(once() for _ in range(runs))


def pure(hosts: dict[str, dict[str, Any]], groups: dict[str, list[str]], runs: int) -> None:
    environment = jinja2.Environment(trim_blocks=True)  # noqa: S701 (JSON of made-up hosts, not a page)
    template = environment.from_string((HERE / "targets.j2").read_text(encoding="utf-8"))

    def plain() -> Any:
        return json.loads(template.render(hostvars=hosts, groups=groups))

    jobs, expected = observed.targets(hosts, groups, OBSERVER), plain()
    same = all(jobs[job] == sorted(expected[job], key=lambda row: row["labels"]["instance"]) for job in expected)
    ours, theirs = seconds(lambda: observed.targets(hosts, groups, OBSERVER), runs), seconds(plain, runs)
    table(f"{sum(map(len, jobs.values()))} targets from {len(hosts)} hosts, the computation alone: median of {runs}", [
        ("what", "filter", "Jinja loop", "filter / loop"), ("seconds", ours, theirs, ours / theirs),
        ("inventory_problems, seconds", seconds(lambda: inventory.check(hosts, groups), runs), "", "")])
    print(f"  same result: {'yes' if same else 'NO'}")


def through_ansible(hosts: dict[str, dict[str, Any]], groups: dict[str, list[str]], runs: int) -> None:
    with tempfile.TemporaryDirectory(prefix="psf-bench-inventory-") as directory:
        write_inventory(directory, hosts, groups)
        done = [play("benchmarks/targets.yml", "-e", f"bench_hosts={len(groups['region_eu'])}", inventory=directory)
                for _ in range(runs)]
    tasks = [(task["name"], median(run.tasks[index]["seconds"] for run in done)) for index, task in enumerate(done[0].tasks)]
    nothing, (_, ours), (_, theirs) = tasks[0][1], tasks[1], tasks[2]
    table(f"The same through Ansible, {len(hosts)} hosts in the inventory: median of {runs}", [
        ("what", "seconds", "net"),
        ("start of Ansible and reading the inventory", median(run.seconds - run.task_seconds for run in done), ""),
        *((name, took, took - nothing if index else "") for index, (name, took) in enumerate(tasks)),
        ("in all", median(run.seconds for run in done), "")])
    print(f"  filter / Jinja loop: {(ours - nothing) / (theirs - nothing):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    hosts, groups = made_up(options.hosts)
    pure(hosts, groups, options.runs)
    through_ansible(hosts, groups, options.runs)


if __name__ == "__main__":
    main()
