"""Record metrics.sample of systems from the running lab: python molecule/lab/record.py -i INVENTORY SYSTEM... (make record SYSTEM="a b").

Finds the address of a Prometheus in the inventory, its log-in and the authority in the lab's state, and runs `observatory record`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hosts
from podman import LabError

ROOT = Path(__file__).parents[2]


def members(listing: dict, group: str) -> set[str]:
    """Hosts of a group and of the groups in it."""
    own = listing.get(group, {})
    return set(own.get("hosts", [])).union(*(members(listing, child) for child in own.get("children", [])))


def server(inventory: str, tool: str) -> str:
    """The URL of the first Prometheus of the inventory."""
    listing = json.loads(subprocess.run([tool, "-i", inventory, "--list"], capture_output=True, text=True, check=True).stdout)
    names = sorted(members(listing, "prometheus"))
    if not names:
        raise LabError(f"{inventory} has no host in the group prometheus")
    return f"https://{listing['_meta']['hostvars'][names[0]]['ansible_host']}:9090"


def main() -> int:
    parser = argparse.ArgumentParser(prog="record", description=__doc__)
    parser.add_argument("-i", "--inventory", required=True)
    parser.add_argument("systems", nargs="+", metavar="SYSTEM")
    args = parser.parse_args()
    tool = shutil.which("ansible-inventory", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not tool:
        raise LabError("ansible-inventory is not installed; `make lab` installs it")
    lab = hosts.read(args.inventory, tool)
    secrets = lab.state / "secrets.json"
    if not secrets.is_file():
        raise LabError(f"{secrets} is not there; bring the lab up first: make lab")
    login = {"OBSERVATORY_USERNAME": "observatory", "OBSERVATORY_PASSWORD": json.loads(secrets.read_text())["machine_password"]}
    chosen = [word for system in args.systems for word in ("--system", system)]
    command = [sys.executable, "-m", "dashboards", "record", *chosen, "--prometheus", server(args.inventory, tool)]
    return subprocess.run(
        [*command, "--ca", str(lab.state / "pki/ca.crt")], cwd=ROOT, env={**os.environ, **login}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"record: {error}", file=sys.stderr)
        sys.exit(1)
