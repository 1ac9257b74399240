# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror: a directory of releases and builds with an index, which any web server serves. How it is filled, and how it is read."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import release_url
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.transfer import REACH_TIMEOUT, opened, sha256_of


def index(request):
    """What a request's mirror has: rows with server, version, arch, source, id, file and sha256. OSError where it cannot be read."""
    with opened(f"{request.mirror}/index.json", timeout=REACH_TIMEOUT, ca=request.mirror_ca) as answer:
        try:
            data = json.loads(answer.read())
        except ValueError as error:
            raise OSError(f"index.json is not JSON: {error}") from error
    if data.get("format") != 1:
        raise OSError(f"index.json has format {data.get('format')!r}, this collection reads 1")
    return data["artifacts"]


def fill(directory, wanted, say):
    """Write the mirror's directory: <server>/<version>/<file> and index.json, which names each with its sha256.

    `wanted` is a list of (request, chosen, payload path). Returns the relative paths that were new or different.
    """
    base = Path(directory)
    index_path = base / "index.json"
    entries, changed = {}, []
    if index_path.is_file():
        for row in json.loads(index_path.read_text())["artifacts"]:
            entries[row["server"], row["arch"], row["source"], row["id"]] = row
    for request, chosen, payload in wanted:
        source_file = payload
        name = f"{request.server}-{chosen['version']}.linux-{request.arch}.build.tar.gz"
        if chosen["source"] == "release":
            name = release_url(request, chosen["version"]).rsplit("/", 1)[-1]
            source_file = payload.parent / name
        relative = f"{request.server}/{chosen['version']}/{name}"
        digest = sha256_of(source_file)
        target = base / relative
        if not target.is_file() or sha256_of(target) != digest:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(target.name + ".partial")
            shutil.copyfile(source_file, partial)
            partial.chmod(0o644)
            os.replace(partial, target)
            changed.append(relative)
            say(f"mirror: {relative}")
        entries[request.server, request.arch, chosen["source"], chosen["id"]] = {
            "server": request.server, "version": chosen["version"], "arch": request.arch, "source": chosen["source"],
            "id": chosen["id"], "file": relative, "sha256": digest}
    text = json.dumps({"format": 1, "artifacts": [entries[k] for k in sorted(entries)]}, indent=1, sort_keys=True) + "\n"
    if not index_path.is_file() or index_path.read_text() != text:
        base.mkdir(parents=True, exist_ok=True)
        index_path.write_text(text)
        changed.append("index.json")
    return changed
