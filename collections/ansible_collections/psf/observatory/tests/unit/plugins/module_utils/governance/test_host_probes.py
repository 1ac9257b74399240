# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of a host, against a directory that is the host's file system: what they read, and that a denied read is an error."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.governance import registry
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import (
    accounts,
    clock,
    components,
    config_file,
    files,
    listeners,
    mounts,
    packages,
    sshd,
    sysctl,
    tree,
    units,
    versions,
)
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World, reading


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A world whose files are below tmp_path; `put` writes one, `deny` makes a path unreadable whoever runs the test, `says` is what a
    command prints."""
    made = World(root=str(tmp_path), timeout=2)
    denied, real = set(), {name: getattr(os, name) for name in ("open", "listdir", "scandir", "readlink")}

    def guarded(name):
        def call(path, *arguments, **options):
            if isinstance(path, str) and path in denied:
                raise PermissionError(13, "Permission denied", path)
            return real[name](path, *arguments, **options)
        return call

    for name in real:
        monkeypatch.setattr(os, name, guarded(name))

    def put(path, text="", mode=0o644):
        target = tmp_path / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)
        return target

    def says(output, code=0, words=""):
        made.asked = []

        def runner(argv, **_options):
            made.asked.append(argv)
            return SimpleNamespace(returncode=code, stdout=(output(argv) if callable(output) else output).encode(), stderr=words.encode())
        made._runner = runner

    made.put, made.says, made.deny = put, says, lambda path: denied.add(made.real(path))
    return made


def data(readings):
    assert len(readings) == 1 and "data" in readings[0], readings
    return readings[0]["data"]


def error(readings):
    assert len(readings) == 1, readings
    return readings[0]["error"]


# -- what all have in common -------------------------------------------------------------------------------------------
def test_a_file_larger_than_its_bound_is_not_read(world):
    world.put("/etc/big", "x" * 5000)
    with pytest.raises(ReadError, match="larger than 4096 bytes"):
        world.read("/etc/big", 4096)
    assert len(world.read("/etc/big", 5000)) == 5000


def test_a_pipe_in_a_files_place_does_not_hang(world, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ReadError, match="not a plain file"):
        world.read("/pipe")


def test_a_command_that_hangs_fails_or_is_missing_is_an_error():
    world = World(timeout=0.2)
    for argv, words in ((["sleep", "5"], "did not end within"), (["false"], "ended with 1"), (["no-such-command-here"], "not installed")):
        with pytest.raises(ReadError, match=words):
            world.run(argv)


def test_a_command_that_says_a_hundred_megabytes_is_stopped_at_its_bound(tmp_path):
    done = tmp_path / "done"
    with pytest.raises(ReadError, match="sh said more than 4194304 bytes"):
        World(timeout=10).run(["sh", "-c", f"head -c {100 << 20} /dev/zero && touch {done}"])
    assert not done.exists()
    assert len(World(timeout=10).run(["head", "-c", str(4 << 20), "/dev/zero"])) == 4 << 20
    with pytest.raises(ReadError, match="sh -c ended with 3: .*the end"):
        World(timeout=10).run(["sh", "-c", f"yes | head -c {1 << 20} >&2; echo the end >&2; exit 3"])


def test_a_command_whose_child_hangs_is_stopped_with_it(tmp_path):
    note = tmp_path / "child"
    with pytest.raises(ReadError, match="did not end within 0.5 s"):
        World(timeout=0.5).run(["sh", "-c", f"sleep 60 & echo $! > {note}"])
    state = Path(f"/proc/{int(note.read_text())}/stat")
    deadline = time.monotonic() + 5
    while state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] not in "ZX" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] in "ZX"


def test_an_answer_of_another_shape_is_an_error_not_a_crash():
    assert "KeyError" in reading("x", lambda: {}["a"])["error"]


# -- kernel, files -----------------------------------------------------------------------------------------------------
def test_sysctl(world):
    world.put("/proc/sys/kernel/randomize_va_space", "2\n")
    world.put("/proc/sys/net/ipv4/tcp_allowed_congestion_control", "reno cubic\n")
    keys = ["kernel.randomize_va_space", "net.ipv4.tcp_allowed_congestion_control", "kernel.no_such_key"]
    assert data(sysctl.read(world, keys)) == {keys[0]: 2, keys[1]: "reno cubic"}
    world.deny("/proc/sys/kernel/randomize_va_space")
    assert "Permission denied" in error(sysctl.read(world, keys))


def test_files_are_found_by_pattern_and_described(world):
    world.put("/etc/psf/tls/host.key", "x", 0o640)
    world.put("/etc/psf/tls/.hidden.key", "x")
    world.put("/etc/psf/tls/ca.crt", "x")
    found = data(files.read(world, ["/etc/psf/tls/*.key"]))["files"]
    assert [(row["name"], row["mode"], row["kind"], row["size"]) for row in found] == [("/etc/psf/tls/host.key", "0640", "file", 1)]
    assert data(files.read(world, ["/etc/none/*.key"])) == {"files": []}


def test_a_directory_that_may_not_be_listed_is_an_error_not_an_empty_answer(world):
    world.put("/etc/psf/tls/host.key")
    world.deny("/etc/psf/tls")
    assert "/etc/psf/tls: Permission denied" in error(files.read(world, ["/etc/psf/tls/*.key"]))


def test_a_link_is_told_and_not_followed(world, tmp_path):
    world.put("/etc/real", "x", 0o600)
    (tmp_path / "etc/link").symlink_to("real")
    assert data(files.read(world, ["/etc/link"]))["files"][0]["kind"] == "link"


def test_tree_finds_what_is_unsafe(world, tmp_path):
    world.put("/opt/psf/loki/current/loki", "x", 0o755)
    world.put("/opt/psf/loki/shared", "x", 0o666)
    world.put("/opt/psf/loki/helper", "x", 0o4755)
    (tmp_path / "opt/psf/loki/tmp").mkdir()
    (tmp_path / "opt/psf/loki/tmp").chmod(0o1777)
    (tmp_path / "opt/psf/loki/open").mkdir()
    (tmp_path / "opt/psf/loki/open").chmod(0o777)
    (tmp_path / "opt/psf/loki/link").symlink_to("/etc/shadow")
    found = data(tree.read(world, roots=["/opt/psf/loki"]))
    assert sorted(found["world_writable"]) == ["/opt/psf/loki/open", "/opt/psf/loki/shared"]
    assert found["setuid"] == ["/opt/psf/loki/helper"] and found["entries"] == 7


def test_a_tree_that_cannot_be_entered_or_is_missing_is_an_error(world):
    world.put("/opt/psf/loki/secret/x")
    world.deny("/opt/psf/loki/secret")
    assert "/opt/psf/loki/secret: Permission denied" in error(tree.read(world, roots=["/opt/psf/loki"]))
    assert "no such directory" in error(tree.read(world, roots=["/opt/none"]))


# -- components --------------------------------------------------------------------------------------------------------
STATE = "/var/lib/psf-observatory/components"


def component(world, name="loki", **more):
    paths = {f"/etc/{name}/{name}.yml": "restart", f"/etc/{name}/{name}.env": "restart"}
    for path in paths:
        world.put(path, "x", 0o640)
    return world.put(f"{STATE}/{name}/state.json", json.dumps({
        "files": paths, "secret": [], "user": name, "config_dir": f"/etc/{name}", "data_dir": f"/var/lib/{name}",
        "artifact": {"server": name, "version": "3.7.6"}, **more}))


def test_components_tell_what_was_changed_after_the_last_run(world, tmp_path):
    state = component(world)
    found = data(components.read(world))
    assert {row["name"]: (row["secret"], row["changed_after"]) for row in found["files"]} == {
        "/etc/loki/loki.env": (True, 0), "/etc/loki/loki.yml": (False, 0)}
    os.utime(state, (1, 1))
    (tmp_path / "etc/loki/loki.env").unlink()
    found = {row["name"]: row for row in data(components.read(world))["files"]}
    assert found["/etc/loki/loki.yml"]["changed_after"] > 1000 and found["/etc/loki/loki.env"]["there"] is False


def test_a_component_without_notes_or_with_broken_ones_is_an_error(world, tmp_path):
    (tmp_path / STATE.lstrip("/") / "half").mkdir(parents=True)
    assert "has not ended" in error(components.read(world))
    world.put(f"{STATE}/half/state.json", "{")
    assert "not JSON" in error(components.read(world))
    world.deny(STATE)
    with pytest.raises(ReadError, match="Permission denied"):
        components.read(world)


def test_versions_of_distribution_and_components(world):
    world.put("/etc/os-release", 'ID=debian\nVERSION_ID="13"\n')
    component(world)
    component(world, "alert_log", artifact=None)
    found = {row["name"]: row["data"] for row in versions.read(world)}
    assert [(row["product"], row["version"]) for row in found.values()] == [("debian", "13"), ("loki", "3.7.6")]
    assert list(found) == ["distribution", "loki"]


# -- accounts ----------------------------------------------------------------------------------------------------------
def test_accounts_tell_kinds_of_passwords_and_no_hash(world):
    world.put("/etc/passwd", "root:x:0:0::/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\nloki:x:990:990::/:/usr/sbin/nologin\n"
                             "ops:x:1000:1000::/home/ops:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n")
    world.put("/etc/shadow", "root:*:1::::::\ntoor::1::::::\nloki:!:1::::::\nops:$y$j9T$salt$hash:1::::::\n")
    world.put("/etc/group", "sudo:x:27:ops\n")
    found = data(accounts.read(world))
    assert {row["name"]: (row["password"], row["algorithm"], row["login"]) for row in found["users"]} == {
        "root": ("locked", "", True), "toor": ("empty", "", True), "loki": ("locked", "", False), "ops": ("set", "yescrypt", True),
        "nobody": ("missing", "", False)}
    assert found["uid_0"] == ["root", "toor"] and found["duplicates"] == ["0"] and found["groups"] == {"sudo": ["ops"]}
    assert "hash" not in json.dumps(found)
    world.deny("/etc/shadow")
    assert "/etc/shadow: Permission denied" in error(accounts.read(world))


def test_a_broken_passwd_is_an_error(world):
    world.put("/etc/shadow", "root:*:1::::::\n")
    world.put("/etc/group", "")
    world.put("/etc/passwd", "root:x:0\n")
    assert "3 fields" in error(accounts.read(world))


# -- services of the host ----------------------------------------------------------------------------------------------
def test_sshd_settings_in_force(world):
    world.put("/usr/sbin/sshd")
    world.says("port 22\nport 2222\npermitrootlogin no\nmaxauthtries 6\nciphers a,b\n")
    assert data(sshd.read(world)) == {"port": 22, "permitrootlogin": "no", "maxauthtries": 6, "ciphers": ["a", "b"]}
    assert world.asked == [["/usr/sbin/sshd", "-T"]]
    world.says("", 1, "sshd: no hostkeys available")
    assert "no hostkeys" in error(sshd.read(world))
    world.says("")
    assert "printed no settings" in error(sshd.read(world))


SHOWN = """Id=loki.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
User=loki
DynamicUser=no
NRestarts=2
MainPID=41
DropInPaths=/etc/systemd/system/loki.service.d/a.conf /b.conf
NeedDaemonReload=no
FragmentPath=/etc/systemd/system/loki.service

Id=ssh.service
LoadState=loaded
ActiveState=inactive
UnitFileState=disabled
User=
DynamicUser=no
NRestarts=0
MainPID=0
DropInPaths=
NeedDaemonReload=yes
FragmentPath=/usr/lib/systemd/system/ssh.service
"""


def test_units_as_the_manager_runs_them(world, tmp_path):
    (tmp_path / "proc/41").mkdir(parents=True)
    (tmp_path / "proc/41/exe").symlink_to("/opt/psf/loki/versions/1/loki (deleted)")
    table = "".join(f"→ Overall exposure level for {name}: {level} :-)\n" for name , level in (
        ("loki.service", "1.3 OK"), ("ssh.service", "9.6 NO")))
    world.says(lambda argv: SHOWN if argv[0] == "systemctl" else table)
    loki, ssh, gone = units.read(world, names=["loki", "ssh.service", "gone"], exposure=True)
    assert loki["data"] == {
        "load": "loaded", "active": "active", "enabled": "enabled", "user": "loki", "restarts": 2, "pid": 41,
        "drop_ins": ["/etc/systemd/system/loki.service.d/a.conf", "/b.conf"], "reload_needed": False,
        "path": "/etc/systemd/system/loki.service", "program_replaced": True, "exposure": 1.3}
    assert ssh["data"]["user"] == "root" and ssh["data"]["reload_needed"] is True and ssh["data"]["exposure"] == 9.6
    assert "said nothing" in gone["error"]
    assert len(world.asked) == 2, "one call each for all units"


def test_a_job_runs_and_is_enabled_where_its_timer_is(world):
    component(world, timer=True)
    job = ("Id=loki.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=static\nUser=loki\nDynamicUser=no\nNRestarts=0\n"
           "MainPID=0\nDropInPaths=\nNeedDaemonReload=no\nFragmentPath=/x\n")
    timer = "\nId=loki.timer\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n"
    world.says(job + timer)
    found = data(units.read(world))
    assert (found["active"], found["enabled"], found["program_replaced"], found["reload_needed"]) == ("active", "enabled", False, False)
    world.says(job + timer.replace("=active", "=inactive").replace("=enabled", "=disabled").replace("=no", "=yes"))
    found = data(units.read(world))
    assert (found["active"], found["enabled"], found["reload_needed"]) == ("inactive", "disabled", True)
    world.says(job)
    assert "said nothing about loki.timer" in units.read(world)[0]["error"]


def test_units_without_an_answer_are_an_error(world):
    world.says("", 1, "Failed to connect to bus")
    with pytest.raises(ReadError, match="Failed to connect to bus"):
        units.read(world, names=["loki"])
    component(world)
    world.says(lambda argv: "41\n" if "--value" in argv else SHOWN)
    assert "exe" in units.read(world)[0]["error"], "the process may not be looked into"


@pytest.mark.parametrize("now", ["0\n", "42\n"])
def test_a_process_that_ended_meanwhile_is_none(world, now):
    component(world)
    world.says(lambda argv: now if "--value" in argv else SHOWN)
    found = data(units.read(world))
    assert found["pid"] == 0 and found["restarts"] == 2 and "program_replaced" not in found


def test_a_configuration_that_is_younger_than_its_process_is_told(world, tmp_path):
    target = world.put("/etc/jaeger/jaeger.yml", "extensions:\n  badger:\n    ttl:\n      spans: 168h\n")
    world.put("/proc/stat", "cpu 1\nbtime 1000000\n")
    world.put("/proc/41/stat", "41 (jaeger (x)) S " + " ".join(["0"] * 18) + " 5000 0\n")
    world.says("41\n")
    os.utime(target, (1000010, 1000010))
    arguments = ("/etc/jaeger/jaeger.yml", "jaeger.service", {"ttl": "extensions.badger.ttl.spans", "none": "a.b"})
    assert data(config_file.read(world, *arguments)) == {"ttl": "168h", "loaded": True}
    os.utime(target, (1000100, 1000100))
    assert data(config_file.read(world, *arguments))["loaded"] is False
    world.says("0\n")
    assert data(config_file.read(world, *arguments))["loaded"] is False
    target.write_text("a: {b: c}\n", encoding="utf-8")
    assert "YAML" in error(config_file.read(world, *arguments))
    target.unlink()
    assert "no such file" in error(config_file.read(world, *arguments))


# -- sockets, packages, mounts, clock ----------------------------------------------------------------------------------
def test_listening_sockets(world, tmp_path):
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    world.put("/proc/net/tcp", head + "   0: 0100007F:2387 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n"
                                      "   1: 00000000:0C1C 00000000:0000 0A 0:0 0:0 0 0 0 78 1\n"
                                      "   2: 0100007F:2387 0100007F:9999 01 0:0 0:0 0 0 0 79 1\n")
    line = "   0: %s:%s " + "0" * 32 + ":0000 0A 0:0 0:0 0 0 0 80 1\n"
    world.put("/proc/net/tcp6", head + line % ("0" * 24 + "01000000", "2388") + line % ("0" * 32, "2389"))
    (tmp_path / "proc/41/fd").mkdir(parents=True)
    (tmp_path / "proc/41/fd/3").symlink_to("socket:[78]")
    world.put("/proc/41/comm", "loki\n")
    found = {row["name"]: (row["port"], row["loopback"], row["program"]) for row in data(listeners.read(world))["sockets"]}
    assert found == {"tcp 127.0.0.1:9095": (9095, True, ""), "tcp 0.0.0.0:3100": (3100, False, "loki"), "tcp [::1]:9096": (9096, True, ""),
                     "tcp [::]:9097": (9097, False, "")}
    world.deny("/proc/net/tcp")
    assert "/proc/net/tcp: Permission denied" in error(listeners.read(world))


def test_a_real_socket_is_seen():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        found = [row for row in data(listeners.read(World()))["sockets"] if row["port"] == port]
    assert found and found[0]["loopback"] and found[0]["program"]


STATUS = """Package: openssl
Status: install ok installed
Version: 3.5.1-1

Package: telnetd
Status: install ok installed
Version: 0.17-1

Package: gone
Status: deinstall ok config-files
Version: 1

Package: broken
Status: install ok half-configured
Version: 1
"""


def test_packages_and_their_updates(world):
    world.put("/var/lib/dpkg/status", STATUS)
    found = data(packages.read(world, names=["telnetd", "nis"]))
    assert found == {"count": 2, "present": ["telnetd"], "broken": ["broken (install ok half-configured)"], "reboot_required": False}
    rows = ["Package: other\nVersion: 9\n", "Package: openssl\nFoo: 1\nVersion: 3.5.1-1+deb13u1\n",
            "Package: openssl\nVersion: 3.5.1-1~bpo1\n"]
    world.put("/var/lib/apt/lists/x_security_Packages", "\n".join(rows))
    world.put("/run/reboot-required")
    found = data(packages.read(world, updates="security"))
    assert found["pending"] == [{"name": "openssl", "installed": "3.5.1-1", "candidate": "3.5.1-1+deb13u1"}]
    assert found["lists"] == 1 and found["lists_age"] < 600 and found["reboot_required"]
    assert "no package list of an archive with 'backports'" in error(packages.read(world, updates="backports"))
    world.deny("/var/lib/apt/lists")
    assert "Permission denied" in error(packages.read(world, updates="security"))


def test_a_host_without_dpkg_is_an_error(world):
    assert "no dpkg" in error(packages.read(world))


def test_a_package_list_is_read_in_pieces(world, tmp_path, monkeypatch):
    path = tmp_path / "list"
    path.write_text("".join(f"Package: p{number}\nVersion: {number}-1\nSize: 3\n\n" for number in range(200)), encoding="utf-8")
    for size in (7, 64, 1000, 1 << 20):
        monkeypatch.setattr(packages, "BLOCK", size)
        assert dict(packages.offered(str(path), {f"p{number}" for number in range(200)})) == {
            f"p{number}": f"{number}-1" for number in range(200)}


ORDER = ["1.0~~", "1.0~rc1", "1.0", "1.0-1", "1.0-1+deb13u1", "1.0-2", "1.0a", "1.0+b1", "1.0.1", "1.1", "1.9", "1.10", "2", "1:0.1", "2:0"]


@pytest.mark.parametrize("index", range(len(ORDER) - 1))
def test_debians_order_of_versions(index):
    lower, higher = ORDER[index], ORDER[index + 1]
    assert packages.newer(higher, lower) and not packages.newer(lower, higher) and not packages.newer(lower, lower)


@pytest.mark.skipif(not os.path.exists("/usr/bin/dpkg"), reason="no dpkg to ask")
def test_dpkg_orders_versions_the_same_way():
    for left, right in [(left, right) for left in ORDER for right in ORDER][::7]:
        same = subprocess.run(["dpkg", "--compare-versions", left, "gt", right], check=False, capture_output=True).returncode == 0
        assert packages.newer(left, right) == same, (left, right)


def test_mounts_and_room(world, tmp_path):
    rows = ["overlay / overlay rw", "tmpfs /tmp tmpfs rw", "tmpfs /tmp tmpfs rw,nosuid,nodev", "x /with\\040space ext4 ro"]
    world.put("/proc/self/mounts", "".join(f"{row} 0 0\n" for row in rows))
    found = data(mounts.read(world, paths=["/", "/none"]))
    assert {row["name"]: row["options"] for row in found["mounts"]} == {
        "/": ["rw"], "/tmp": ["rw", "nosuid", "nodev"], "/with space": ["ro"]}
    assert [row["name"] for row in found["space"]] == ["/"] and 0 <= found["space"][0]["free"] <= 1


def test_the_clock_is_read_and_not_set():
    found = data(clock.read(World()))
    assert set(found) == {"synchronised", "offset", "max_error"} and found["max_error"] >= 0


def test_every_probe_says_which_right_it_needs():
    for name, function in registry.PROBES.items():
        assert "\nRight: " in sys.modules[function.__module__].__doc__, name
