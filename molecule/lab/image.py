"""The base image of a lab host: a plain Debian 13 with systemd and sshd, made by debootstrap."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from podman import LabError, podman, prefix, run

SUITE = "trixie"
INCLUDE = ("systemd", "systemd-sysv", "systemd-timesyncd", "dbus", "python3", "iproute2", "ca-certificates", "openssl", "procps",
           "openssh-server", "sudo")
# What a provider's image has beyond the packages: a user for automation with sudo, and host keys made at first boot.
SETUP = r"""
set -e
useradd --create-home --shell /bin/bash ops
install -d -o ops -g ops -m 0700 /home/ops/.ssh
echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops
chmod 0440 /etc/sudoers.d/ops
rm -f /etc/ssh/ssh_host_*
install -d /etc/systemd/system/ssh.service.d
printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
    > /etc/systemd/system/ssh.service.d/hostkeys.conf
printf 'UseDNS no\nPasswordAuthentication no\nPermitRootLogin no\nX11Forwarding no\nMaxStartups 100\nMaxSessions 100\n' \
    > /etc/ssh/sshd_config.d/lab.conf
# What of the kernel is a container's own: its network. The rest is the machine's.
printf 'net.ipv4.conf.all.%s = 0\n' accept_redirects accept_source_route send_redirects > /etc/sysctl.d/lab.conf
# There are no kernel modules, consoles or clocks of its own in a container; the host shall still report "running".
systemctl mask systemd-modules-load.service getty.target systemd-timesyncd.service >/dev/null 2>&1
systemctl enable ssh.service >/dev/null 2>&1
: > /etc/machine-id
rm -f /var/cache/apt/archives/*.deb
"""


def reference() -> str:
    """Image name; its tag changes with the recipe, so an old image is never taken for a new one."""
    recipe = "\n".join([SUITE, *INCLUDE, SETUP]).encode()
    return f"localhost/psf-observatory-lab:{hashlib.sha256(recipe).hexdigest()[:12]}"


def exists() -> bool:
    return subprocess.run([*prefix(), "image", "exists", reference()], check=False, capture_output=True).returncode == 0


def ensure(say) -> None:
    """Build the image unless it is there; about two minutes, most of it fetching packages."""
    if exists():
        return
    say("host image: debootstrap (about a minute and a half)")
    work = Path(tempfile.mkdtemp(prefix="psf-lab-image-", dir="/var/tmp"))
    try:
        root = work / "root"
        argv = ["debootstrap", "--variant=minbase", f"--include={','.join(INCLUDE)}", SUITE, str(root), *_mirror()]
        run(argv, timeout=1800)
        run(["chroot", str(root), "sh", "-c", SETUP])
        say("host image: import")
        tar = subprocess.Popen(["tar", "-C", str(root), "--numeric-owner", "-c", "."], stdout=subprocess.PIPE)
        load = subprocess.run(
            [*prefix(), "import", "-q", "--change", "CMD [\"/lib/systemd/systemd\"]", "--change", "STOPSIGNAL SIGRTMIN+3",
             "-", reference()], stdin=tar.stdout, capture_output=True, check=False)
        if tar.wait() != 0 or load.returncode != 0:
            raise LabError("podman import of the host image failed: " + load.stderr.decode(errors="replace").strip())
    finally:
        shutil.rmtree(work, ignore_errors=True)


def remove() -> None:
    podman("image", "rm", "-f", reference(), check=False)


def _mirror() -> list[str]:
    """The Debian mirror that this machine's apt uses, so that a local mirror is respected; else debootstrap's default."""
    listing = run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(SITE) $(REPO_URI)",
                   "Created-By: Packages"], check=False)
    for line in listing.splitlines():
        origin, component, _site, uri = (line.split(" ") + [""] * 4)[:4]
        if origin == "Debian" and component == "main" and "security" not in uri:
            return [uri.rstrip("/")]
    return []
