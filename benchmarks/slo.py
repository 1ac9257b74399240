# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to turn 1,000 SLOs into 17,000 validated rules. Needs no lab.

    python benchmarks/slo.py [--runs 5] [--keep DIR]

100 files of 10 SLOs each are written to a temporary directory. `observatory slo --sloth` runs over them as a process of its
own (start, reading, parsing every query, writing), in turn with a baseline of the same run:
- the same rules as data through PyYAML's C dumper, written to files: what writing alone costs by a library
- Sloth itself, where its program is on PATH
The ratio to the baseline is what to compare between machines; seconds depend on the machine and its other work."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVICES, EACH = 100, 10
OBJECTIVES = (99.9, 99.5, 99, 99.95)

SPEC = """\
  - name: requests-{n}
    objective: {objective}
    description: Requests of route {n} that are answered without an error of the server.
    labels:
      route: route-{n}
    sli:
      events:
        error_query: sum(rate(http_requests_total{{job="service-{s:03d}", route="/r{n}", code=~"(5..|429)"}}[{{{{.window}}}}]))
        total_query: sum(rate(http_requests_total{{job="service-{s:03d}", route="/r{n}"}}[{{{{.window}}}}]))
    alerting:
      name: Service{s:03d}Errors{n}
      labels:
        category: availability
      annotations:
        summary: Many errors on requests of route {n}
      page_alert:
        labels:
          routing_key: team-{team}
      ticket_alert:
        labels:
          channel: "#alerts-{team}"
"""


def write_specs(place: Path) -> int:
    """The SLO files; their size in bytes."""
    size = 0
    for s in range(SERVICES):
        team = s % 7
        text = f"version: prometheus/v1\nservice: service-{s:03d}\nlabels:\n  owner: team-{team}\nslos:\n"
        text += "".join(SPEC.format(s=s, n=n, team=team, objective=OBJECTIVES[n % 4]) for n in range(EACH))
        size += (place / f"service-{s:03d}.yml").write_text(text, encoding="utf-8")
    return size


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a process and its children; ends the benchmark when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = os.times().elapsed
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    wall = os.times().elapsed - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def dump_rules(source: Path, out: Path) -> Callable[[], tuple[float, float]]:
    """The baseline: rules as data, made beforehand and not counted, through PyYAML's C dumper into files, in this process."""
    sys.path.insert(0, str(ROOT))
    import yaml  # noqa: PLC0415

    from dashboards.slo import Options, groups, load  # noqa: PLC0415 (the path is set above)

    data = {
        path.name: {
            "groups": [group for slo in load(path.read_text(encoding="utf-8"), path.name) for group in groups(slo, Options(sloth=True))]
        }
        for path in sorted(source.glob("*.yml"))
    }
    print(f"{SERVICES * EACH} SLOs, {sum(len(group['rules']) for each in data.values() for group in each['groups'])} rules")

    def run() -> tuple[float, float]:
        out.mkdir(exist_ok=True)
        before = os.times()
        for name, rules in data.items():
            (out / name).write_text(yaml.dump(rules, Dumper=yaml.CSafeDumper, sort_keys=False, width=10000), encoding="utf-8")
        after = os.times()
        return after.elapsed - before.elapsed, after.user + after.system - before.user - before.system

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each, in turn (default 5)")
    parser.add_argument("--keep", metavar="DIR", help="leave specs and rules in this directory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(arguments.keep or temporary)
        specs = place / "specs"
        specs.mkdir(parents=True, exist_ok=True)
        print(f"{write_specs(specs) / 1e6:.2f} MB of specs in {SERVICES} files")
        ours = [sys.executable, "-m", "dashboards.slo", "--in", str(specs), "--out", str(place / "rules")]
        candidates: dict[str, Callable[[], tuple[float, float]]] = {
            "observatory slo --sloth": lambda: timed([*ours, "--sloth"]),
            "observatory slo --sloth --jobs 1": lambda: timed([*ours, "--sloth", "--jobs", "1"]),
            "observatory slo (our alerts)": lambda: timed(ours),
            "baseline: PyYAML's C dumper, writing alone": dump_rules(specs, place / "dumped"),
        }
        baseline = "baseline: PyYAML's C dumper, writing alone"
        if sloth := shutil.which("sloth"):
            (place / "sloth").mkdir(exist_ok=True)
            baseline = "baseline: sloth generate"
            candidates[baseline] = lambda: timed([sloth, "generate", "-i", str(specs), "-o", str(place / "sloth")])
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
        for _ in range(arguments.runs):
            for name, run in candidates.items():
                seconds[name].append(run())
        report(seconds, baseline)
    print(f"\nload of the machine now: {' '.join(f'{each:.1f}' for each in os.getloadavg())}; {len(os.sched_getaffinity(0))} CPUs")


def report(seconds: dict[str, list[tuple[float, float]]], baseline: str) -> None:
    """Medians and their ratio to the baseline."""

    def median(name: str, index: int) -> float:
        return statistics.median(run[index] for run in seconds[name])

    print(f"\n{'median of ' + str(len(seconds[baseline])):<44}{'wall s':>8}{'least':>8}{'CPU s':>8}{'wall/base':>11}{'CPU/base':>10}")
    for name, runs in seconds.items():
        print(
            f"{name:<44}{median(name, 0):>8.2f}{min(run[0] for run in runs):>8.2f}{median(name, 1):>8.2f}"
            f"{median(name, 0) / median(baseline, 0):>11.2f}{median(name, 1) / median(baseline, 1):>10.2f}"
        )


if __name__ == "__main__":
    main()
