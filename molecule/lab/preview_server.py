"""The preview of the lab's dashboards: one process in the background, on loopback, that logs in to the lab's services for its readers.

What it is (process, address, of which code and bundle) stands in preview/server.json in the lab's state. A process is ours only when its
number, its start and its command are those written there, so that nothing else is ever ended."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from podman import LabError

ROOT = Path(__file__).parents[2]
ADDRESS = "127.0.0.1:8300"
SERVICES = ("prometheus", "loki", "jaeger")
PATIENCE = 180  # seconds until it serves; the first start fetches the charting library
LARGEST = 4 * 1024**3  # bytes of address space that it may take; each thread reserves more than it uses
DAYS, RENEW = 90, 30  # its certificate


@dataclass(frozen=True)
class Running:
    pid: int
    started: int  # ticks after the start of the machine, as the kernel counts
    url: str
    of: str  # fingerprint of command, code and bundle

    def alive(self) -> bool:
        return _started(self.pid) == self.started and "preview" in _command(self.pid)


def ensure(state: Path, table: str, login: Mapping[str, str], address: str = ADDRESS) -> str:
    """The URL of the running preview; started when it does not run, or not with today's code, bundle and services.

    `table` is what playbooks/where.yml writes. Raises LabError with the preview's own words when it does not come up."""
    if address.rpartition(":")[0] not in ("127.0.0.1", "[::1]", "localhost"):
        raise LabError(f"PSF_PREVIEW: {address!r} is not on loopback; who reaches the preview sees what the lab's admin sees. "
                       f"Take {ADDRESS}, and ssh -L from another machine")
    directory = state / "preview"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(directory):
        certificate, key = client_certificate(directory, state / "pki")
        command = [sys.executable, "-m", "dashboards", "preview", "--bundle", str(state / "bundle"), "--ca", str(state / "pki/ca.crt"),
                   "--cert", str(certificate), "--key", str(key), *services(table), "--serve", address]
        of = fingerprint(command, login, state / "bundle", certificate)
        found = running(state)
        if found and found.of == of:
            return found.url
        if found:
            _end(found)
        return _start(command, directory, login, of)


def running(state: Path) -> Running | None:
    try:
        found = Running(**json.loads((state / "preview/server.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.alive() else None


def stop(state: Path) -> bool:
    """End the preview of this lab, if it runs. Returns whether it did."""
    found = running(state)
    if found:
        _end(found)
    return bool(found)


def services(table: str) -> list[str]:
    """Options that name each region's services: the first of each, from the table of what runs where."""
    found: dict[tuple[str, str], str] = {}
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) > 3 and words[1] in SERVICES:
            found.setdefault((words[1], words[0]), words[3])
    return [word for (service, region), url in found.items() for word in (f"--{service}", f"{region}={url}")]


def fingerprint(command: list[str], login: Mapping[str, str], bundle: Path, certificate: Path) -> str:
    """Of everything that a running preview has read at its start."""
    files = [path for path in sorted((ROOT / "dashboards").rglob("*")) if path.suffix in (".py", ".js", ".css", ".json")]
    digest = hashlib.sha256("\0".join([*command, *login.values()]).encode())
    for path in [*files, bundle / "manifest.json", certificate]:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def client_certificate(directory: Path, pki: Path) -> tuple[Path, Path]:
    """A certificate that the lab's services take, signed by the lab's authority; made anew in its last days, or by another authority."""
    certificate, key = directory / "client.crt", directory / "client.key"
    try:
        authority = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
        authority_key = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), None)
    except (OSError, ValueError) as error:
        raise LabError(f"{pki}: the lab's authority cannot be read: {error}; bring the lab up first: make lab") from error
    now = datetime.datetime.now(datetime.UTC)
    with contextlib.suppress(OSError, ValueError):
        old = x509.load_pem_x509_certificate(certificate.read_bytes())
        with contextlib.suppress(Exception):  # of another authority: InvalidSignature, ValueError
            old.verify_directly_issued_by(authority)
            if key.is_file() and old.not_valid_after_utc - now > datetime.timedelta(days=RENEW):
                return certificate, key
    own = ec.generate_private_key(ec.SECP256R1())
    made = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "preview")]))
            .issuer_name(authority.subject).public_key(own.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=DAYS))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(authority_key, hashes.SHA384()))
    _write(key, own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _write(path: Path, data: bytes) -> None:
    work = path.with_suffix(".new")
    with os.fdopen(os.open(work, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(data)
    work.rename(path)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(command: list[str], directory: Path, login: Mapping[str, str], of: str) -> str:
    log = directory / "server.log"
    environment = {**os.environ, **login, "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=stream,
                                   stderr=subprocess.STDOUT, start_new_session=True)
    with contextlib.suppress(ProcessLookupError):  # it ended at once; why is in its log
        resource.prlimit(process.pid, resource.RLIMIT_AS, (LARGEST, LARGEST))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        url = next((word for word in log.read_text().split() if word.startswith("http://")), "")
        if url.endswith("/"):
            found = Running(process.pid, _started(process.pid) or 0, url, of)
            _write(directory / "server.json", json.dumps(vars(found)).encode())
            return url
        time.sleep(0.1)
    if process.poll() is None:
        process.kill()
        process.wait()
    raise LabError(f"the preview does not come up: {log.read_text().strip()[-600:] or f'nothing within {PATIENCE} s'}")


def _end(found: Running) -> None:
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        if not found.alive():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, number)
        until = time.monotonic() + patience
        while found.alive() and time.monotonic() < until:
            time.sleep(0.05)


def _started(pid: int) -> int | None:
    """When a process was started; None when there is none, or when it has ended and nobody has asked how."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []
