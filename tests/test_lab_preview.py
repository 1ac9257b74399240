"""The lab's preview in the background: started once, left alone, started anew when it died or its bundle changed, ended exactly."""

from __future__ import annotations

import datetime
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dashboards import checks, load, render

sys.path[:0] = [str(Path(__file__).parents[1] / "molecule/lab")]
import preview_server  # noqa: E402 (the path is set above)
from podman import LabError  # noqa: E402

TABLE = """REGION  SERVICE       HOST      ADDRESS                     ACCESS
eu      alertmanager  obs-eu-1  https://127.0.0.1:1         log in
eu      loki          obs-eu-1  https://127.0.0.1:2         client certificate
eu      prometheus    obs-eu-1  https://127.0.0.1:3         log in
eu      prometheus    obs-eu-2  https://127.0.0.1:4         log in
us      prometheus    obs-us-1  https://127.0.0.1:5         log in
"""
LOGIN = {"OBSERVATORY_USERNAME": "admin", "OBSERVATORY_PASSWORD": "s3cret-of-the-test"}


def authority(directory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9)).sign(key, hashes.SHA256())
    )
    directory.mkdir(exist_ok=True)
    (directory / "ca.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (directory / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))


@pytest.fixture
def state(tmp_path):
    """The state of a lab that is up, as far as the preview reads it."""
    content = load.everything()
    estate = checks.everywhere(content)
    render.write(render.bundle(content, estate), estate, tmp_path / "state/bundle")
    authority(tmp_path / "state/pki")
    yield tmp_path / "state"
    preview_server.stop(tmp_path / "state")


@pytest.fixture
def address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_started_once_left_alone_renewed_and_ended(state, address):
    url = preview_server.ensure(state, TABLE, LOGIN, address)
    assert urllib.request.urlopen(url).status == 200
    first = preview_server.running(state)
    command = Path(f"/proc/{first.pid}/cmdline").read_text()
    assert "prometheus\0eu=https://127.0.0.1:3\0" in command and "us=https://127.0.0.1:5" in command and "s3cret" not in command
    assert os.getsid(first.pid) == first.pid  # the end of a terminal does not end it
    assert not [path for path in (state / "preview").iterdir() if b"s3cret" in path.read_bytes()]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in (state / "preview").glob("client.*")} == dict.fromkeys(
        ("client.crt", "client.key"), "0o600"
    )
    preview_server.ensure(state, TABLE, LOGIN, address)
    assert preview_server.running(state) == first

    os.kill(first.pid, signal.SIGKILL)  # it died
    os.waitpid(first.pid, 0)
    assert preview_server.running(state) is None
    preview_server.ensure(state, TABLE, LOGIN, address)
    second = preview_server.running(state)
    assert second.pid != first.pid

    manifest = state / "bundle/manifest.json"  # the bundle is another
    manifest.write_text(manifest.read_text() + "\n")
    preview_server.ensure(state, TABLE, LOGIN, address)
    third = preview_server.running(state)
    assert third.pid != second.pid and not second.alive()

    assert preview_server.stop(state) and not third.alive()
    assert not preview_server.stop(state)


def test_a_number_that_is_another_process_now_is_left_alone(state):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "preview"])
    try:
        (state / "preview").mkdir(mode=0o700)
        (state / "preview/server.json").write_text(json.dumps({"pid": other.pid, "started": 1, "url": "http://x/", "of": ""}))
        assert not preview_server.stop(state)
        time.sleep(0.1)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_what_is_wrong_is_said(state, address):
    with pytest.raises(LabError, match="is not on loopback"):
        preview_server.ensure(state, TABLE, LOGIN, "0.0.0.0:8300")
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))), pytest.raises(LabError, match="choose another port"):
        preview_server.ensure(state, TABLE, LOGIN, address)
    assert preview_server.running(state) is None


def test_the_certificate_is_renewed_for_another_authority(state):
    directory = state / "preview"
    directory.mkdir(mode=0o700)
    first = preview_server.client_certificate(directory, state / "pki")[0].read_bytes()
    assert preview_server.client_certificate(directory, state / "pki")[0].read_bytes() == first
    authority(state / "pki")
    assert preview_server.client_certificate(directory, state / "pki")[0].read_bytes() != first
    with pytest.raises(LabError, match="make lab"):
        preview_server.client_certificate(directory, state / "none")
