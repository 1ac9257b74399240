"""Podman on any machine: where /sys/fs/cgroup is not cgroup2, every call goes through a private mount namespace that has it.

systemd inside a container wants the unified hierarchy. On a machine with cgroup v1 or the hybrid layout it is mounted in a
mount namespace of our own, kept alive by a bind mount under /run, so the machine's own view is left as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

NAMESPACE_DIR = Path("/run/psf-observatory-lab")
NAMESPACE = NAMESPACE_DIR / "mnt"
# What podman notes until the machine restarts: without the first, it looks at all of its containers anew; the second says which
# container has which address.
UNTIL_RESTART = (Path("/run/libpod/alive"), Path("/run/containers/networks/ipam.db"))
PACKAGES = ("podman", "crun", "netavark", "aardvark-dns", "iproute2", "uidmap", "debootstrap", "nftables", "iptables",
            "openssh-client", "openssl")


class LabError(RuntimeError):
    """What went wrong, in one message for the person at the terminal."""


def run(argv: list[str], *, check: bool = True, stdin: bytes | None = None, timeout: float = 600) -> str:
    """Run a command and return its standard output; a failure carries the command and its last words."""
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout, check=False)
    if check and done.returncode != 0:
        words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-6:]
        raise LabError(f"{' '.join(argv[:8])} … failed ({done.returncode}): " + " | ".join(words))
    return done.stdout.decode(errors="replace")


def machine_has_cgroup2() -> bool:
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def namespace_alive() -> bool:
    """True when the kept mount namespace exists and shows cgroup2."""
    return os.path.ismount(NAMESPACE) and _has_cgroup2(str(NAMESPACE))


def ensure_namespace() -> None:
    """Have the private mount namespace with cgroup2 where the machine itself does not have it.

    When the bind that keeps it was taken away while containers run, it is found again through their monitors: in another
    namespace, podman would see neither their file systems nor their networks.
    """
    if machine_has_cgroup2() or namespace_alive():
        return
    drop_namespace()
    NAMESPACE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    run(["mount", "--bind", str(NAMESPACE_DIR), str(NAMESPACE_DIR)])
    run(["mount", "--make-private", str(NAMESPACE_DIR)])
    NAMESPACE.touch()
    monitors = _monitors()
    for pid in monitors:
        if _has_cgroup2(f"/proc/{pid}/ns/mnt"):
            run(["mount", "--bind", f"/proc/{pid}/ns/mnt", str(NAMESPACE)])
            return
    run(["unshare", f"--mount={NAMESPACE}", "true"])
    run(["nsenter", f"--mount={NAMESPACE}", "sh", "-ec",
         "umount -R -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"])
    if not monitors:
        _forget_running()


def _forget_running() -> None:
    """No container of anybody's runs, but podman may think so: have it as after a restart of the machine.

    The cables of killed containers are still plugged into podman's bridges, with the addresses that the new ones want.
    """
    for note in UNTIL_RESTART:
        note.unlink(missing_ok=True)
    for link in json.loads(run(["ip", "-json", "link", "show", "type", "veth"]) or "[]"):
        if link.get("master", "").startswith("podman"):
            run(["ip", "link", "delete", link["ifname"]], check=False)


def _monitors() -> list[int]:
    """Processes that watch over podman's containers, one for each that runs."""
    found = []
    for name in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if name.read_text().strip() == "conmon":
                found.append(int(name.parent.name))
    return sorted(found)


def _has_cgroup2(namespace: str) -> bool:
    probe = ["nsenter", f"--mount={namespace}", "test", "-e", "/sys/fs/cgroup/cgroup.controllers"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def drop_namespace() -> None:
    for mount in (NAMESPACE, NAMESPACE_DIR):
        while os.path.ismount(mount) or _mounted(mount):
            run(["umount", "-l", str(mount)])
    NAMESPACE.unlink(missing_ok=True)
    if NAMESPACE_DIR.exists():
        NAMESPACE_DIR.rmdir()


def _mounted(path: Path) -> bool:
    """A bind of a directory on itself is not seen by os.path.ismount; the mount table knows."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return any(line.split()[4] == str(path) for line in lines)


def prefix() -> list[str]:
    if machine_has_cgroup2():
        return ["podman"]
    return ["nsenter", f"--mount={NAMESPACE}", "podman", "--cgroup-manager=cgroupfs", "--events-backend=file"]


def podman(*args: str, check: bool = True, stdin: bytes | None = None, timeout: float = 600) -> str:
    return run([*prefix(), *args], check=check, stdin=stdin, timeout=timeout)


def podman_json(*args: str) -> list[dict]:
    return json.loads(podman(*args, "--format", "json") or "[]") or []


def install_packages(say) -> None:
    """Install what the lab needs of Debian's packages; nothing is done where all are there."""
    missing = [p for p in PACKAGES if not _package_installed(p)]
    if not missing:
        return
    if os.geteuid() != 0:
        raise LabError("the lab starts system containers: run it as root (sudo make lab)")
    say(f"installing {len(missing)} packages: {' '.join(missing)}")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for argv in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(argv, env=env, capture_output=True, check=False)
        if done.returncode != 0:
            raise LabError(f"{' '.join(argv[:3])} failed: " + done.stderr.decode(errors="replace").strip()[-600:])


def _package_installed(name: str) -> bool:
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], capture_output=True, check=False)
    return done.stdout == b"installed"
