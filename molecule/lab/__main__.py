"""Lab hosts for `make lab` and for every Molecule scenario: python molecule/lab {up,down,status,stop,start} -i INVENTORY."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import time
from pathlib import Path

import hosts
import image
import podman
from podman import LabError

STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"[lab {time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("verb", choices=["up", "down", "status", "stop", "clean"])
    parser.add_argument("-i", "--inventory", required=True, help="inventory whose hosts are the lab's")
    parser.add_argument("names", nargs="*", help="hosts to stop (default: all)")
    args = parser.parse_args()
    found = shutil.which("ansible-inventory", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not found:
        raise LabError("ansible-inventory is not installed; `make lab` installs it")
    if args.verb == "up":
        podman.install_packages(say)
    # Two labs may be made at once (a lab and a scenario); the image, namespace and network code run one at a time.
    with open("/run/psf-observatory-lab.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lab = hosts.read(args.inventory, found)
        if args.verb == "up":
            touched = hosts.up(lab, say)
            say(f"{len(lab.hosts)} hosts up in {len(lab.networks)} regions"
                + ("" if touched else ", nothing to do"))
        elif args.verb == "down":
            hosts.down(lab, say)
        elif args.verb == "clean":
            podman.ensure_namespace()
            hosts.down(lab, say)
            podman.ensure_namespace()
            image.remove()
            podman.drop_namespace()
        elif args.verb == "stop":
            hosts.stop(lab, args.names or [h.name for h in lab.hosts])
        else:
            for host in lab.hosts:
                print(f"{host.name:12} {host.address:15} {host.region}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
