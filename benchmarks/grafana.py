# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to keep a Grafana as declared. Needs no lab and no Grafana.

    python benchmarks/grafana.py [--dashboards 200] [--folders 20] [--first 1000] [--latency 20] [--peer 10] [--runs 3]

A stand-in for Grafana (the double of the unit tests) runs as a process of its own; Ansible asks it on this machine.
- unchanged: `grafana_content` with all dashboards in their folders, in turn with a loop of community.grafana's `grafana_dashboard` over
  a few of them (--peer), scaled to as many. Both were made by a run before, so neither writes anything.
- first: `grafana_content` makes dashboards in an empty Grafana that takes some milliseconds for each answer.
Seconds are those of the task, without the start of Ansible. The ratio is what to compare between machines."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from harness import ROOT, play

DOUBLE = "ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double"
PANELS = 20


def serve(milliseconds: str) -> None:
    """The stand-in, in this process: its URL on stdout, then one line (calls, connections) for each line on stdin."""
    sys.path.insert(0, str(ROOT / "collections"))
    with importlib.import_module(DOUBLE).Double(latency=float(milliseconds) / 1000) as double:
        print(double.url, flush=True)
        for _line in sys.stdin:
            print(len(double.calls), double.connections, flush=True)
            double.calls.clear()
            double.connections = 0


class Grafana:
    def __init__(self, milliseconds: float = 0):
        self.process = subprocess.Popen([sys.executable, __file__, "--serve", str(milliseconds)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.into, self.out = cast(IO[str], self.process.stdin), cast(IO[str], self.process.stdout)

    def _line(self) -> str:
        return self.out.readline().strip()

    def __enter__(self) -> Grafana:
        self.url = self._line()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.into.close()
        self.process.wait(10)

    def count(self) -> tuple[int, int]:
        """Calls and connections since the last count."""
        self.into.write("\n")
        self.into.flush()
        calls, connections = self._line().split()
        return int(calls), int(connections)


def dashboard(number: int) -> dict[str, Any]:
    panels = [{"id": n, "type": "timeseries", "title": f"Panel {n}", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 8 * n},
               "fieldConfig": {"defaults": {"unit": "reqps", "custom": {"lineWidth": 1}}, "overrides": []},
               "targets": [{"refId": "A", "expr": f'sum by (route) (rate(http_requests_total{{job="s{number}", route="/r{n}"}}[5m]))'}]}
              for n in range(1, PANELS + 1)]
    return {"uid": f"bench-{number:04d}", "title": f"Dashboard {number:04d}", "schemaVersion": 42, "tags": ["bench"], "panels": panels}


def bundle(place: Path, count: int, folders: int) -> None:
    rows = []
    for number in range(count):
        path = place / "grafana" / "dashboards" / f"{number:04d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps(dashboard(number)).encode()
        path.write_bytes(data)
        rows.append({"path": str(path.relative_to(place)), "kind": "grafana_dashboard", "owner": f"f{number % folders}",
                     "sha256": hashlib.sha256(data).hexdigest()})
    (place / "manifest.json").write_text(json.dumps({"format": 1, "environment": "bench", "files": rows}), encoding="utf-8")


def playbook(place: Path, task: dict[str, Any]) -> str:
    path = place / "play.yml"
    path.write_text(json.dumps([{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [task],
                                 "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}]), encoding="utf-8")
    return str(path)


def ours(place: Path, url: str, folders: int, scope: str = "bench") -> dict[str, Any]:
    return {"psf.observatory.grafana_content": {
        "url": url, "username": "admin", "password": "admin", "use_proxy": False, "bundle": str(place), "scope": scope,
        "placement": {f"f{n}": f"f{n}" for n in range(folders)},
        "folders": [{"uid": f"f{n}", "title": f"Folder {n}"} for n in range(folders)]}}


def loop(place: Path, url: str, count: int, folders: int) -> dict[str, Any]:
    rows = [{"path": str(place / "grafana" / "dashboards" / f"{number:04d}.json"), "folder": f"Folder {number % folders}"}
            for number in range(count)]
    return {"community.grafana.grafana_dashboard": {
        "url": url, "url_username": "admin", "url_password": "admin", "state": "present", "overwrite": True, "use_proxy": False,
        "path": "{{ item.path }}", "folder": "{{ item.folder }}"}, "loop": rows}


def run(place: Path, task: dict[str, Any], grafana: Grafana) -> tuple[float, int, int, int]:
    """Seconds of the task, calls, connections, and how many hosts it changed."""
    grafana.count()
    done = play(playbook(place, task), inventory="localhost,")
    return (done.task_seconds, *grafana.count(), done.changed)


def unchanged(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="psf-bench-") as directory, Grafana() as mine, Grafana() as theirs:
        place = Path(directory)
        bundle(place, options.dashboards, options.folders)
        task, peer = ours(place, mine.url, options.folders), loop(place, theirs.url, options.peer, options.folders)
        run(place, task, mine)
        # The folders are made by us in both: the loop is measured, not their making.
        run(place, {"psf.observatory.grafana_content": {**ours(place, theirs.url, options.folders)["psf.observatory.grafana_content"],
                                                        "bundle": None}}, theirs)
        run(place, peer, theirs)
        pairs = [(run(place, task, mine), run(place, peer, theirs)) for _ in range(options.runs)]
        if any(one[3] or other[3] for one, other in pairs):
            sys.exit("something was changed, so this is no unchanged run")
    scale = options.dashboards / options.peer
    seconds = statistics.median(one[0] for one, _ in pairs)
    others = statistics.median(other[0] for _, other in pairs) * scale
    print(f"{options.dashboards} unchanged dashboards in {options.folders} folders; medians of {options.runs}")
    print(f"  grafana_content          {seconds:8.2f} s  {pairs[0][0][1]:6d} calls  {pairs[0][0][2]:5d} connections")
    print(f"  community.grafana, loop  {others:8.2f} s  {pairs[0][1][1] * scale:6.0f} calls  {pairs[0][1][2] * scale:5.0f} connections"
          f"   (measured with {options.peer}, times {scale:g})")
    print(f"  ratio {seconds / others:.4f}, 1/{others / seconds:.0f}; calls beside one for each dashboard: "
          f"{pairs[0][0][1] - options.dashboards}")


def first(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="psf-bench-") as directory, Grafana(options.latency) as grafana:
        place = Path(directory)
        bundle(place, options.first, options.folders)
        seconds, calls, connections, _changed = run(place, ours(place, grafana.url, options.folders), grafana)
        print(f"{options.first} dashboards, first sync, {options.latency:g} ms for each answer")
        print(f"  grafana_content          {seconds:8.2f} s  {calls:6d} calls  {connections:5d} connections")
        print(f"  one call after the other would wait {calls * options.latency / 1000:.0f} s for answers alone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dashboards", type=int, default=200)
    parser.add_argument("--folders", type=int, default=20)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=20, help="milliseconds")
    parser.add_argument("--peer", type=int, default=10, help="dashboards of the loop that is scaled")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    unchanged(options)
    first(options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        main()
