# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is asked and told: payloads and packages whole or not at all, and errors in the host's own words."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tarfile
from types import SimpleNamespace

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.component.host import Host
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.payload import write_payload

STAMP = {"server": "demo", "version": "1.9", "id": "x", "source": "package"}


def runner(answer):
    """A runner that answers with (code, output) of `answer(argv)`."""
    def run(argv, **_options):
        code, output = answer(argv)
        return SimpleNamespace(returncode=code, stdout=output.encode())
    return run


# -- commands ----------------------------------------------------------------------------------------------------------
def test_a_command_that_fails_is_quoted_with_its_output():
    host = Host(runner=runner(lambda argv: (3, "no such thing\n")))
    with pytest.raises(ConcernError, match=r"^frob --now failed \(3\): no such thing$"):
        host.run(["frob", "--now"])
    assert host.run(["frob"], check=False) == (3, "no such thing\n")


def test_a_command_that_is_missing_or_hangs_is_named():
    def missing(argv, **_options):
        raise FileNotFoundError(argv[0])

    def hangs(argv, timeout, **_options):
        raise subprocess.TimeoutExpired(argv, timeout)

    with pytest.raises(ConcernError, match="frob is not installed on this host"):
        Host(runner=missing).run(["frob"])
    with pytest.raises(ConcernError, match="frob did not end within 5 s"):
        Host(runner=hangs).run(["frob"], timeout=5)


def test_commands_run_in_a_fixed_locale():
    code, output = Host().run(["/bin/sh", "-c", "echo $LC_ALL; echo $MORE >&2"], env={"MORE": "both streams"})
    assert (code, output) == (0, "C.UTF-8\nboth streams\n")


@pytest.mark.parametrize("last, exposure", [
    ("→ Overall exposure level for demo.service: 1.3 OK 🙂", 1.3),
    ("→ Overall exposure level for demo.service: 9.6 UNSAFE 😨", 9.6),
    # A plain terminal, as in many a CI job.
    ("→ Overall exposure level for demo.service: 9.6 UNSAFE :-{", 9.6),
    ("security: unrecognized option '--offline=true'", None),
    ("", None),
])
def test_exposure_is_read_from_any_terminal(last, exposure):
    table = "  NAME            DESCRIPTION                      EXPOSURE\n✗ PrivateNetwork=  Service has access: all of it  0.5\n\n"
    assert Host(runner=runner(lambda argv: (0, table + last + "\n"))).exposure("demo.service") == exposure


def test_logs_are_the_last_lines_of_the_unit():
    asked = []
    host = Host(runner=runner(lambda argv: (asked.append(argv), (0, "\n".join(f"line {n}" for n in range(30)) + "\n\n"))[1]))
    assert host.logs("demo", 1700000000.9, 3) == ["line 27", "line 28", "line 29"]
    assert "--unit=demo.service" in asked[0] and "--since=@1700000000" in asked[0]


# -- files -------------------------------------------------------------------------------------------------------------
def test_json_that_is_cut_off_counts_as_none(tmp_path):
    (tmp_path / "state.json").write_text('{"files": {')
    assert Host(str(tmp_path)).read_json("/state.json") is None
    assert Host(str(tmp_path)).read_json("/nothing.json") is None


def test_directories_above_a_file_are_open_under_any_umask(tmp_path, strict_umask):
    host = Host(str(tmp_path / "root"))
    host.write("/etc/psf/tls/host.crt", b"x", 0o600, os.getuid(), os.getgid())
    host.make_directory("/srv/a/b", 0o700, os.getuid(), os.getgid())
    modes = {path: stat.S_IMODE(os.stat(tmp_path / "root" / path).st_mode)
             for path in ("etc", "etc/psf", "etc/psf/tls", "etc/psf/tls/host.crt", "srv/a", "srv/a/b")}
    assert modes == {"etc": 0o755, "etc/psf": 0o755, "etc/psf/tls": 0o755, "etc/psf/tls/host.crt": 0o600,
                     "srv/a": 0o755, "srv/a/b": 0o700}
    assert os.umask(0o077) == 0o077


# -- payloads ----------------------------------------------------------------------------------------------------------
def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_payload_is_unpacked_with_modes_that_all_can_run(tmp_path, strict_umask):
    payload = write_payload({"demo": b"one", "democtl": b"two"}, tmp_path / "payload.tar.gz")
    Host(str(tmp_path / "root")).unpack_payload(str(payload), sha256(payload), "/opt/v1", STAMP)
    found = {p.name: (p.read_bytes(), stat.S_IMODE(p.stat().st_mode)) for p in (tmp_path / "root/opt/v1").iterdir()}
    assert found == {"demo": (b"one", 0o755), "democtl": (b"two", 0o755)}


def test_a_damaged_payload_is_refused_and_leaves_nothing(tmp_path):
    payload = write_payload({"demo": b"one"}, tmp_path / "payload.tar.gz")
    with pytest.raises(ConcernError, match="the artifact of demo was damaged on its way: sha256 [0-9a-f]{64}, expected 0000"):
        Host(str(tmp_path / "root")).unpack_payload(str(payload), "0" * 64, "/opt/v1", STAMP)
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("name, kind", [("../evil", tarfile.REGTYPE), ("/etc/evil", tarfile.REGTYPE), ("link", tarfile.SYMTYPE),
                                        ("device", tarfile.CHRTYPE)])
def test_a_payload_with_anything_but_plain_files_inside_is_refused_whole(tmp_path, name, kind):
    payload = tmp_path / "payload.tar.gz"
    with tarfile.open(payload, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("good"))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(ConcernError, match="which is not a plain file inside it"):
        Host(str(tmp_path / "root")).unpack_payload(str(payload), sha256(payload), "/opt/v1", STAMP)
    assert [p.name for p in (tmp_path / "root/opt").iterdir()] == []
    assert not (tmp_path / "evil").exists()


def test_a_new_payload_replaces_what_an_interruption_left(tmp_path):
    (tmp_path / "root/opt/v1").mkdir(parents=True)
    (tmp_path / "root/opt/v1/stale").touch()
    (tmp_path / "root/opt/v1.psf-new").mkdir()
    payload = write_payload({"demo": b"one"}, tmp_path / "payload.tar.gz")
    Host(str(tmp_path / "root")).unpack_payload(str(payload), sha256(payload), "/opt/v1", STAMP)
    assert [p.name for p in (tmp_path / "root/opt/v1").iterdir()] == ["demo"]
    assert [p.name for p in (tmp_path / "root/opt").iterdir()] == ["v1"]


# -- packages ----------------------------------------------------------------------------------------------------------
class Apt:
    """apt-get and dpkg-deb with one package; `known` says whether its lists have been fetched."""

    def __init__(self, version="1.9.1-2", known=True, available=True):
        self.version, self.known, self.available, self.calls = version, known, available, []

    def __call__(self, argv, cwd=None, **_options):
        self.calls.append(argv[0] + " " + argv[-1])
        code, output = self.answer(argv, cwd)
        return SimpleNamespace(returncode=code, stdout=output.encode())

    def answer(self, argv, cwd):
        if argv[0] == "apt-get" and argv[-1] == "update":
            self.known = self.available
        elif argv[0] == "apt-get":
            if not self.known:
                return 100, "E: Unable to locate package demo-server"
            with open(os.path.join(cwd, "demo-server.deb"), "wb"):
                pass
        elif argv[1] == "--field":
            return 0, self.version + "\n"
        else:
            os.makedirs(os.path.join(argv[-1], "usr/bin"))
            with open(os.path.join(argv[-1], "usr/bin/demo-server"), "wb") as stream:
                stream.write(b"program")
        return 0, ""


PACKAGE = {"names": ["demo-server"], "version": "1.9", "files": {"demo": "usr/bin/demo-server"}}


@pytest.mark.parametrize("version", ["1.9-1", "1.9.1-2", "2:1.9.4+ds-1", "1.9~rc1-1", "1.9"])
def test_a_packages_files_are_taken_under_their_declared_names(tmp_path, version):
    Host(str(tmp_path), Apt(version)).unpack_package(PACKAGE, "/opt/v1", STAMP)
    assert (tmp_path / "opt/v1/demo").read_bytes() == b"program"
    assert os.access(tmp_path / "opt/v1/demo", os.X_OK)


@pytest.mark.parametrize("version", ["1.10-1", "1.91-1", "2.9-1"])
def test_another_version_than_the_locks_is_refused(tmp_path, version):
    with pytest.raises(ConcernError, match="apt offers demo-server.deb, the lock expects version 1.9"):
        Host(str(tmp_path), Apt(version)).unpack_package(PACKAGE, "/opt/v1", STAMP)
    assert not (tmp_path / "opt").exists()


def test_apts_lists_are_fetched_only_when_they_are_needed(tmp_path):
    fresh, ready = Apt(known=False), Apt()
    Host(str(tmp_path / "a"), fresh).unpack_package(PACKAGE, "/opt/v1", STAMP)
    Host(str(tmp_path / "b"), ready).unpack_package(PACKAGE, "/opt/v1", STAMP)
    assert fresh.calls.count("apt-get update") == 1 and "apt-get update" not in ready.calls


def test_a_package_that_cannot_be_had_ends_in_apts_own_words(tmp_path):
    with pytest.raises(ConcernError, match="packages demo-server cannot be had .*: E: Unable to locate package demo-server"):
        Host(str(tmp_path), Apt(known=False, available=False)).unpack_package(PACKAGE, "/opt/v1", STAMP)


def test_a_package_without_the_declared_file_is_named(tmp_path):
    package = dict(PACKAGE, files={"demo": "usr/sbin/demo"})
    with pytest.raises(ConcernError, match="the packages demo-server 1.9 have no usr/sbin/demo"):
        Host(str(tmp_path), Apt()).unpack_package(package, "/opt/v1", STAMP)
    assert list((tmp_path / "opt").iterdir()) == []
