# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that listen, from /proc/net, with the program that has them open.

Right: none for the sockets; root to see whose they are. Only this network namespace is seen.
One reading "sockets": {"sockets": [{"name": "tcp 0.0.0.0:9090", "protocol", "address", "port", "loopback": bool, "program"}]}.
A datagram socket counts when it is bound and not connected; `tcp: true` leaves datagrams out.
"""

from __future__ import annotations

import ipaddress
import os

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"protocols": False}
LISTEN = {"tcp": "0A", "udp": "07"}


def read(world, protocols=("tcp",)):
    return [reading("sockets", _sockets, world, protocols)]


def _sockets(world, protocols):
    rows = []
    for protocol in protocols:
        for table in (protocol, protocol + "6"):
            try:
                text = world.read("/proc/net/" + table)
            except FileNotFoundError:
                continue  # no IPv6 here
            for line in text.splitlines()[1:]:
                parts = line.split()
                if parts[3] == LISTEN[protocol] and parts[2].endswith(":0000"):
                    rows.append((protocol, *endpoint(parts[1]), parts[9]))
    if not rows:
        raise ReadError("/proc/net shows no socket that listens")
    owners = _owners(world)
    found = {}
    for protocol, address, port, inode in rows:
        name = "%s %s:%d" % (protocol, "[%s]" % address if address.version == 6 else address, port)
        found[name] = {"name": name, "protocol": protocol, "address": str(address), "port": port, "loopback": loopback(address),
                       "program": owners.get(inode, "")}
    return {"sockets": [found[name] for name in sorted(found)]}


def endpoint(text):
    """(address, port) of the kernel's hexadecimal: 32-bit words in the byte order of the machine."""
    number, port = text.split(":")
    raw = b"".join(bytes.fromhex(number[at:at + 8])[::-1] for at in range(0, len(number), 8))
    address = ipaddress.ip_address(raw)
    return getattr(address, "ipv4_mapped", None) or address, int(port, 16)


def loopback(address):
    return address.is_loopback


def _owners(world):
    """Inode of a socket to the name of the program; what may not be looked into is left out, as it judges nothing."""
    found = {}
    for pid in [name for name in os.listdir(world.real("/proc")) if name.isdigit()]:
        try:
            directory = world.real("/proc/%s/fd" % pid)
            inodes = [link[8:-1] for link in _links(directory) if link.startswith("socket:[")]
            if inodes:
                name = world.read("/proc/%s/comm" % pid).strip()
                found.update(dict.fromkeys(inodes, name))
        except (OSError, ReadError):
            continue  # it ended meanwhile, or is not ours to see
    return found


def _links(directory):
    for name in os.listdir(directory):
        try:
            yield os.readlink(os.path.join(directory, name))
        except FileNotFoundError:
            continue  # closed meanwhile
