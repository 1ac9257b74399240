# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a host: where it lies, what it says, and how a new one comes about. The key never leaves the host.

Files in /etc/psf/tls, readable by the services through the group psf-tls:
  host.crt  the host's certificate (with intermediates), used by every server and client on the host
  host.key  its key
  ca.crt    the authorities that are trusted
  certificate.json  what we know of them: names, end (seconds since the epoch), sha256 of each file
"""

from __future__ import annotations

import calendar
import hashlib
import os
import time

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

DIRECTORY = "/etc/psf/tls"
GROUP = "psf-tls"
FILES = {"certificate": "host.crt", "key": "host.key", "ca": "ca.crt"}
SIDECAR = DIRECTORY + "/certificate.json"


def path(kind):
    return "%s/%s" % (DIRECTORY, FILES[kind])


def digest(data):
    return hashlib.sha256(data).hexdigest()


def read(host):
    """The sidecar of an intact certificate (every file there, unaltered, with its mode), else None."""
    sidecar = host.read_json(SIDECAR)
    if not sidecar:
        return None
    gid = host.gid(GROUP)
    for kind in FILES:
        found = host.read(path(kind))
        if not found or digest(found.data) != sidecar["sha256"].get(kind) or (found.mode, found.gid) != (0o640, gid):
            return None
    return sidecar


def due(sidecar, names, ca_sha256, renew_before, now=None):
    """Why a certificate must be issued, or "" when the one there will do.

    `names` as in the certificate (order does not count), `ca_sha256` of the trusted authorities, `renew_before` in days.
    """
    if not sidecar:
        return "there is none"
    if sorted(sidecar["names"]) != sorted(names):
        return "its names are %s" % ", ".join(sorted(sidecar["names"]))
    if ca_sha256 and sidecar["sha256"]["ca"] != ca_sha256:
        return "the certificate authority is another"
    left = (sidecar["not_after"] - (time.time() if now is None else now)) / 86400.0
    if left < renew_before:
        return "it ends in %.0f days" % left
    return ""


def request(host, names):
    """Make a new key beside the old one and return its signing request (PEM)."""
    key = path("key") + ".new"
    host.make_directory(DIRECTORY, 0o750, 0, host.gid(GROUP))
    old = os.umask(0o077)
    try:
        _code, output = host.run([
            "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-batch",
            "-subj", "/CN=" + names[0][:64], "-keyout", host.real(key),
            "-addext", "subjectAltName=" + ",".join(_alternative(n) for n in names),
            "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=serverAuth,clientAuth"])
    finally:
        os.umask(old)
    begin = output.find("-----BEGIN CERTIFICATE REQUEST-----")
    if begin < 0:
        raise ConcernError("openssl made no signing request: %s" % output.strip()[-300:])
    return output[begin:]


def _alternative(name):
    return ("IP:" if is_address(name) else "DNS:") + name


def is_address(name):
    return ":" in name or name.replace(".", "").isdigit()


def check(host, certificate, key_file, ca, names):
    """Hold a certificate to its key, its authority and its names; returns its end in seconds since the epoch."""
    work = host.real(DIRECTORY)
    crt, authority = os.path.join(work, "check.crt"), os.path.join(work, "check-ca.crt")
    try:
        for name, text in ((crt, certificate), (authority, ca)):
            with open(name, "w", encoding="ascii") as stream:
                stream.write(text)
        public = host.run(["openssl", "x509", "-in", crt, "-noout", "-pubkey"])[1]
        if public != host.run(["openssl", "pkey", "-in", key_file, "-pubout"])[1]:
            raise ConcernError("certificate: it does not belong to the key")
        # The leaf comes first; what follows it are intermediates.
        code, output = host.run(["openssl", "verify", "-CAfile", authority, "-untrusted", crt, crt], check=False)
        if code != 0:
            raise ConcernError("certificate: the authority does not vouch for it: %s" % output.strip()[-300:])
        for name in names:
            flag = "-checkip" if is_address(name) else "-checkhost"
            if "does match" not in host.run(["openssl", "x509", "-in", crt, "-noout", flag, name])[1]:
                raise ConcernError("certificate: it is not valid for the name %s" % name)
        end = host.run(["openssl", "x509", "-in", crt, "-noout", "-enddate"])[1].strip().split("=", 1)[1]
        return calendar.timegm(time.strptime(end, "%b %d %H:%M:%S %Y %Z"))
    finally:
        host.remove(DIRECTORY + "/check.crt")
        host.remove(DIRECTORY + "/check-ca.crt")


def install(host, certificate, key, ca, names, not_after):
    """Put certificate, key and authorities in place; the sidecar comes last, so an interrupted run is noticed."""
    gid = host.gid(GROUP)
    content = {"key": key, "certificate": certificate.encode("ascii"), "ca": ca.encode("ascii")}
    host.remove(SIDECAR)
    for kind, data in content.items():
        host.write(path(kind), data, 0o640, 0, gid)
    host.remove(path("key") + ".new")
    host.write_json(SIDECAR, {"names": sorted(names), "not_after": not_after,
                              "sha256": {kind: digest(data) for kind, data in content.items()}})
