# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share: the collection importable from this checkout, a host that is a directory, a web server."""

from __future__ import annotations

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible import constants
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from hypothesis import settings

# ansible-test has its own finder in place already.
if AnsibleCollectionConfig.collection_finder is None:
    _AnsibleCollectionFinder(paths=[str(Path(__file__).resolve().parents[5])])._install()

from ansible_collections.psf.observatory.tests.unit.fakes import FakeHost

# The collection by itself: whatever site this checkout is part of, its roles are not looked at.
constants.DEFAULT_ROLES_PATH = []

# No test asserts a time, and a slow machine is no failure.
settings.register_profile("observatory", deadline=None, max_examples=60)
settings.load_profile("observatory")


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host without anything on it; the service says itself whether it is ready."""
    root = tmp_path / "host"
    root.mkdir()
    return FakeHost(root, monkeypatch)


@pytest.fixture
def web(tmp_path):
    """A web server on loopback over a directory; `web.answers` overrides a path's answer, `web.asked` keeps the requests."""
    directory = tmp_path / "web"
    directory.mkdir()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            server.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            path = directory / self.path.lstrip("/").split("?")[0]
            if self.path in server.answers:
                status, body = server.answers[self.path]
            else:
                status, body = (200, path.read_bytes()) if path.is_file() else (404, b"not here")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + server.withheld))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = answer

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked, server.directory, server.withheld = {}, [], directory, 0
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def strict_umask():
    """The umask of a hardened host, under which directories made without care are closed to a service."""
    old = os.umask(0o077)
    yield
    os.umask(old)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A directory with an authority (ca.crt, ca.key) and a certificate of it for obs-1 (host.crt, host.key)."""
    directory = tmp_path_factory.mktemp("authority")
    (directory / "leaf.cnf").write_text("subjectAltName=DNS:obs-1,IP:192.0.2.11\nkeyUsage=critical,digitalSignature\n"
                                        "extendedKeyUsage=serverAuth,clientAuth\nauthorityKeyIdentifier=keyid\n"
                                        "subjectKeyIdentifier=hash\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-batch"]
    for command in (
            ["req", "-x509", *key, "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
             "-addext", "keyUsage=critical,keyCertSign"],
            ["req", "-new", *key, "-subj", "/CN=obs-1", "-keyout", "host.key", "-out", "host.csr"],
            ["x509", "-req", "-in", "host.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1",
             "-extfile", "leaf.cnf", "-out", "host.crt"]):
        subprocess.run(["openssl", *command], cwd=directory, check=True, capture_output=True)
    return directory
