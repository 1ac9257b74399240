# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a directory of runs: is every file as its manifest says, and does every run follow the one before?

    python verify.py DIRECTORY [--key PUBLIC-KEY]

Stands alone: Python's standard library, and `cryptography` only where signatures are checked. An auditor needs nothing else of this
collection. Exit code 0: all is whole; 1: it is not, and the lines say where; 2: it could not be looked at.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

FORMAT = 1
# What a run is: an assessment, or the record of a gate.
ASSESSMENT, GATE = "assessment", "gate"
MANIFEST, SIGNATURE, LATEST = "manifest.json", "manifest.json.sig", "latest"
RUN = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


class Damaged(Exception):
    """A manifest that is none: the file, and why."""


@dataclass
class Verification:
    """What was found: `runs` oldest first, `problems` in the order of the chain, `notes` that are no problems."""

    runs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signed: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems


def order(name: str) -> tuple[str, int]:
    """Runs in the order of their making: by time, then by number."""
    time, _dash, number = name.partition("-")
    return time, int(number or 1)


def runs(directory: Path) -> list[str]:
    """The ids of the whole runs in a directory, oldest first."""
    return sorted(
        (path.name for path in directory.iterdir() if path.is_dir() and not path.is_symlink() and RUN.fullmatch(path.name)), key=order
    )


def manifest(directory: Path, run: str) -> tuple[dict[str, Any], str]:
    """A run's manifest and its sha256. Raises Damaged."""
    path = directory / run / MANIFEST
    try:
        raw = path.read_bytes()
        data = json.loads(raw)
    except OSError as error:
        raise Damaged(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Damaged(f"{path}: not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("files"), dict) or data.get("run") != run:
        raise Damaged(f"{path}: not the manifest of run {run} in format {FORMAT}")
    return data, hashlib.sha256(raw).hexdigest()


def verify(directory: str | Path, public_key: str | Path | None = None) -> Verification:
    """Every run and the chain between them. With a public key (PEM, or OpenSSH), every run must be signed with it.

    Raises OSError where the directory cannot be read, and ValueError for a key that is none.
    """
    place, found = Path(directory), Verification()
    key = load_public(Path(public_key)) if public_key else None
    found.runs = runs(place)
    if not found.runs:
        found.problems.append(f"{place}: there is no run")
    last = None  # the last assessment, which is not a record of a gate
    before: tuple[str, str, str] | None = None  # id, sha256 of the manifest, when it finished
    for run in found.runs:
        try:
            data, digest = manifest(place, run)
        except Damaged as error:
            found.problems.append(str(error))
            before = (run, "", "")
            continue
        _files(place / run, data, found)
        _link(run, data, before, found)
        if key:
            _signature(place / run, key, found)
        before = (run, digest, str(data.get("finished")))
        last = run if data.get("kind") == ASSESSMENT else last
    _latest(place, last, found)
    return found


def _files(run: Path, data: dict[str, Any], found: Verification) -> None:
    """Every file that the manifest names is there and is what it says, and there is no other."""
    for name, row in sorted(data["files"].items()):
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts:
            found.problems.append(f"{run.name}: {name}: not a path inside the run")
            continue
        path = run / name
        if path.is_symlink():
            found.problems.append(f"{run.name}: {name}: is a symbolic link")
            continue
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            found.problems.append(f"{run.name}: {name}: {error.strerror}")
            continue
        if digest != row.get("sha256"):
            found.problems.append(f"{run.name}: {name}: was changed: its sha256 is {digest}, the manifest says {row.get('sha256')}")
    there = {path.relative_to(run).as_posix() for path in run.rglob("*") if not path.is_dir() or path.is_symlink()}
    for name in sorted(there - set(data["files"]) - {MANIFEST, SIGNATURE}):
        found.problems.append(f"{run.name}: {name}: the manifest does not know it")


def _link(run: str, data: dict[str, Any], before: tuple[str, str, str] | None, found: Verification) -> None:
    previous = data.get("previous")
    if before is None:
        if previous:
            found.notes.append(f"the chain here begins with {run}; the run before it, {previous.get('run')}, is not here")
        return
    if not previous:
        found.problems.append(f"{run}: the chain breaks: it names no run before it, but {before[0]} is here")
    elif previous.get("run") != before[0]:
        found.problems.append(f"{run}: the chain breaks: the run before it is {previous.get('run')}, but here it is {before[0]}")
    elif previous.get("manifest_sha256") != before[1]:
        found.problems.append(f"{run}: the chain breaks: the manifest of {before[0]} is not the one that this run followed")
    if before[2] and str(data.get("finished")) < before[2]:
        found.problems.append(f"{run}: finished at {data.get('finished')}, before the run before it ({before[2]})")


def load_public(path: Path) -> Any:
    """An ed25519 public key. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 (only where signatures are checked)
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key  # noqa: PLC0415

    raw = path.read_bytes()
    try:
        key = load_ssh_public_key(raw) if raw.startswith(b"ssh-") else load_pem_public_key(raw)
    except Exception as error:  # what the library raises depends on what it finds
        raise ValueError(f"{path}: not a public key in PEM or OpenSSH form: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path}: not an ed25519 key")
    return key


def _signature(run: Path, key: Any, found: Verification) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 (only where signatures are checked)

    try:
        key.verify((run / SIGNATURE).read_bytes(), (run / MANIFEST).read_bytes())
        found.signed += 1
    except OSError:
        found.problems.append(f"{run.name}: is not signed")
    except InvalidSignature:
        found.problems.append(f"{run.name}: the signature is not this key's, or the manifest was changed")


def _latest(place: Path, last: str | None, found: Verification) -> None:
    link = place / LATEST
    target = os.readlink(link) if link.is_symlink() else None
    if target != last:
        found.problems.append(f"{LATEST} points to {target}, but the last assessment is {last}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify", description="Check a directory of assessment runs.")
    parser.add_argument("directory")
    parser.add_argument("--key", help="public ed25519 key, PEM or OpenSSH; then every run must be signed")
    options = parser.parse_args(arguments)
    try:
        found = verify(options.directory, options.key)
    except (OSError, ValueError, ImportError) as error:
        print(f"cannot verify {options.directory}: {error}", file=sys.stderr)
        return 2
    for text in found.notes:
        print(f"note: {text}")
    for text in found.problems:
        print(f"BROKEN: {text}")
    signed = f", {found.signed} signed" if options.key else ""
    print(f"{'whole' if found.ok else 'NOT whole'}: {len(found.runs)} runs{signed}, {len(found.problems)} problems")
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main())
