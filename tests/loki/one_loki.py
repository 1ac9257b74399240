"""A Loki of the test's own: the program that the lab runs, out of the cache, with the role's settings, on loopback, in a directory that
goes away. Each proof is a tenant, so that no line is read by another's rule."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import lock
from ansible_collections.psf.observatory.plugins.plugin_utils.settings import loki, otel_collector

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
START = 30
EVERY = "1s"
JSON = {"Content-Type": "application/json"}


def kept() -> Path | None:
    """The archive of the program in the cache, of whichever source it came from; None where no Loki was had yet."""
    arch = ARCHITECTURE.get(subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip(), "")
    request = lock.Request({"server": "loki"}, arch, None)
    found = [lock.payload_path(request, row) for row in request.candidates()]
    return next((path for path in found if path.is_file()), None)


def severity(line: str) -> dict[str, str]:
    """The structured metadata that the agent adds to a line that says its level (settings of the role otel_collector)."""
    said = re.search(otel_collector.LEVEL_SAID, line) and re.search(otel_collector.LEVEL_READ, line)
    word = said["level"].lower() if said else ""
    level = next((name for name, words in otel_collector.LEVELS.items() if word in words), "")
    return {"severity_text": level.upper()} if level else {}


@dataclass
class OneLoki:
    """A running Loki; `tenant` is any name."""

    url: str

    def ask(self, path: str, tenant: str, body: Any = None) -> Any:
        """JSON that it answers, None where it answers nothing. Raises OSError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"X-Scope-OrgID": tenant} | (JSON if data else {}))
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def push(self, tenant: str, streams: Sequence[Mapping[str, Any]]) -> None:
        """Lines of a proof ({labels, lines}), a millisecond apart, the last of them now."""
        now = time.time_ns()
        self.ask("/loki/api/v1/push", tenant, {"streams": [{
            "stream": row["labels"],
            "values": [[str(now - (len(row["lines"]) - number) * 1_000_000), line, severity(line)]
                       for number, line in enumerate(row["lines"])]} for row in streams]})

    def rules(self, tenant: str) -> list[dict[str, Any]]:
        """Its rules as the ruler has them: state, health, lastError, lastEvaluation, alerts; none before they are loaded."""
        try:
            groups = self.ask("/prometheus/api/v1/rules", tenant)["data"]["groups"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        return [rule for group in groups or [] for rule in group["rules"]]


def settings(place: Path, http: int, grpc: int) -> dict[str, Any]:
    """The role's own settings, but for TLS, with tenants, and a ruler that looks every second."""
    found = loki.build({"port": http, "grpc_port": grpc, "data_dir": str(place / "data"), "retention": "744h", "tls": False, "limits": {},
                        "listen_address": "127.0.0.1", "alertmanagers": [], "external_url": "", "evaluation_interval": EVERY,
                        "machine_user": "", "machine_password": ""})
    found["auth_enabled"] = True
    found["server"]["log_level"] = "warn"
    found["ruler"] |= {"poll_interval": EVERY, "storage": {"type": "local", "local": {"directory": str(place / "rules")}}}
    return found


def write_rules(place: Path, tenants: Mapping[str, Mapping[str, Any]]) -> None:
    """A tenant's one rule. It is as in the bundle but for `for`: the proof is whether the expression holds, not whether Loki can wait."""
    for tenant, rule in tenants.items():
        folder = place / "rules" / tenant
        folder.mkdir(parents=True)
        group = {"name": "proof", "interval": EVERY, "rules": [{**rule, "for": "0s"}]}
        (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [group]}), encoding="utf-8")


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(archive: Path, place: Path, tenants: Mapping[str, Mapping[str, Any]]) -> Iterator[OneLoki]:
    """Start it with the rules of its tenants; it is ended, and everything that it wrote with it, when the block is left."""
    with tarfile.open(archive) as packed:
        packed.extractall(place / "program", filter="data")
    write_rules(place, tenants)
    http, grpc = _free(), _free()
    (place / "loki.yml").write_text(yaml.safe_dump(settings(place, http, grpc)), encoding="utf-8")
    with open(place / "log", "wb") as log:
        process = subprocess.Popen([place / "program" / "loki", f"-config.file={place / 'loki.yml'}"], stdout=log, stderr=log)
    try:
        found = OneLoki(f"http://127.0.0.1:{http}")
        deadline = time.monotonic() + START
        while True:
            try:
                found.push("start", [{"labels": {"service_name": "start"}, "lines": ["it takes lines"]}])
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    words = (place / "log").read_text(errors="replace")[-2000:]
                    raise AssertionError(f"Loki takes no lines: {error}\n{words}") from error
            time.sleep(0.2)
        yield found
    finally:
        process.kill()
        process.wait()
