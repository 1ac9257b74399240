# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of runs: each run a directory with everything of it, written all or nothing, chained to the one before.

    DIRECTORY/
      latest -> 20261124T134700Z
      20261124T134700Z/
        manifest.json          sha256 and size of every other file; id and manifest's sha256 of the run before
        manifest.json.sig      ed25519 signature of manifest.json, where a key is given
        results.json summary.json report.html summary.md junit.xml report.sarif oscal/ openreports.json policyreports.json
        regions/<id>.prom regions/<id>.jsonl     what is delivered to the region
        evidence/<control>-<fingerprint>.json    what was read, one file a result

A run is written beside its place and renamed. Whatever goes wrong before that leaves the runs as they were.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import outputs
from .model import GovernanceError, Report, moment, stamp
from .report import Earlier, result_data
from .verify import ASSESSMENT, FORMAT, LATEST, MANIFEST, SIGNATURE, Damaged, manifest, runs

LOCK, PART, RESULTS = ".lock", ".part-", "results.json"
# Earlier runs that the trend shows.
HISTORY = 60
# How many partial assessments (with a limit or tags) are looked through for the last whole one.
PARTIAL = 30
# Bytes of evidence of one result; what is more was not bounded where it was read.
EVIDENCE = 1 << 20
# Readable by the owner and the group: what is written about a platform's weak points is not for everyone.
DIRECTORY_MODE, FILE_MODE = 0o750, 0o640


class Runs:
    """A directory of runs. `path` is made when the first run is written."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    # -- what is there -------------------------------------------------------------------------------------------------
    def ids(self) -> list[str]:
        try:
            return runs(self.path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise GovernanceError(f"governance_directory: {self.path}: {error.strerror}; it must be a directory of this account") from error

    def before(self) -> tuple[str, str, dict[str, Any]] | None:
        """The last run of any kind: id, sha256 of its manifest, manifest. Raises GovernanceError where it is damaged."""
        known = self.ids()
        if not known:
            return None
        try:
            data, digest = manifest(self.path, known[-1])
        except Damaged as error:
            raise GovernanceError(
                f"the last run is damaged: {error}. A new run must follow it; put the run back, or move it out of "
                f"{self.path} and say why in your records"
            ) from error
        return known[-1], digest, data

    def results(self, run: str) -> dict[str, Any]:
        """results.json of a run, held to its manifest. Raises GovernanceError where it is damaged."""
        path = self.path / run / RESULTS
        try:
            data, _digest = manifest(self.path, run)
            raw = path.read_bytes()
            if hashlib.sha256(raw).hexdigest() != data["files"].get(RESULTS, {}).get("sha256"):
                raise ValueError("its sha256 is not the manifest's")
            found = json.loads(raw)
            if not isinstance(found, dict) or not isinstance(found.get("results"), list):
                raise ValueError("it has no results")
            return found
        except (OSError, ValueError, Damaged) as error:
            raise GovernanceError(f"run {run} is damaged: {path}: {error}. playbooks/verify_evidence.yml says what is whole") from error

    def assessments(self) -> list[str]:
        """The ids of the runs that are assessments, oldest first."""
        return [run for run in self.ids() if (self.path / run / RESULTS).is_file()]

    def earlier(self) -> Earlier:
        """What a new run is compared with: the last whole assessment, with what partial ones found since."""
        known = self.assessments()
        found: dict[str, dict[str, Any]] = {}
        for run in reversed(known[-PARTIAL:]):
            data = self.results(run)
            for row in data["results"]:
                found.setdefault(row["fingerprint"], {"status": row["status"], "waiver": row.get("waiver")})
            if data.get("complete"):
                break
        history = []
        for run in known[-HISTORY:]:
            try:
                row = json.loads((self.path / run / "summary.json").read_bytes())
            except (OSError, ValueError):
                continue  # the trend has a gap; verify says why
            if row.get("complete"):
                history.append(row)
        return Earlier(known[-1] if known else None, found, history)

    def new_id(self, now: datetime) -> str:
        """The id of a run that begins now. Raises GovernanceError when the clock is behind the last run."""
        last = self.before()
        if last is not None:
            finished = moment(last[2].get("finished"))
            if finished is not None and now.astimezone(UTC).replace(microsecond=0) < finished:
                raise GovernanceError(
                    f"the clock went backwards: it is {stamp(now)}, but run {last[0]} finished at {stamp(finished)}. "
                    "Evidence with a wrong time is none; set the clock, then run again"
                )
        base = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        taken, number, name = set(self.ids()), 1, base
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        return name

    # -- writing -------------------------------------------------------------------------------------------------------
    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the directory; makes it. A second run that starts meanwhile is told so."""
        try:
            self.path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, FILE_MODE)
        except OSError as error:
            raise self._cannot(error) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise GovernanceError(f"governance_directory: {self.path}: another run is writing here; wait until it is done") from error
            yield
        finally:
            os.close(handle)

    def _cannot(self, error: OSError) -> GovernanceError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "the disk is full" if full else error.strerror or str(error)
        right = "make room" if full else "it must be a directory that this account may write"
        return GovernanceError(
            f"governance_directory: {self.path}: cannot write the run: {why}; {right}. The earlier runs are as they were"
        )

    def write(self, report: Report, key: Any = None) -> Path:
        """Write an assessment whole and point `latest` to it; returns its directory. Must be called while `locked`."""
        try:
            files = {**evidence(report), **outputs.files(report)}
        except OSError as error:
            raise self._cannot(error) from error
        head = {
            "environment": report.environment,
            "started": stamp(report.started),
            "finished": stamp(report.finished),
            "version": report.version,
            "complete": report.complete,
        }
        return self.record(report.run_id, ASSESSMENT, files, head, key)

    def record(self, run: str, kind: str, files: Mapping[str, str], head: Mapping[str, Any], key: Any = None) -> Path:
        """Write a run of a kind; `head` goes into its manifest, `key` is an ed25519 private key (see `load_private`).

        Raises GovernanceError; then the directory is as it was.
        """
        place, part = self.path / run, self.path / f"{PART}{run}"
        last = self.before()
        try:
            self._sweep()
            part.mkdir(mode=DIRECTORY_MODE)
            rows: dict[str, dict[str, Any]] = {}
            for name, text in files.items():
                raw = text.encode("utf-8", "backslashreplace")
                _store(part / name, raw)
                rows[name] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
            raw = outputs.dump(
                {
                    "format": FORMAT,
                    "run": run,
                    "kind": kind,
                    **head,
                    "files": rows,
                    "previous": {"run": last[0], "manifest_sha256": last[1]} if last else None,
                }
            ).encode("utf-8")
            _store(part / MANIFEST, raw)
            if key is not None:
                _store(part / SIGNATURE, key.sign(raw))
            for directory in [part, *(path for path in part.rglob("*") if path.is_dir())]:
                _sync(directory)
            part.rename(place)
            if kind == ASSESSMENT:
                self._point(run)
            _sync(self.path)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise self._cannot(error) from error
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return place

    def _sweep(self) -> None:
        """Remove what an interrupted run left. `latest` may be one behind, when the end came between the two renames."""
        for path in self.path.glob(f"{PART}*"):
            shutil.rmtree(path)
        (self.path / f".{LATEST}").unlink(missing_ok=True)

    def _point(self, run: str) -> None:
        link = self.path / f".{LATEST}"
        link.symlink_to(run)
        link.rename(self.path / LATEST)


def _store(path: Path, raw: bytes) -> None:
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(handle, "wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def evidence(report: Report) -> dict[str, str]:
    """Every result's evidence as a file of its own; path and sha256 are noted in the result."""
    files = {}
    for row in report.results:
        row.evidence_path = f"evidence/{row.control}-{row.fingerprint[:16]}.json"
        data = row.evidence.get("data")
        if len(json.dumps(data, default=str)) > EVIDENCE:
            data = {"cut": f"more than {EVIDENCE} bytes", "begins": json.dumps(data, default=str)[: EVIDENCE // 64]}
        text = outputs.dump(
            {
                "run": report.run_id,
                "environment": report.environment,
                **{key: value for key, value in result_data(row).items() if key != "evidence"},
                "collected_at": row.evidence.get("collected_at"),
                "collector": row.evidence.get("collector"),
                "data": data,
            }
        )
        files[row.evidence_path] = text
        row.evidence_sha256 = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
    return files


def load_private(path: str | Path, passphrase: str | None = None) -> Any:
    """The user's ed25519 key, PEM (PKCS 8) or OpenSSH. Raises GovernanceError, also when others may read it."""
    # Only who signs needs the library.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key  # noqa: PLC0415

    place = Path(path)
    try:
        raw, mode = place.read_bytes(), place.stat().st_mode
    except OSError as error:
        raise GovernanceError(f"governance_signing_key: {place}: {error.strerror}; it must be an ed25519 private key") from error
    if stat.S_IMODE(mode) & 0o077:
        raise GovernanceError(f"governance_signing_key: {place}: others may read it (mode {stat.S_IMODE(mode):04o}); chmod 600 it")
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in raw else load_pem_private_key
    try:
        key = load(raw, passphrase.encode() if passphrase else None)
    except Exception as error:  # what the library raises depends on what it finds; none of it has the key in it
        raise GovernanceError(f"governance_signing_key: {place}: cannot be read as a private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise GovernanceError(
            f"governance_signing_key: {place}: not an ed25519 key; `openssl genpkey -algorithm ed25519 -out KEY` makes one"
        )
    return key
