# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real handshakes with the services of this host: what they speak, whom they let in, how long their certificate lasts.

Right: none beyond the network, and to read `credentials` (certificate authority, client certificate and key).
One reading for each service: {"auth": "basic" | "certificate", "protocol": "TLSv1.3", "cipher", "chain_valid": bool, "chain_error",
"not_after": ISO UTC, "days_left": number, "old_refused": bool, "plain_refused": bool, "anonymous_refused": bool}.
Not to speak TLS at all is an answer, not an error; no answer is one. Each question is a connection of its own; up to three of them are
refused, which a service may log.
"""

from __future__ import annotations

import socket
import ssl
import time

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"services": True}
# What the alerts and errors of a handshake are called when this side could not even offer what it was asked to.
NOT_OFFERED = ("NO_PROTOCOLS_AVAILABLE", "UNSUPPORTED_PROTOCOL", "NO_CIPHERS_AVAILABLE")


def read(world, services):
    return [reading(row["service"], _service, world, row) for row in services]


def _service(world, row):
    name = row.get("server_name") or row["address"]
    address = (row["address"], row["port"])
    try:
        data = {"auth": row["auth"], "plain_refused": not _plain(world, address)}
    except OSError as error:
        raise ReadError("%s:%d does not answer: %s" % (address[0], address[1], error)) from error
    data.update(_trusted(world, address, name))
    if data["protocol"]:
        data["old_refused"] = _old_refused(world, address, name)
        data["anonymous_refused"] = _anonymous_refused(world, address, name)
    return data


def _handshake(world, address, name, context, client=True):
    """A connected TLS socket."""
    if client and world.credentials.get("cert"):
        context.load_cert_chain(world.credentials["cert"], world.credentials.get("key"))
    raw = socket.create_connection(address, world.timeout / 2.0)
    try:
        return context.wrap_socket(raw, server_hostname=name)
    except BaseException:
        raw.close()
        raise


def _context(world, verify):
    context = ssl.create_default_context(cafile=world.credentials.get("ca"))
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusted(world, address, name):
    """Protocol, and whether chain and name are what the authority vouches for."""
    data = {"protocol": "", "cipher": "", "chain_valid": False, "chain_error": "", "old_refused": True, "anonymous_refused": False}
    try:
        connection = _handshake(world, address, name, _context(world, True))
    except ssl.SSLCertVerificationError as error:
        data["chain_error"] = error.verify_message
        data.update(_unverified(world, address, name))
        return data
    except ssl.SSLError as error:
        data["chain_error"] = "no TLS: %s" % (error.reason or error)
        return data
    with connection:
        data.update(protocol=connection.version(), cipher=connection.cipher()[0], chain_valid=True)
        data.update(_end(connection.getpeercert()["notAfter"]))
    return data


def _end(text):
    moment = ssl.cert_time_to_seconds(text)
    return {"not_after": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)), "days_left": round((moment - time.time()) / 86400, 2)}


def _unverified(world, address, name):
    """Protocol of a server whose certificate is not trusted; the end of a life that nobody vouches for is not told."""
    with _handshake(world, address, name, _context(world, False)) as connection:
        return {"protocol": connection.version(), "cipher": connection.cipher()[0]}


def _old_refused(world, address, name):
    """Whether TLS 1.0 and 1.1 are refused; ReadError where this side's own library could not offer them."""
    context = _context(world, False)
    # This library must offer what it would itself refuse, else a no would be its own.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        _handshake(world, address, name, context).close()
    except ssl.SSLError as error:
        if error.reason in NOT_OFFERED:
            raise ReadError("this host's TLS library cannot offer TLS 1.1, so nothing is known about it") from error
        return True
    except OSError:
        return True  # hung up on
    return False


def _anonymous_refused(world, address, name):
    """Whether a client without certificate is turned away; in TLS 1.3 the server says so only after the handshake."""
    try:
        with _handshake(world, address, name, _context(world, False), client=False) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return not connection.recv(1)
    except ssl.SSLError:
        return True
    except ConnectionError:
        return True


def _plain(world, address):
    """Whether the port serves plain HTTP: an answer that is not an error."""
    with socket.create_connection(address, world.timeout / 2.0) as connection:
        try:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while len(answer) < 64:
                block = connection.recv(64)
                if not block:
                    break
                answer += block
        except ConnectionError:
            return False
        except socket.timeout:
            return False
    # Go's servers answer a plain request on a TLS port with 400 and a sentence; TLS servers else with an alert, or nothing.
    words = answer.split()
    return answer.startswith(b"HTTP/") and len(words) > 1 and words[1] != b"400"
