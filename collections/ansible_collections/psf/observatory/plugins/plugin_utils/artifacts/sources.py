# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts on the controller: which source is taken, and the payload in the cache.

Sources, in the order in which `auto` tries them: mirror (when one is named), release, package, build.
A payload is a reproducible tar.gz with a server's programs, or with the whole release where that is more than programs; the cache
holds it under the id of what it was made from:
  release   the published sha256 of the archive
  build     sha256 of the wrapper module (go.mod, go.sum, *.go), the packages and the version; of kind npm, see npm.py
  package   sha256 of the packages' names and version; unpacked on the host by its own apt, so there is no payload
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible import constants
from ansible.utils.display import Display
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import go, mirror, npm
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import ArtifactError, is_unpinned, payload_path, release_url
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.payload import repack, repack_tree, write_payload
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.transfer import (
    REACH_TIMEOUT,
    download,
    exclusive,
    opened,
    sha256_of,
)

display = Display()
# Two at once: while one links on one core, the other compiles.
BUILDS = threading.Semaphore(min(2, os.cpu_count() or 1))


def resolve(request):
    """Choose the source. Returns the candidate with `via` (the source it comes through); raises ArtifactError."""
    reasons = []
    for name in request.sources():
        if name == "mirror":
            try:
                index = mirror.index(request)
                for row in request.candidates():
                    for entry in index:
                        if (entry["server"], entry["arch"], entry["source"], entry["id"]) == \
                                (request.server, request.arch, row["source"], row["id"]):
                            return dict(row, via="mirror", entry=entry)
                reasons.append(f"mirror: {request.mirror} has no {request.server} of the lock's version for {request.arch}")
            except OSError as error:
                reasons.append(f"mirror: {request.mirror}: {error}")
            continue
        row = request.candidate(name)
        if row is None or (request.version and row["version"] != request.version):
            reasons.append(f"{name}: {_why_no_candidate(request, name)}")
            continue
        reason = _cannot_reach(request, row)
        if not reason:
            return dict(row, via=name, passed_over=reasons)
        reasons.append(f"{name}: {reason}")
    raise ArtifactError(f"{request.server} for {request.arch} cannot be had: " + "; ".join(reasons))


def say_unavailable(reason, hosts):
    """One line for an optional server that is done without."""
    display.display(f"artifact: warning: {reason}. It is optional and left out" + (f" on {', '.join(hosts)}" if hosts else ""),
                    color=constants.COLOR_WARN)


def _why_no_candidate(request, name):
    if name == "package":
        return f"the lock has no package for {request.distribution or 'an unknown distribution'}"
    if name == "release" and "release" in request.lock.sources:
        return (f"no sha256 is pinned for {request.version or request.lock.version('release')} on {request.arch}; "
                "give artifact.sha256, or artifact.allow_unpinned")
    return "the lock has none"


def _cannot_reach(request, row):
    """Why a source cannot be reached now, or "" when it can (or the cache has it already)."""
    if row["source"] == "package" or payload_path(request, row).is_file():
        return ""
    if row["source"] == "release":
        url = release_url(request, row["version"])
        try:
            with opened(url, method="HEAD", timeout=REACH_TIMEOUT):
                return ""
        except OSError as error:
            return f"{url}: {error}"
    return _cannot_reach_npm(request) if request.lock.kind == "npm" else go.cannot_reach(request)


def _cannot_reach_npm(request):
    try:
        for arch in sorted({npm.controller_architecture(), request.arch}):
            npm.fetch_runtime(request.lock.sources["build"], arch, request.cache)
    except npm.NpmError as error:
        return str(error)
    return ""


def fetch(request, chosen, say=lambda text: None):
    """Have the payload of a resolved artifact in the cache. Returns (path, sha256); (None, None) for a package."""
    if chosen["source"] == "package":
        return None, None
    path = payload_path(request, chosen)
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path.parent / "lock"):
        digest_file = path.with_suffix(".sha256")
        if path.is_file() and digest_file.is_file():
            return path, digest_file.read_text().strip()
        with tempfile.TemporaryDirectory(dir=path.parent) as work:
            if chosen["via"] == "mirror":
                made = _from_mirror(request, chosen, Path(work), say)
            elif chosen["source"] == "release":
                made = _from_release(request, chosen, Path(work), say)
            else:
                made = {"go": _from_go, "npm": _from_npm}[request.lock.kind](request, chosen, Path(work), say)
            digest = sha256_of(made)
            os.replace(made, path)
            digest_file.write_text(digest + "\n")
        return path, digest


def fetch_all(wanted, say):
    """Several artifacts at once, largest build first. `wanted` is a list of (request, chosen); errors are gathered."""
    def size(pair):
        request, chosen = pair
        sums = request.lock.directory / "go.sum"
        return -(sums.stat().st_size if chosen["source"] == "build" and sums.is_file() else 0)

    errors = []

    def one(pair):
        try:
            return fetch(*pair, say=say)
        except (ArtifactError, OSError) as error:
            errors.append(str(error))
            return None

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, sorted(wanted, key=size)))
    if errors:
        raise ArtifactError("; ".join(errors))
    return results


def _from_release(request, chosen, work, say):
    url = release_url(request, chosen["version"])
    archive = work / url.rsplit("/", 1)[-1]
    pinned = chosen["id"] if not is_unpinned(request, chosen) else None
    download(url, archive, pinned, say, request.server)
    _keep(request, chosen, archive)
    return _repacked(request, chosen, archive, work)


def _repacked(request, chosen, archive, work):
    release, target = request.lock.sources["release"], work / "payload.tar.gz"
    if "tree" in release:
        tree = release["tree"]
        return repack_tree(archive, tree["root"], tree.get("leave_out", []), target, request.server)
    return repack(archive, _release_files(request, chosen["version"]), target, request.server)


def _keep(request, chosen, archive):
    """The archive beside its payload: a mirror is filled with what upstream published."""
    name = release_url(request, chosen["version"]).rsplit("/", 1)[-1]
    shutil.copyfile(archive, payload_path(request, chosen).parent / name)


def _release_files(request, version):
    files = request.lock.sources["release"]["files"]
    return {name: path.format(version=version, arch=request.arch) for name, path in files.items()}


def _from_mirror(request, chosen, work, say):
    entry = chosen["entry"]
    archive = work / entry["file"].rsplit("/", 1)[-1]
    # A release is held to the lock's own checksum; a build to the mirror's, which its owner made.
    expected = chosen["id"] if chosen["source"] == "release" and not is_unpinned(request, chosen) else entry["sha256"]
    download(f"{request.mirror}/{entry['file']}", archive, expected, say, request.server, request.mirror_ca)
    if chosen["source"] == "release":
        _keep(request, chosen, archive)
        return _repacked(request, chosen, archive, work)
    return archive


def _from_go(request, chosen, work, say):
    with BUILDS:
        contents = go.build(request, chosen, work, say)
    return write_payload(contents, work / "payload.tar.gz")


def _from_npm(request, chosen, work, say):
    name = f"{request.server} {chosen['version']}"
    with BUILDS:
        started = time.monotonic()
        try:
            contents = npm.build(request.lock.directory, request.lock.sources["build"], request.arch, request.cache, work,
                                 lambda text: say(f"{name}: {text}"))
        except npm.NpmError as error:
            raise ArtifactError(f"{name}: {error}") from error
        say(f"{name}: built and tested in {time.monotonic() - started:.0f} s")
    return write_payload(contents, work / "payload.tar.gz")
