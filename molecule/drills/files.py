"""Files that drills need on a host and that cannot be made there."""

from __future__ import annotations

import datetime
import subprocess
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

IMAGE_MIB, IMAGE_INODES = 24, 64


def make(name: str, host: str, pki: Path) -> bytes:
    """The bytes of a file that dashboards/drills.py knows by name."""
    return image() if name == "disk.img" else certificate(host, pki, hours=36)


def image() -> bytes:
    """A small ext4 file system with few inodes, made by the controller's e2fsprogs: hosts have no mkfs. As gzip: it is nearly all zeros."""
    import gzip  # noqa: PLC0415 (only here)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "disk.img"
        path.touch()
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", "-N", str(IMAGE_INODES), str(path), f"{IMAGE_MIB}M"],
                       check=True, capture_output=True)
        return gzip.compress(path.read_bytes(), mtime=0)


def certificate(host: str, pki: Path, hours: int) -> bytes:
    """Key and certificate of a host in one PEM, signed by the lab's authority, that ends in some hours."""
    authority = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), password=None)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(authority.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=hours))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(signer, hashes.SHA256()))  # type: ignore[arg-type]
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + made.public_bytes(pem)
