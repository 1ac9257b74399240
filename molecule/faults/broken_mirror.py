"""A mirror directory with a node_exporter 9.9.9 that ends at once, served on loopback for ten minutes.

Writes broken.json (variables that ask for it) and wrong.json (the same with another checksum) into DIRECTORY:
    python broken_mirror.py DIRECTORY
"""

import hashlib
import io
import json
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

NAME = "node_exporter-9.9.9.linux-amd64"
directory = Path(sys.argv[1])
mirror = directory / "mirror"
archive = mirror / "node_exporter/9.9.9" / f"{NAME}.tar.gz"
archive.parent.mkdir(parents=True, exist_ok=True)
program = b"#!/bin/sh\necho this version does not run\nexit 1\n"
with tarfile.open(archive, "w:gz") as tar:
    info = tarfile.TarInfo(f"{NAME}/node_exporter")
    info.size, info.mode = len(program), 0o755
    tar.addfile(info, io.BytesIO(program))
digest = hashlib.sha256(archive.read_bytes()).hexdigest()
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]


def index(identifier):
    return {"format": 1, "artifacts": [{
        "server": "node_exporter", "version": "9.9.9", "arch": "amd64", "source": "release", "id": identifier,
        "file": f"node_exporter/9.9.9/{archive.name}", "sha256": identifier}]}


for name, pinned in (("broken", digest), ("wrong", "0" * 64)):
    base = mirror / name
    base.mkdir(exist_ok=True)
    (base / "node_exporter").unlink(missing_ok=True)
    (base / "node_exporter").symlink_to(mirror / "node_exporter")
    (base / "index.json").write_text(json.dumps(index(pinned)))
    (directory / f"{name}.json").write_text(json.dumps({"node_exporter_artifact": {
        "source": "mirror", "mirror": f"http://127.0.0.1:{port}/{name}", "version": "9.9.9", "sha256": {"amd64": pinned},
        "cache": str(directory / "cache")}}))
subprocess.Popen(["timeout", "600", sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(mirror), str(port)],
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
