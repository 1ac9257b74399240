# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages by dpkg's own state and by the lists that apt has fetched; no command, no network.

Right: none; the files are readable by all. Only for hosts with dpkg; others are an error.
One reading "packages": {"count", "present": [those of `names` that are installed], "broken": [name state], "reboot_required": bool,
"lists": number of package lists, "lists_age": seconds since the newest was fetched, "pending": [{"name", "installed", "candidate"}]}.
pending and lists only with `updates`: a list counts when its file name holds that text (`security`, or "" for all).
"""

from __future__ import annotations

import os
import time

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"names": False, "updates": False}
STATUS = "/var/lib/dpkg/status"
LISTS = "/var/lib/apt/lists"
LIST_LIMIT = 256 << 20
BLOCK = 4 << 20


def read(world, names=(), updates=None):
    return [reading("packages", _packages, world, names, updates)]


def stanzas(lines):
    """Each paragraph as a mapping of the fields that are asked for."""
    row = {}
    for line in lines:
        if not line.strip():
            if row:
                yield row
            row = {}
        elif line[0] not in " \t":
            key, _sep, value = line.partition(":")
            if key in ("Package", "Version", "Status", "Architecture"):
                row[key] = value.strip()
    if row:
        yield row


def _packages(world, names, updates):
    try:
        rows = list(stanzas(world.read(STATUS, 32 << 20).splitlines()))
    except FileNotFoundError as error:
        raise ReadError("this host has no dpkg") from error
    installed = {row["Package"]: row["Version"] for row in rows if row.get("Status", "").endswith(" installed")}
    if not installed:
        raise ReadError("%s has no package" % STATUS)
    good = ("installed", "not-installed", "config-files")
    data = {"count": len(installed), "present": sorted(set(names) & set(installed)),
            "broken": ["%s (%s)" % (row["Package"], row.get("Status")) for row in rows
                       if row.get("Status", "").split(" ")[-1] not in good or row["Status"].split(" ")[1] != "ok"],
            "reboot_required": os.path.exists(world.real("/run/reboot-required"))}
    if updates is not None:
        data.update(_updates(world, installed, updates))
    return data


def offered(path, wanted):
    """(package, version) of a package list, only of the wanted ones. A list has tens of thousands of paragraphs, of which few matter."""
    if os.path.getsize(path) > LIST_LIMIT:
        raise ReadError("%s is larger than %d bytes" % (os.path.basename(path), LIST_LIMIT))
    names = {name.encode("utf-8"): name for name in wanted}
    mark, rest = b"\n\nPackage: ", b"\n\n"
    with open(path, "rb") as stream:
        while True:
            block = stream.read(BLOCK)
            *whole, rest = (rest + block).split(mark) if block else [rest, b""]
            for paragraph in whole:
                name = paragraph[:paragraph.find(b"\n")]
                at = paragraph.find(b"\nVersion: ") if name in names else -1
                if at >= 0:
                    yield names[name], paragraph[at + 10:].split(b"\n", 1)[0].decode("utf-8", "replace").strip()
            if not block:
                return


def _updates(world, installed, match):
    try:
        found = sorted(name for name in os.listdir(world.real(LISTS)) if name.endswith("_Packages") and match in name)
    except OSError as error:
        raise ReadError("%s: %s" % (LISTS, error.strerror)) from error
    if not found:
        raise ReadError("apt has fetched no package list%s, so nothing is known about updates"
                        % (" of an archive with %r in its name" % match if match else ""))
    candidates = {}
    for name in found:
        for package, version in offered(os.path.join(world.real(LISTS), name), installed):
            if newer(version, candidates.get(package, installed[package])):
                candidates[package] = version
    age = time.time() - max(os.path.getmtime(os.path.join(world.real(LISTS), name)) for name in found)
    return {"lists": len(found), "lists_age": round(age),
            "pending": [{"name": name, "installed": installed[name], "candidate": candidates[name]} for name in sorted(candidates)]}


# -- Debian's order of versions (deb-version(7)) -----------------------------------------------------------------------
def newer(left, right):
    return left != right and _key(left) > _key(right)


def _key(version):
    epoch, sep, rest = version.partition(":")
    if not sep:
        epoch, rest = "0", version
    upstream, _sep, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch) if epoch.isdigit() else 0, _parts(upstream), _parts(revision)


def _parts(text):
    """Alternating words and numbers; in words, ~ sorts before the end, letters before all else."""
    parts, at = [], 0
    while at < len(text) or not parts:
        start = at
        while at < len(text) and not text[at].isdigit():
            at += 1
        parts.append([_order(letter) for letter in text[start:at]] + [0])
        start = at
        while at < len(text) and text[at].isdigit():
            at += 1
        parts.append([int(text[start:at] or 0)])
    return [*parts, [0]]


def _order(letter):
    return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 256
