# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads: reproducible tar.gz files with a server's programs, or with the whole release where that is more than programs."""

from __future__ import annotations

import fnmatch
import gzip
import io
import tarfile
import zipfile
import zlib

from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import ArtifactError


def repack(archive, files, target, server):
    """The declared files of an upstream archive (tar.gz, zip) as a payload."""
    contents = {}
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as source:
                for name, path in files.items():
                    contents[name] = source.read(path)
        else:
            with tarfile.open(archive) as source:
                for name, path in files.items():
                    member = source.extractfile(path)
                    if member is None:
                        raise KeyError(path)
                    contents[name] = member.read()
    except KeyError as error:
        raise ArtifactError(f"{server}: {archive.name} has no {error}; the lock's release.files do not fit it") from error
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ArtifactError(f"{server}: {archive.name} is not a readable archive: {error}") from error
    return write_payload(contents, target)


def repack_tree(archive, root, leave_out, target, server):
    """All files of an upstream tar.gz below its top directory `root`, but for those that match a pattern of `leave_out`, as a payload.

    Both are patterns of fnmatch, leave_out for the path below root. It is copied through, for such a tree may be larger than the
    memory; equal archives give equal bytes."""
    count = 0
    try:
        with tarfile.open(archive) as source, open(target, "wb") as raw, gzip.GzipFile("", "wb", 4, raw, mtime=0) as packed, \
                tarfile.open(fileobj=packed, mode="w") as tar:
            for member in source:
                top, _slash, below = member.name.removeprefix("./").partition("/")
                if not (member.isfile() and below and fnmatch.fnmatch(top, root)) or any(fnmatch.fnmatch(below, p) for p in leave_out):
                    continue
                info = tarfile.TarInfo(below)
                info.size, info.mode = member.size, 0o755 if member.mode & 0o100 else 0o644
                tar.addfile(info, source.extractfile(member))
                count += 1
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ArtifactError(f"{server}: {archive.name} is not a readable archive: {error}") from error
    if not count:
        raise ArtifactError(f"{server}: {archive.name} has no {root}; the lock's release.tree does not fit it")
    return target


def write_payload(contents, target):
    """A reproducible tar.gz: sorted names, no times, no owners."""
    with open(target, "wb") as raw, gzip.GzipFile("", "wb", 4, raw, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w") as tar:
        for name in sorted(contents):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(contents[name]), 0o755
            tar.addfile(info, io.BytesIO(contents[name]))
    return target
