# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be had of a server: its lock, and the candidates that satisfy a request. Nothing is asked of the network here."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils import estate
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import npm

LOCKS = Path(__file__).resolve().parents[3] / "artifacts"
ARCHITECTURES = ("amd64", "arm64")
ORDER = ("mirror", "release", "package", "build")
KINDS = ("go", "npm")
SHA256 = re.compile(r"^[0-9a-f]{64}$")


class ArtifactError(Exception):
    """An artifact that cannot be had: which, from where, why, and what would help."""


def locks(directory=None):
    """Server to the directory of its lock: the collection's own, then artifacts/<server>/ of the site's roles."""
    directories = [Path(directory)] if directory else [LOCKS, *(path for base in estate.site_roles() for path in base.glob("*/artifacts"))]
    found = {}
    for base in directories:
        for path in sorted(base.glob("*/lock.yml")):
            found.setdefault(path.parent.name, path.parent)
    return found


class Lock:
    """artifacts/<server>/lock.yml, checked on reading."""

    def __init__(self, server, directory=None):
        self.server = server
        known = locks(directory)
        if server not in known:
            raise ArtifactError(f"artifact.server: there is no lock for {server!r}; known are {', '.join(sorted(known))}")
        self.directory = known[server]
        path = self.directory / "lock.yml"
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if data.get("id") != server:
            raise ArtifactError(f"{path}: id is {data.get('id')!r}, but the directory is {server!r}")
        self.sources = data["sources"]
        unknown = set(self.sources) - {"release", "package", "build"}
        if unknown:
            raise ArtifactError(f"{path}: unknown source {', '.join(sorted(unknown))}")
        for arch, digest in self.sources.get("release", {}).get("sha256", {}).items():
            if arch not in ARCHITECTURES or not SHA256.match(str(digest)):
                raise ArtifactError(f"{path}: sources.release.sha256.{arch} is not a sha256 of a known architecture")
        if self.kind not in KINDS:
            raise ArtifactError(f"{path}: sources.build.kind is {self.kind!r}, not one of {', '.join(KINDS)}")

    @property
    def kind(self):
        """How it is built: go or npm."""
        return self.sources.get("build", {}).get("kind", "go")

    def version(self, source):
        return str(self.sources[source]["version"])

    def package(self, distribution):
        return self.sources.get("package", {}).get(distribution or "")

    @property
    def go_version(self):
        """The Go version that the wrapper module asks for, such as 1.26.5."""
        return re.search(r"^go (\S+)$", (self.directory / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)[1]

    def build_id(self, arch):
        build, digest = self.sources["build"], hashlib.sha256()
        if self.kind == "npm":
            try:
                return npm.build_id(self.directory, build, arch)
            except npm.NpmError as error:
                raise ArtifactError(str(error)) from error
        for path in sorted([*self.directory.glob("go.*"), *self.directory.glob("*.go")]):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        digest.update(json.dumps([build, arch], sort_keys=True).encode())
        return digest.hexdigest()


class Request:
    """What is wanted: a server for an architecture and distribution, by the options of `component.artifact`."""

    def __init__(self, options, arch, distribution):
        self.server = options["server"]
        self.source = options.get("source") or "auto"
        if self.source not in ("auto", *ORDER):
            raise ArtifactError(f"artifact.source: {self.source!r} is none of auto, {', '.join(ORDER)}")
        self.arch = arch
        self.distribution = distribution
        self.mirror = (options.get("mirror") or "").rstrip("/")
        self.mirror_ca = options.get("mirror_ca")
        self.allow_unpinned = bool(options.get("allow_unpinned"))
        self.sha256 = options.get("sha256") or {}
        self.cache = Path(os.path.expanduser(options.get("cache") or default_cache()))
        self.lock = Lock(self.server)
        self.version = str(options["version"]) if options.get("version") else None
        if self.source == "mirror" and not self.mirror:
            raise ArtifactError(f"{self.server}: artifact.source is mirror, but artifact.mirror names none")
        if self.version and not (self.sha256 or self.allow_unpinned):
            rows = [*self.lock.sources.values(), self.lock.package(distribution) or {}]
            known = sorted({str(row["version"]) for row in rows if "version" in row})
            if self.version not in known:
                raise ArtifactError(f"{self.server}: version {self.version} is not in the lock (it has {', '.join(known)}); "
                                    "give artifact.sha256 for it, or artifact.allow_unpinned")

    def sources(self):
        names = [self.source] if self.source != "auto" else [n for n in ORDER if n != "mirror" or self.mirror]
        return names

    def candidates(self):
        """Every (source, version, id) that would satisfy the request, as dicts, best first."""
        rows = []
        names = self.sources()
        if "mirror" in names:
            names = [*names, *(n for n in ("release", "build") if n not in names)]
        for name in names:
            row = self.candidate(name)
            if row and (not self.version or row["version"] == self.version):
                rows.append(row)
        return rows

    def candidate(self, name):
        """What one source would give; None where it has nothing."""
        lock = self.lock
        if name == "release" and "release" in lock.sources:
            version = self.version or lock.version("release")
            digest = self.sha256.get(self.arch) or (
                lock.sources["release"]["sha256"].get(self.arch) if version == lock.version("release") else None)
            if digest:
                return {"source": "release", "version": version, "id": digest}
            if self.allow_unpinned:
                return {"source": "release", "version": version,
                        "id": hashlib.sha256(f"unpinned {self.server} {version} {self.arch}".encode()).hexdigest()}
        if name == "build" and "build" in lock.sources:
            return {"source": "build", "version": lock.version("build"), "id": lock.build_id(self.arch)}
        package = lock.package(self.distribution)
        if name == "package" and package:
            text = f"{' '.join(package['names'])} {package['version']}"
            return {"source": "package", "version": str(package["version"]), "id": hashlib.sha256(text.encode()).hexdigest()}
        return None


def default_cache():
    """PSF_CACHE, else the user's cache directory: outside the checkout, shared by all of them."""
    return os.environ.get("PSF_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "psf-observatory")


def release_url(request, version):
    """Where the archive is. A lock whose address holds more than the version says with `other_url` where other versions are."""
    release = request.lock.sources["release"]
    url = release["url"] if version == request.lock.version("release") else release.get("other_url", release["url"])
    return url.format(version=version, arch=request.arch)


def payload_path(request, row):
    return request.cache / "artifacts" / f"{row['id']}-{request.arch}" / "payload.tar.gz"


def is_unpinned(request, chosen):
    """Whether no checksum is known for a release."""
    pinned = request.sha256.get(request.arch) or request.lock.sources["release"]["sha256"].get(request.arch)
    return chosen["id"] != pinned
