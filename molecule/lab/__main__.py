"""Lab hosts for `make lab` and for every Molecule scenario: python molecule/lab {make,up,down,where,preview,stop,clean} -i INVENTORY."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hosts
import image
import podman
import preview_server
from podman import LabError

PLAYBOOK = [str(Path(sys.executable).parent / "ansible-playbook")]
STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"[lab {time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("verb", choices=["make", "up", "down", "where", "preview", "stop", "clean"])
    parser.add_argument("-i", "--inventory", required=True, help="inventory whose hosts are the lab's")
    parser.add_argument("names", nargs="*", help="hosts to stop (default: all)")
    args = parser.parse_intermixed_args()
    found = shutil.which("ansible-inventory", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not found:
        raise LabError("ansible-inventory is not installed; `make lab` installs it")
    if args.verb == "up":
        podman.install_packages(say)
    if args.verb == "make":
        return make(args.inventory, found)
    if args.verb == "preview":
        lab = hosts.read(args.inventory, found)
        if not (lab.state / "secrets.json").is_file():
            raise LabError("there is no lab to look at; bring it up first: make lab")
        print(preview(lab, table(lab, args.inventory)))
        return 0
    with exclusive():
        lab = hosts.read(args.inventory, found)
        if args.verb == "up":
            up(lab)
        elif args.verb == "down":
            preview_server.stop(lab.state)
            hosts.down(lab, say)
        elif args.verb == "clean":
            preview_server.stop(lab.state)
            podman.ensure_namespace()
            hosts.down(lab, say)
            podman.ensure_namespace()
            image.remove()
            podman.drop_namespace()
        elif args.verb == "stop":
            hosts.stop(lab, args.names or [h.name for h in lab.hosts])
        else:
            where(lab, table(lab, args.inventory))
    return 0


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Two labs may be made at once (a lab and a scenario); the image, namespace and network code run one at a time."""
    with open("/run/psf-observatory-lab.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def up(lab: hosts.Lab) -> None:
    touched = hosts.up(lab, say)
    say(f"{len(lab.hosts)} hosts up in {len(lab.networks)} regions" + ("" if touched else ", nothing to do"))


def make(inventory: str, ansible_inventory: str) -> int:
    """The whole way: hosts and artifacts at the same time, then the playbooks that production uses, then where to look."""
    podman.install_packages(say)
    lab = hosts.read(inventory, ansible_inventory)
    building = None
    if not hosts.running(lab):
        # What the hosts will need is known beforehand; it is built while they are made.
        building = subprocess.Popen([*PLAYBOOK, "-i", inventory, "playbooks/artifacts.yml"])
    try:
        with exclusive():
            up(lab)
    except BaseException:
        if building:
            building.terminate()
        raise
    if building and building.wait() != 0:
        raise LabError("the artifacts could not be prepared, see above")
    for book, words, *arguments in (("site", "installing"), ("drift", "looking for what differs", "--check"),
                                    ("assess", "assessing the controls"), ("verify", "asking whether the regions are observed")):
        say(words)
        code = subprocess.run([*PLAYBOOK, "-i", inventory, f"playbooks/{book}.yml", *arguments], check=False).returncode
        if code != 0:
            raise LabError(f"playbooks/{book}.yml failed, see above; `make lab` again goes on from where it is")
    rows = table(lab, inventory)
    try:
        preview(lab, rows)
    except LabError as error:  # the lab is up all the same
        say(f"the dashboards cannot be shown: {error}; `make preview` tries again")
    where(lab, rows)
    say("the lab is up; `make down` removes it")
    return 0


def preview(lab: hosts.Lab, rows: str) -> str:
    """The address of the lab's dashboards; they are served from now on, until `make down`."""
    secrets = json.loads((lab.state / "secrets.json").read_text())
    login = {"OBSERVATORY_USERNAME": "admin", "OBSERVATORY_PASSWORD": secrets["admin_password"]}
    return preview_server.ensure(lab.state, rows, login, os.environ.get("PSF_PREVIEW") or preview_server.ADDRESS)


def table(lab: hosts.Lab, inventory: str) -> str:
    """What runs where; from the same filters that the roles use."""
    page = lab.state / "where.txt"
    done = subprocess.run([*PLAYBOOK, "-i", inventory, "playbooks/where.yml", "-e", f"where_file={page}"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise LabError("playbooks/where.yml failed: " + done.stdout[-1500:])
    return page.read_text()


def where(lab: hosts.Lab, rows: str) -> None:
    """What runs where, and how to look at it."""
    secrets = json.loads((lab.state / "secrets.json").read_text())
    print(rows)
    print(f"Log in as admin with {secrets['admin_password']}; the authority that signed all certificates is "
          f"{lab.state}/pki/ca.crt")
    first = lab.hosts[-1]
    print(f"From another machine:  ssh -L 9093:{first.address}:9093 THIS-MACHINE   then https://localhost:9093")
    print(f"A shell on a host:     ssh -i {lab.key} -o UserKnownHostsFile={lab.known_hosts} ops@{first.address}")
    shown = preview_server.running(lab.state)
    print(f"The dashboards, live:  {shown.url if shown else 'make preview'}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
