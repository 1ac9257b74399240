"""Lab hosts: what an inventory declares, as networks and systemd containers reached by SSH with a generated key.

The inventory is the one declaration: each host's ansible_host is its address, its region_<id> group its network. What an
earlier run left half-way (a killed container, namespace or process) is found and mended; only what carries the lab's label
is ever touched.
"""

from __future__ import annotations

import ipaddress
import json
import os
import resource
import secrets
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import image
import podman as pod
from podman import LabError, podman, podman_json

LABEL = "psf.observatory.lab"


@dataclass(frozen=True)
class Host:
    """One declared host: inventory name, IPv4 address, region id."""

    name: str
    address: str
    region: str


@dataclass(frozen=True)
class Lab:
    """A named set of hosts; the name keeps two labs on one machine apart."""

    name: str
    hosts: tuple[Host, ...]
    state: Path

    @property
    def networks(self) -> dict[str, ipaddress.IPv4Network]:
        """Region id to the /24 that its hosts' addresses are in."""
        found: dict[str, ipaddress.IPv4Network] = {}
        for host in self.hosts:
            net = ipaddress.IPv4Network(f"{host.address}/24", strict=False)
            if found.setdefault(host.region, net) != net:
                raise LabError(f"inventory: hosts of region {host.region} are in {found[host.region]} and in {net}; "
                               "a lab region is one /24")
        return found

    @property
    def key(self) -> Path:
        return self.state / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state / "known_hosts"

    def container(self, host: Host) -> str:
        return f"{self.name}-{host.name}"


def read(inventory: str, ansible_inventory: str) -> Lab:
    """Read the lab from an Ansible inventory; `lab_name` and `lab_state_dir` are ordinary variables of it."""
    listing = json.loads(pod.run([ansible_inventory, "-i", inventory, "--list"]))
    hostvars = listing["_meta"]["hostvars"]
    region_of = {
        host: group.removeprefix("region_")
        for group, members in listing.items() if group.startswith("region_")
        for host in members.get("hosts", [])
    }
    hosts = tuple(Host(name, v["ansible_host"], region_of.get(name, "none")) for name, v in sorted(hostvars.items()))
    if not hosts:
        raise LabError(f"{inventory} declares no host")
    name = next(iter(hostvars.values())).get("lab_name")
    if not name:
        raise LabError(f"{inventory} does not set lab_name: it is not a lab's inventory")
    return Lab(name, hosts, state_dir(name))


def state_dir(name: str) -> Path:
    """Keys and generated secrets of a lab, outside the checkout (PSF_STATE, default $XDG_STATE_HOME/psf-observatory)."""
    base = os.environ.get("PSF_STATE") or os.path.join(
        os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "psf-observatory")
    return Path(base) / name


def up(lab: Lab, say) -> list[str]:
    """Make every host run and answer SSH; returns the names of those that had to be created or started."""
    pod.ensure_namespace()
    image.ensure(say)
    _ensure_key(lab)
    _ensure_secrets(lab)
    _ensure_networks(lab)
    with ThreadPoolExecutor(4) as pool:
        touched = [name for name in pool.map(lambda h: _ensure_host(lab, h), lab.hosts) if name]
        if touched:
            say(f"hosts started: {', '.join(touched)}")
        list(pool.map(lambda h: _wait(lab, h), lab.hosts))
    _ensure_known_hosts(lab)
    return touched


def running(lab: Lab) -> bool:
    """True when every host runs already; asks nothing of a machine that has no lab yet."""
    if not (pod.machine_has_cgroup2() or pod.namespace_alive()):
        return False
    there = {row["Names"][0] for row in _containers(lab) if row["State"] == "running" and _process_alive(row)}
    return {lab.container(host) for host in lab.hosts} <= there


def stop(lab: Lab, names: list[str]) -> None:
    """Stop hosts as a power cut would."""
    for host in lab.hosts:
        if host.name in names:
            podman("kill", lab.container(host), check=False)


def down(lab: Lab, say) -> None:
    """Remove hosts, networks, keys and (when no other lab uses it) the mount namespace."""
    if not pod.machine_has_cgroup2() and not pod.namespace_alive():
        if not any(Path("/var/lib/containers/storage").glob("overlay-containers/*")):
            _remove_state(lab)
            return
        pod.ensure_namespace()
    for row in _containers(lab):
        podman("rm", "-f", "-t", "2", "-v", row["Id"])
    for region in lab.networks:
        podman("network", "rm", "-f", _network(lab, region), check=False)
    _remove_state(lab)
    say(f"removed the hosts and networks of {lab.name}")
    if not pod.machine_has_cgroup2() and not podman_json("ps", "-a", "--filter", f"label={LABEL}"):
        pod.drop_namespace()


def _containers(lab: Lab) -> list[dict]:
    return podman_json("ps", "-a", "--filter", f"label={LABEL}={lab.name}")


def _network(lab: Lab, region: str) -> str:
    return f"{lab.name}-{region}"


def _ensure_key(lab: Lab) -> None:
    lab.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not lab.key.exists():
        pod.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", lab.name, "-f", str(lab.key)])


def _ensure_secrets(lab: Lab) -> None:
    """Passwords of the lab, made once: one for people (admin), one for machines, their bcrypt hashes, and the key of Grafana's secrets."""
    path = lab.state / "secrets.json"
    if path.exists():
        known = json.loads(path.read_text())
        if "grafana_secret_key" not in known:
            # A lab that an earlier version made.
            path.write_text(json.dumps({**known, "grafana_secret_key": secrets.token_urlsafe(24)}) + "\n")
        return
    passwords = {"admin": secrets.token_urlsafe(12), "observatory": secrets.token_urlsafe(24)}
    users = {name: bcrypt.hashpw(text.encode(), bcrypt.gensalt(10)).decode() for name, text in passwords.items()}
    text = json.dumps({"users": users, "admin_password": passwords["admin"], "machine_password": passwords["observatory"],
                       "grafana_secret_key": secrets.token_urlsafe(24)})
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text + "\n")


def _ensure_networks(lab: Lab) -> None:
    there = {row["name"]: row for row in podman_json("network", "ls", "--filter", f"label={LABEL}={lab.name}")}
    for region, net in lab.networks.items():
        name = _network(lab, region)
        subnets = [s.get("subnet") for s in there.get(name, {}).get("subnets", [])]
        if name in there and subnets != [str(net)]:
            podman("network", "rm", "-f", name)
            there.pop(name)
        if name not in there:
            podman("network", "create", "--label", f"{LABEL}={lab.name}", "--subnet", str(net), name)


def _ensure_host(lab: Lab, host: Host) -> str | None:
    """Create or start one host; returns its name when something was done."""
    name = lab.container(host)
    found = podman_json("ps", "-a", "--filter", f"name=^{name}$")
    if found and (found[0]["Image"] != image.reference() or not _addressed(name, host)):
        podman("rm", "-f", "-t", "0", "-v", name)
        found = []
    if found and found[0]["State"] == "running" and _process_alive(found[0]):
        return None
    if found:
        # A host whose processes were killed from outside may still be called running: stop it for good, then start it.
        podman("kill", name, check=False)
        podman("stop", "-t", "0", name, check=False)
        if subprocess.run([*pod.prefix(), "start", name], check=False, capture_output=True).returncode == 0:
            return host.name
        podman("rm", "-f", "-t", "0", "-v", name)
    argv = ["run", "-d", "--name", name, "--hostname", host.name, "--label", f"{LABEL}={lab.name}",
            "--network", _network(lab, host.region), "--ip", host.address,
            "--privileged", "--pids-limit=0", "--systemd=always",
            *_ulimits(),
            "--volume", f"{lab.key}.pub:/home/ops/.ssh/authorized_keys:ro"]
    for other in lab.hosts:
        argv += ["--add-host", f"{other.name}:{other.address}"]
    podman(*argv, image.reference())
    return host.name


def _ulimits() -> list[str]:
    """What a server expects, within what this machine allows; raising a hard limit is refused in a sandbox."""
    flags: list[str] = []
    for name, kind, wanted in (("nofile", resource.RLIMIT_NOFILE, 65536), ("nproc", resource.RLIMIT_NPROC, 4096)):
        hard = resource.getrlimit(kind)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        flags += ["--ulimit", f"{name}={limit}:{limit}"]
    return flags


def _process_alive(row: dict) -> bool:
    return bool(row.get("Pid")) and Path(f"/proc/{row['Pid']}").exists()


def _addressed(name: str, host: Host) -> bool:
    details = json.loads(podman("inspect", name))[0]
    networks = details["NetworkSettings"]["Networks"].values()
    wanted = [n.get("IPAMConfig", {}) or {} for n in networks]
    return any(w.get("IPv4Address", host.address) == host.address for w in wanted)


def _wait(lab: Lab, host: Host) -> None:
    """Wait until systemd has finished starting and sshd answers, 60 s at most."""
    name = lab.container(host)
    deadline = time.monotonic() + 60
    state = ""
    while time.monotonic() < deadline:
        done = subprocess.run([*pod.prefix(), "exec", name, "systemctl", "is-system-running"],
                              capture_output=True, check=False)
        state = done.stdout.decode().strip()
        if state in ("running", "degraded"):
            try:
                with socket.create_connection((host.address, 22), timeout=2) as conn:
                    if conn.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
        time.sleep(0.3)
    raise LabError(f"{host.name} ({host.address}) did not come up within 60 s: systemd is {state or 'silent'}; "
                   f"see `podman logs {name}`")


def _ensure_known_hosts(lab: Lab) -> None:
    """Host keys are read over the lab's own bridge and pinned, so that SSH checks them like any other host's."""
    scanned = pod.run(["ssh-keyscan", "-T", "10", "-t", "ed25519", *[h.address for h in lab.hosts]])
    lines = sorted(line for line in scanned.splitlines() if line and not line.startswith("#"))
    if len(lines) != len(lab.hosts):
        raise LabError(f"only {len(lines)} of {len(lab.hosts)} hosts gave an SSH host key")
    text = "\n".join(lines) + "\n"
    if not lab.known_hosts.exists() or lab.known_hosts.read_text() != text:
        lab.known_hosts.write_text(text)


def _remove_state(lab: Lab) -> None:
    for path in sorted(lab.state.rglob("*"), reverse=True) if lab.state.exists() else []:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    if lab.state.exists():
        lab.state.rmdir()
