# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts on the controller: what would do, where it comes from, and that nothing unchecked gets into the cache."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import socket
import tarfile
import threading
import time
import zipfile

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts import go, lock, mirror, payload, sources, transfer
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import ArtifactError, Lock, Request
from hypothesis import given
from hypothesis import strategies as st

VERSION = "1.2.0"


def tar_gz(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


ARCHIVE = tar_gz({f"demo-{VERSION}.linux-amd64/demo": b"program", f"demo-{VERSION}.linux-amd64/LICENSE": b"text"})


def lock_of(url="http://127.0.0.1:1", digest=None, suffix="tar.gz", **sources):
    """A lock with a release, a package and a build."""
    return {"id": "demo", "sources": {
        "release": {"version": VERSION, "url": url + "/demo-{version}.linux-{arch}." + suffix,
                    "files": {"demo": "demo-{version}.linux-{arch}/demo"}, "sha256": {"amd64": digest or sha256(ARCHIVE)}},
        "package": {"debian-13": {"names": ["demo-server"], "version": "1.1", "files": {"demo": "usr/bin/demo"}}},
        "build": {"version": "1.1.9", "module": "demo.example/demo", "module_version": "v1.1.9", "packages": {"demo": "."}},
        **sources}}


@pytest.fixture
def locks(tmp_path, monkeypatch):
    """Locks in a directory of their own; `locks(lock)` writes one."""
    directory = tmp_path / "locks"

    def write(lock, name="demo"):
        (directory / name).mkdir(parents=True, exist_ok=True)
        (directory / name / "lock.yml").write_text(yaml.safe_dump(lock))
        (directory / name / "go.mod").write_text("module demo\n\ngo 1.26.5\n")
        return directory / name

    monkeypatch.setattr(lock, "LOCKS", directory)
    return write


@pytest.fixture
def ask(tmp_path):
    """A request for the server demo with a cache of its own."""
    def request(arch="amd64", distribution="debian-13", **options):
        return Request({"server": "demo", "cache": str(tmp_path / "cache"), **options}, arch, distribution)
    return request


@pytest.fixture
def patient(monkeypatch):
    """Waiting between tries takes no time."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def payload_of(path):
    with tarfile.open(path) as archive:
        return {member.name: (member.mode, archive.extractfile(member).read()) for member in archive}


def payloads(tmp_path):
    return list((tmp_path / "cache").rglob("payload*"))


# -- locks -------------------------------------------------------------------------------------------------------------
def test_a_server_without_a_lock_is_named_with_those_that_have_one(locks):
    locks(lock_of())
    with pytest.raises(ArtifactError, match="artifact.server: there is no lock for 'demoo'; known are demo"):
        Lock("demoo")


@pytest.mark.parametrize("change, message", [
    ({"id": "other"}, "id is 'other', but the directory is 'demo'"),
    ({"sources": {"download": {}}}, "unknown source download"),
    ({"sources": {"release": {"version": "1", "sha256": {"amd64": "abc"}}}}, "sources.release.sha256.amd64 is not a sha256"),
    ({"sources": {"release": {"version": "1", "sha256": {"sparc": "0" * 64}}}}, "sources.release.sha256.sparc is not a sha256"),
])
def test_a_lock_that_cannot_be_right_is_refused(locks, change, message):
    locks({**lock_of(), **change})
    with pytest.raises(ArtifactError, match=message):
        Lock("demo")


def test_a_build_is_another_when_anything_that_goes_into_it_is(locks):
    directory = locks(lock_of())
    ids = [Lock("demo").build_id("amd64"), Lock("demo").build_id("arm64")]
    for name, text in (("go.mod", "module demo2\n"), ("go.sum", "x\n"), ("main.go", "package main\n")):
        (directory / name).write_text(text)
        ids.append(Lock("demo").build_id("amd64"))
    locks(lock_of(build={"version": "1.1.9", "packages": {"demo": "./cmd"}}))
    ids.append(Lock("demo").build_id("amd64"))
    (directory / "notes.txt").write_text("no part of it")
    assert len(set(ids)) == len(ids)
    assert Lock("demo").build_id("amd64") == ids[-1]


def test_every_lock_of_the_collection_can_be_read():
    servers = [path.parent.name for path in lock.LOCKS.glob("*/lock.yml")]
    assert "prometheus" in servers
    for server in servers:
        for arch in lock.ARCHITECTURES:
            rows = Request({"server": server}, arch, "debian-13").candidates()
            assert rows and all(lock.SHA256.match(row["id"]) for row in rows), server


# -- requests and candidates -------------------------------------------------------------------------------------------
def test_candidates_are_every_source_that_would_do_best_first(locks, ask):
    locks(lock_of())
    assert [(row["source"], row["version"]) for row in ask().candidates()] == [
        ("release", "1.2.0"), ("package", "1.1"), ("build", "1.1.9")]
    assert [row["source"] for row in ask(arch="arm64").candidates()] == ["package", "build"]
    assert [row["source"] for row in ask(distribution="debian-12").candidates()] == ["release", "build"]
    assert [row["source"] for row in ask(source="build").candidates()] == ["build"]
    assert [row["source"] for row in ask(version="1.1").candidates()] == ["package"]


def test_a_mirror_may_hold_releases_and_builds(locks, ask):
    locks(lock_of())
    assert [row["source"] for row in ask(source="mirror", mirror="http://mirror").candidates()] == ["release", "build"]
    assert ask(mirror="http://mirror").sources() == ["mirror", "release", "package", "build"]
    assert ask().sources() == ["release", "package", "build"]


@pytest.mark.parametrize("options, message", [
    ({"source": "download"}, "artifact.source: 'download' is none of auto, mirror, release, package, build"),
    ({"source": "mirror"}, "demo: artifact.source is mirror, but artifact.mirror names none"),
    ({"version": "9.9"}, r"demo: version 9.9 is not in the lock \(it has 1.1, 1.1.9, 1.2.0\); give artifact.sha256 for it, or"),
])
def test_a_request_that_cannot_be_met_is_refused_at_once(locks, ask, options, message):
    locks(lock_of())
    with pytest.raises(ArtifactError, match=message):
        ask(**options)


def test_another_version_needs_its_checksum(locks, ask):
    locks(lock_of())
    assert ask(version="2.0", sha256={"amd64": "d" * 64}).candidates() == [
        {"source": "release", "version": "2.0", "id": "d" * 64}]
    assert ask(version="2.0", sha256={"arm64": "d" * 64}).candidates() == []


def test_an_unpinned_release_is_refused_unless_it_is_asked_for(locks, ask, monkeypatch):
    locks(lock_of(package={}, build={"version": "1"}))
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "" if row["source"] == "release" else "no")
    with pytest.raises(ArtifactError, match=r"release: no sha256 is pinned for 1.2.0 on arm64; give artifact.sha256"):
        sources.resolve(ask(arch="arm64"))
    chosen = sources.resolve(ask(arch="arm64", allow_unpinned=True))
    assert chosen["source"] == "release" and chosen["id"] != sources.resolve(ask())["id"]


def test_the_cache_is_where_it_was_asked_for(locks, monkeypatch, tmp_path):
    locks(lock_of())
    monkeypatch.setenv("PSF_CACHE", str(tmp_path / "shared"))
    assert Request({"server": "demo"}, "amd64", None).cache == tmp_path / "shared"
    monkeypatch.delenv("PSF_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Request({"server": "demo"}, "amd64", None).cache == tmp_path / "xdg" / "psf-observatory"


# -- resolve -----------------------------------------------------------------------------------------------------------
REACHABLE = st.sets(st.sampled_from(["release", "package", "build"]))


@given(reachable=REACHABLE)
def test_the_first_source_that_can_be_reached_is_taken(reachable):
    order = ["release", "package", "build"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "_cannot_reach", lambda request, row: "" if row["source"] in reachable else row["source"] + " is off")
        request = Request({"server": "prometheus"}, "amd64", "debian-13")
        if reachable:
            chosen = sources.resolve(request)
            assert chosen["via"] == chosen["source"] == min(reachable, key=order.index)
            assert chosen["passed_over"] == [f"{name}: {name} is off" for name in order[:order.index(chosen["via"])]]
        else:
            with pytest.raises(ArtifactError, match="release is off; package: package is off; build: build is off"):
                sources.resolve(request)


def test_a_release_is_reached_by_its_url(locks, ask, web):
    locks(lock_of(web.url))
    with pytest.raises(ArtifactError, match=f"release: {web.url}/demo-1.2.0.linux-amd64.tar.gz: HTTP 404"):
        sources.resolve(ask(source="release"))
    (web.directory / "demo-1.2.0.linux-amd64.tar.gz").write_bytes(ARCHIVE)
    assert sources.resolve(ask(source="release"))["via"] == "release"
    assert {method for method, *_rest in web.asked} == {"HEAD"}


def test_without_a_toolchain_a_build_is_said_to_be_out_of_reach(locks, ask, monkeypatch):
    locks(lock_of())
    monkeypatch.setattr(go, "find_go", lambda minimum: None)
    with pytest.raises(ArtifactError, match=r"demo for amd64 cannot be had: build: there is no Go 1.26.5 or newer on the controller"):
        sources.resolve(ask(source="build"))


@pytest.mark.parametrize("version, good", [("go1.26.5", True), ("go1.26.10", True), ("go1.27", True), ("go2.0", True),
                                           ("go1.26.4", False), ("go1.9.7", False), ("", False)])
def test_a_toolchain_must_be_as_new_as_the_module_asks(tmp_path, monkeypatch, version, good):
    program = tmp_path / "go"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    monkeypatch.setattr(go.shutil, "which", lambda name: str(program))
    assert (go.find_go("1.26.5") == str(program)) is good


def test_what_the_cache_has_is_within_reach(locks, ask):
    locks(lock_of())
    request = ask(source="release")
    path = lock.payload_path(request, request.candidates()[0])
    path.parent.mkdir(parents=True)
    path.touch()
    assert sources.resolve(request)["via"] == "release"


def test_a_distribution_without_a_package_is_said_so(locks, ask):
    locks(lock_of())
    with pytest.raises(ArtifactError, match="package: the lock has no package for debian-12"):
        sources.resolve(ask(source="package", distribution="debian-12"))


# -- releases ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("suffix, pack", [("tar.gz", tar_gz), ("zip", zipped)])
def test_a_release_becomes_a_payload_with_just_the_programs(locks, ask, web, suffix, pack):
    archive = pack({f"demo-{VERSION}.linux-amd64/demo": b"program", f"demo-{VERSION}.linux-amd64/LICENSE": b"text"})
    locks(lock_of(web.url, sha256(archive), suffix))
    (web.directory / f"demo-{VERSION}.linux-amd64.{suffix}").write_bytes(archive)
    request = ask(source="release")
    path, digest = sources.fetch(request, sources.resolve(request))
    assert payload_of(path) == {"demo": (0o755, b"program")}
    assert digest == sha256(path.read_bytes())
    asked = len(web.asked)
    assert sources.fetch(request, sources.resolve(request)) == (path, digest)
    assert len(web.asked) == asked


TREE = {"tree": {"root": "demo-*", "leave_out": ["public/*.map", "docs/*"]}}


def tree_of(web, locks, members, **release):
    archive = tar_gz(members)
    lock = lock_of(web.url, sha256(archive))
    lock["sources"]["release"] = {key: value for key, value in lock["sources"]["release"].items() if key != "files"} | TREE | release
    locks(lock)
    (web.directory / f"demo-{VERSION}.linux-amd64.tar.gz").write_bytes(archive)


def test_a_release_that_is_a_tree_is_taken_whole_but_for_what_is_left_out(locks, ask, web):
    tree_of(web, locks, {"demo-v1.2.0/bin/demo": b"program", "demo-v1.2.0/public/a/b.js": b"js", "demo-v1.2.0/public/a/b.js.map": b"map",
                         "demo-v1.2.0/docs/x": b"doc", "other/y": b"y"})
    path, _digest = sources.fetch(ask(source="release"), sources.resolve(ask(source="release")))
    assert payload_of(path) == {"bin/demo": (0o644, b"program"), "public/a/b.js": (0o644, b"js")}


def test_the_mode_of_a_trees_programs_is_kept_and_equal_archives_give_equal_bytes(tmp_path):
    archive, made = tmp_path / "a.tar.gz", []
    with tarfile.open(archive, "w:gz") as tar:
        for name, mode in (("demo-1/bin/demo", 0o755), ("demo-1/conf/x", 0o664)):
            info = tarfile.TarInfo(name)
            info.mode, info.size, info.mtime = mode, 3, 12345
            tar.addfile(info, io.BytesIO(b"abc"))
    for name in ("p1", "p2"):
        made.append(payload.repack_tree(archive, "demo-*", [], tmp_path / name, "demo").read_bytes())
    assert payload_of(tmp_path / "p1") == {"bin/demo": (0o755, b"abc"), "conf/x": (0o644, b"abc")} and made[0] == made[1]


def test_a_tree_of_another_shape_is_refused(locks, ask, web):
    tree_of(web, locks, {"elsewhere/bin/demo": b"program"})
    with pytest.raises(ArtifactError, match=r"demo-1.2.0.linux-amd64.tar.gz has no demo-\*; the lock's release.tree does not fit it"):
        sources.fetch(ask(source="release"), sources.resolve(ask(source="release")))


def test_another_version_is_where_the_lock_says_that_others_are(locks, ask, web):
    tree_of(web, locks, {}, other_url=web.url + "/plain-{version}-{arch}.tar.gz")
    request = ask(source="release")
    assert lock.release_url(request, VERSION).endswith(f"/demo-{VERSION}.linux-amd64.tar.gz")
    assert lock.release_url(request, "9.9") == web.url + "/plain-9.9-amd64.tar.gz"


def test_a_wrong_checksum_names_url_and_both_sums_and_leaves_no_payload(locks, ask, web, tmp_path):
    locks(lock_of(web.url, "0" * 64))
    (web.directory / "demo-1.2.0.linux-amd64.tar.gz").write_bytes(ARCHIVE)
    request = ask(source="release")
    with pytest.raises(ArtifactError) as error:
        sources.fetch(request, sources.resolve(request))
    for part in (f"{web.url}/demo-1.2.0.linux-amd64.tar.gz", sha256(ARCHIVE), "0" * 64, "nothing was installed"):
        assert part in str(error.value)
    assert payloads(tmp_path) == []


def test_a_pin_of_ones_own_is_held_to(locks, ask, web, tmp_path):
    locks(lock_of(web.url))
    (web.directory / "demo-2.0.linux-amd64.tar.gz").write_bytes(tar_gz({"demo-2.0.linux-amd64/demo": b"two"}))
    request = ask(source="release", version="2.0", sha256={"amd64": "d" * 64})
    with pytest.raises(ArtifactError, match="but d{64} is pinned"):
        sources.fetch(request, sources.resolve(request))
    request = ask(source="release", version="2.0", allow_unpinned=True)
    assert payload_of(sources.fetch(request, sources.resolve(request))[0]) == {"demo": (0o755, b"two")}


def test_an_unreachable_release_is_tried_three_times_and_named(locks, ask, web, patient):
    locks(lock_of(web.url))
    request = ask(source="release")
    with pytest.raises(ArtifactError, match=r"demo: http.*/demo-1.2.0.linux-amd64.tar.gz could not be fetched \(3 tries\): HTTP 404"):
        sources.fetch(request, {**request.candidates()[0], "via": "release"})
    assert len(web.asked) == 3


def test_a_download_that_is_cut_off_is_tried_again_and_not_called_tampered(locks, ask, web, patient):
    locks(lock_of(web.url))
    (web.directory / "demo-1.2.0.linux-amd64.tar.gz").write_bytes(ARCHIVE)
    web.withheld = 10
    request = ask(source="release")
    with pytest.raises(ArtifactError, match=rf"could not be fetched \(3 tries\): .*{len(ARCHIVE)} of {len(ARCHIVE) + 10} bytes"):
        sources.fetch(request, sources.resolve(request))


def test_a_server_that_does_not_speak_http_is_an_ordinary_error():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve():
            connection = listener.accept()[0]
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.close()

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(OSError, match="BadStatusLine"):
            transfer.opened("http://127.0.0.1:%d/" % listener.getsockname()[1])


@pytest.mark.parametrize("archive, message", [
    (tar_gz({"other/demo": b""}), "has no .*demo-1.2.0.linux-amd64/demo.*; the lock's release.files do not fit it"),
    (b"<html>log in</html>", "is not a readable archive"),
])
def test_an_archive_of_another_shape_is_refused(locks, ask, web, tmp_path, archive, message):
    locks(lock_of(web.url, sha256(archive)))
    (web.directory / "demo-1.2.0.linux-amd64.tar.gz").write_bytes(archive)
    request = ask(source="release")
    with pytest.raises(ArtifactError, match="demo: demo-1.2.0.linux-amd64.tar.gz " + message):
        sources.fetch(request, sources.resolve(request))
    assert payloads(tmp_path) == []


def test_a_package_has_no_payload_here(locks, ask):
    locks(lock_of())
    assert sources.fetch(ask(), {"source": "package", "version": "1.1", "id": "x", "via": "package"}) == (None, None)


# -- several at once ---------------------------------------------------------------------------------------------------
def test_several_are_fetched_and_every_error_is_told(locks, web, tmp_path, patient):
    wanted = []
    for name in ("one", "two", "three"):
        lock = lock_of(web.url + "/" + name)
        locks({**lock, "id": name}, name)
        request = Request({"server": name, "cache": str(tmp_path / "cache"), "source": "release"}, "amd64", None)
        wanted.append((request, {**request.candidates()[0], "via": "release"}))
        wanted[-1][1]["id"] = sha256(name.encode())
        request.sha256 = {"amd64": sha256(name.encode())}
    (web.directory / "two").mkdir()
    (web.directory / "two" / "demo-1.2.0.linux-amd64.tar.gz").write_bytes(ARCHIVE)
    with pytest.raises(ArtifactError) as error:
        sources.fetch_all(wanted, lambda text: None)
    assert f"one: {web.url}/one/demo-1.2.0.linux-amd64.tar.gz could not be fetched" in str(error.value)
    assert "three: " in str(error.value)
    assert f"two: {web.url}/two/demo-1.2.0.linux-amd64.tar.gz has sha256 {sha256(ARCHIVE)}" in str(error.value)


def test_two_that_want_the_same_fetch_it_once(locks, ask, web):
    locks(lock_of(web.url))
    (web.directory / "demo-1.2.0.linux-amd64.tar.gz").write_bytes(ARCHIVE)
    pairs = [(request, {**request.candidates()[0], "via": "release"}) for request in (ask(source="release"), ask(source="release"))]
    results = sources.fetch_all(pairs, lambda text: None)
    assert len(set(results)) == 1 and len([1 for method, *_rest in web.asked if method == "GET"]) == 1


# -- payloads ----------------------------------------------------------------------------------------------------------
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.binary(max_size=64), min_size=1, max_size=4))
def test_equal_programs_give_equal_bytes(tmp_path_factory, contents):
    directory = tmp_path_factory.mktemp("payload")
    one = payload.write_payload(contents, directory / "one.tar.gz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: 2_000_000_000.0)
        two = payload.write_payload(dict(reversed(contents.items())), directory / "two.tar.gz")
    assert one.read_bytes() == two.read_bytes()
    assert payload_of(one) == {name: (0o755, data) for name, data in contents.items()}


# -- mirrors -----------------------------------------------------------------------------------------------------------
def index(web, **entries):
    (web.directory / "index.json").write_text(json.dumps({"format": 1, "artifacts": list(entries.values())}))


def filled(ask, web, cache):
    """Fill a mirror in the web server's directory from upstream; returns what changed."""
    (web.directory / "demo-1.2.0.linux-amd64.tar.gz").write_bytes(ARCHIVE)
    request = ask(source="release", cache=str(cache))
    chosen = sources.resolve(request)
    path, _digest = sources.fetch(request, chosen)
    return mirror.fill(web.directory / "mirror", [(request, chosen, path)], lambda text: None)


def test_a_mirror_that_was_filled_serves_without_upstream(locks, ask, web, tmp_path):
    locks(lock_of(web.url))
    name = "demo/1.2.0/demo-1.2.0.linux-amd64.tar.gz"
    assert filled(ask, web, tmp_path / "first") == [name, "index.json"]
    assert filled(ask, web, tmp_path / "first") == []
    assert (web.directory / "mirror" / name).read_bytes() == ARCHIVE
    locks(lock_of("http://127.0.0.1:1"))
    request = ask(mirror=web.url + "/mirror/", cache=str(tmp_path / "second"))
    chosen = sources.resolve(request)
    assert (chosen["via"], chosen["source"], chosen["id"]) == ("mirror", "release", sha256(ARCHIVE))
    assert payload_of(sources.fetch(request, chosen)[0]) == {"demo": (0o755, b"program")}


def test_a_mirror_can_be_filled_from_what_came_through_a_mirror(locks, ask, web, tmp_path):
    locks(lock_of(web.url))
    filled(ask, web, tmp_path / "first")
    request = ask(mirror=web.url + "/mirror", cache=str(tmp_path / "second"))
    chosen = sources.resolve(request)
    path, _digest = sources.fetch(request, chosen)
    assert mirror.fill(tmp_path / "again", [(request, chosen, path)], lambda text: None) == [
        "demo/1.2.0/demo-1.2.0.linux-amd64.tar.gz", "index.json"]


def test_a_build_goes_through_a_mirror_as_it_was_made(locks, ask, web, tmp_path):
    locks(lock_of())
    request = ask(source="build")
    built = {**request.candidates()[0], "via": "build"}
    path = lock.payload_path(request, built)
    path.parent.mkdir(parents=True)
    payload.write_payload({"demo": b"built here"}, path)
    mirror.fill(web.directory, [(request, built, path)], lambda text: None)
    request = ask(source="mirror", mirror=web.url, cache=str(tmp_path / "second"))
    chosen = sources.resolve(request)
    assert (chosen["via"], chosen["source"]) == ("mirror", "build")
    assert payload_of(sources.fetch(request, chosen)[0]) == {"demo": (0o755, b"built here")}


def entry(request, source, **changes):
    row = request.candidate(source)
    return {"server": "demo", "version": row["version"], "arch": "amd64", "source": source, "id": row["id"],
            "file": f"demo/{source}.tar.gz", "sha256": sha256(ARCHIVE), **changes}


def test_of_what_a_mirror_has_the_best_is_taken_whatever_the_order_of_its_index(locks, ask, web):
    locks(lock_of())
    request = ask(mirror=web.url)
    index(web, build=entry(request, "build"), release=entry(request, "release"))
    assert sources.resolve(request)["source"] == "release"


@pytest.mark.parametrize("changes", [{"arch": "arm64"}, {"server": "other"}, {"id": "0" * 64}])
def test_what_a_mirror_has_for_others_is_not_taken(locks, ask, web, changes):
    locks(lock_of())
    request = ask(source="mirror", mirror=web.url)
    index(web, release=entry(request, "release", **changes))
    with pytest.raises(ArtifactError, match=f"mirror: {web.url} has no demo of the lock's version for amd64"):
        sources.resolve(request)


def test_a_mirrors_release_is_held_to_the_locks_own_checksum(locks, ask, web, tmp_path):
    locks(lock_of())
    request = ask(source="mirror", mirror=web.url)
    evil = tar_gz({"demo-1.2.0.linux-amd64/demo": b"evil"})
    (web.directory / "demo").mkdir()
    (web.directory / "demo" / "release.tar.gz").write_bytes(evil)
    index(web, release=entry(request, "release", sha256=sha256(evil)))
    with pytest.raises(ArtifactError, match=f"{sha256(evil)}, but {sha256(ARCHIVE)} is pinned"):
        sources.fetch(request, sources.resolve(request))
    assert payloads(tmp_path) == []


@pytest.mark.parametrize("text, reason", [("<html>", "index.json is not JSON"), ('{"format": 2}', "index.json has format 2"),
                                          (None, "HTTP 404")])
def test_a_mirror_that_cannot_be_read_is_passed_over_and_said_so(locks, ask, web, monkeypatch, text, reason):
    locks(lock_of())
    if text is not None:
        (web.directory / "index.json").write_text(text)
    with pytest.raises(ArtifactError, match=f"mirror: {web.url}: {reason}"):
        sources.resolve(ask(source="mirror", mirror=web.url))
    monkeypatch.setattr(sources, "_cannot_reach", lambda request, row: "")
    chosen = sources.resolve(ask(mirror=web.url))
    assert chosen["via"] == "release" and reason in chosen["passed_over"][0]


def test_filling_keeps_what_the_mirror_had(locks, ask, web, tmp_path):
    locks(lock_of(web.url))
    (web.directory / "mirror").mkdir()
    other = {"server": "other", "arch": "amd64", "source": "build", "id": "x", "version": "1", "file": "other/1/x", "sha256": "y"}
    (web.directory / "mirror" / "index.json").write_text(json.dumps({"format": 1, "artifacts": [other]}))
    filled(ask, web, tmp_path / "cache")
    rows = json.loads((web.directory / "mirror" / "index.json").read_text())["artifacts"]
    assert [row["server"] for row in rows] == ["demo", "other"]


def test_http_exceptions_are_part_of_what_is_tested():
    """The test of a server that speaks no HTTP would pass for nothing if these were OSErrors by themselves."""
    assert not issubclass(http.client.BadStatusLine, OSError)
