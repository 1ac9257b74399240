# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of runs: all or nothing, chained, compared; and the verification, which says where something was changed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import outputs, run, verify
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import GovernanceError
from ansible_collections.psf.observatory.tests.unit import governance_sample as sample

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@pytest.fixture
def runs(tmp_path):
    return run.Runs(tmp_path / "governance")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Three runs, one a day; copied by who changes them."""
    place = run.Runs(tmp_path_factory.mktemp("chain") / "governance")
    three(place)
    return place


@pytest.fixture
def three_runs(chain, tmp_path):
    shutil.copytree(chain.path, tmp_path / "governance", symlinks=True)
    return run.Runs(tmp_path / "governance")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """An ed25519 key pair as openssl makes it."""
    place = tmp_path_factory.mktemp("keys")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", place / "key.pem"], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", place / "key.pem", "-pubout", "-out", place / "key.pub"], check=True, capture_output=True)
    (place / "key.pem").chmod(0o600)
    return place


def three(runs, key=None):
    return [sample.write(runs, sample.NOW + n * DAY, key) for n in range(3)]


def tree(path):
    return {str(item.relative_to(path)): item.read_bytes() for item in sorted(path.rglob("*")) if item.is_file() and not item.is_symlink()}


# -- writing -----------------------------------------------------------------------------------------------------------
def test_a_run_has_everything_and_its_manifest_knows_it(runs):
    one = sample.write(runs)
    manifest = json.loads((one.path / "manifest.json").read_bytes())
    assert {
        "results.json",
        "summary.json",
        "report.html",
        "summary.md",
        "junit.xml",
        "report.sarif",
        "oscal/assessment-results.json",
        "oscal/component-definition.json",
        "openreports.json",
        "policyreports.json",
        "regions/eu.prom",
        "regions/us.prom",
        "regions/eu.jsonl",
        "regions/us.jsonl",
    } <= set(manifest["files"])
    assert len([name for name in manifest["files"] if name.startswith("evidence/")]) == len(one.report.results)
    assert manifest["previous"] is None and os.readlink(runs.path / "latest") == one.report.run_id
    assert one.path.stat().st_mode & 0o777 == 0o750 and (one.path / "results.json").stat().st_mode & 0o777 == 0o640
    assert verify.verify(runs.path).ok


def test_each_result_leads_to_its_evidence_by_hash(runs):
    one = sample.write(runs)
    for row in json.loads((one.path / "results.json").read_bytes())["results"]:
        raw = (one.path / row["evidence"]["path"]).read_bytes()
        assert run.hashlib.sha256(raw).hexdigest() == row["evidence"]["sha256"]
        assert json.loads(raw)["fingerprint"] == row["fingerprint"]


def test_runs_follow_each_other_and_say_what_changed(runs):
    first = sample.write(runs)
    worse = {**sample.VERDICTS, "TLS-06": {}, "SUP-06": {"obs-eu-1": "fail"}}
    second = sample.write(runs, sample.NOW + DAY, verdicts=worse)
    changed = {(row.control, row.name): row.change for row in second.report.results if row.change != "unchanged"}
    assert changed == {("TLS-06", "app-us-1:9090"): "fixed", ("SUP-06", "obs-eu-1"): "regressed"}
    assert {row.change for row in first.report.results} == {"new"} and second.report.previous == first.report.run_id
    assert [row["run"] for row in second.report.history] == [first.report.run_id]


def test_a_waiver_that_ends_is_a_regression_and_a_new_one_fixes_nothing(runs):
    waiver = {**sample.WAIVERS[0], "expires": "2026-11-24"}
    sample.write(runs, rows=[waiver])
    ended = sample.write(runs, sample.NOW + DAY, rows=[waiver]).report
    assert {row.change for row in ended.results if row.control == "AUD-04"} == {"regressed"}
    again = sample.write(runs, sample.NOW + 2 * DAY, rows=[{**waiver, "expires": "2027-01-31"}]).report
    assert {row.change for row in again.results if row.control == "AUD-04"} == {"unchanged"}


def test_after_a_partial_run_a_whole_one_is_compared_with_all_that_is_known(runs):
    sample.write(runs)
    part = sample.write(runs, sample.NOW + DAY, hosts=["obs-eu-1"], asked={"obs-eu-1": "eu"}, complete=False)
    assert part.report.gone == [] and part.report.silent == {}
    whole = sample.write(runs, sample.NOW + 2 * DAY).report
    assert {row.change for row in whole.results} == {"unchanged"}
    assert [row["run"] for row in whole.history] == [runs.ids()[0]]
    gone = sample.write(runs, sample.NOW + 3 * DAY, hosts=["obs-eu-1"]).report
    assert len(gone.gone) > 100


def test_two_runs_in_one_second_have_two_ids_in_order(runs):
    for _number in range(3):
        with runs.locked():
            made = sample.make(runs.new_id(sample.NOW), earlier=runs.earlier())
            runs.write(made)
    assert runs.ids()[-1] == "20261124T134700Z-3" and verify.verify(runs.path).ok
    assert verify.order("20261124T134700Z-9") < verify.order("20261124T134700Z-10") < verify.order("20261124T134701Z")


def test_a_clock_that_went_backwards_is_refused_and_nothing_is_lost(runs):
    sample.write(runs)
    before = tree(runs.path)
    with pytest.raises(GovernanceError, match="clock went backwards.*2026-11-24T13:46:00Z"):
        sample.write(runs, sample.NOW - timedelta(minutes=1))
    assert tree(runs.path) == before


@pytest.mark.parametrize("number, words", [(errno.ENOSPC, "disk is full"), (errno.EROFS, "may write"), (errno.EIO, "may write")])
def test_whenever_the_disk_fails_the_earlier_runs_stay_as_they_were(runs, monkeypatch, number, words):
    sample.write(runs)
    before, left = tree(runs.path), [0]

    def failing(_handle):
        left[0] -= 1
        if left[0] <= 0:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    for countdown in (1, 150):
        left[0] = countdown
        with pytest.raises(GovernanceError, match=words):
            sample.write(runs, sample.NOW + DAY)
        assert tree(runs.path) == before and os.readlink(runs.path / "latest") == "20261124T134700Z"
    monkeypatch.undo()
    assert sample.write(runs, sample.NOW + DAY) and verify.verify(runs.path).ok


WRITER = (
    "import os, pathlib, sys\nfrom datetime import timedelta\n"
    "from ansible_collections.psf.observatory.plugins.plugin_utils.governance import run, waivers\n"
    "from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import GovernanceError\n"
    "from ansible_collections.psf.observatory.tests.unit import governance_sample as sample\n"
    "def write(path, days):\n"
    "    try: sample.write(run.Runs(path), sample.NOW + timedelta(days=days))\n"
    "    except GovernanceError as error: print(error); return 3\n"
    "    return 0\n"
)


def elsewhere(code, *arguments, before=()):
    """A process of its own that has WRITER's names."""
    root = str(next(parent for parent in run.Path(__file__).resolve().parents if parent.name == "ansible_collections").parent)
    return subprocess.run(
        [*before, sys.executable, "-c", WRITER + code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_disk_that_is_really_full_loses_no_earlier_run(tmp_path):
    """A file system of eight megabytes, in a name space of its own, is filled up to the last page, then one page at a time is made free."""
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no name spaces")
    code = (
        "import subprocess\nfrom ansible_collections.psf.observatory.plugins.plugin_utils.governance import verify\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', place], check=True)\n"
        "assert write(place / 'g', 0) == 0\n"
        "filler = open(place / 'filler', 'wb', buffering=0)\n"
        "try:\n    while True: filler.write(b'x' * 4096)\n"
        "except OSError: pass\n"
        "size = filler.tell()\n"
        "for free in (0, 1, 20, 100):\n"
        "    filler.truncate(max(0, size - free * 4096))\n"
        "    assert write(place / 'g', 1) == 3, free\n"
        "    assert sorted(p.name for p in (place / 'g').iterdir()) == ['.lock', '20261124T134700Z', 'latest'], free\n"
        "    assert verify.verify(place / 'g').ok\n"
    )
    done = elsewhere(code, tmp_path, before=alone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the disk is full; make room. The earlier runs are as they were") == 4


def test_who_may_not_write_or_read_is_told_and_nothing_is_lost(runs):
    """By an account that has no right: as root the rights of files do not count, so the process gives root up."""
    sample.write(runs)
    before = tree(runs.path)
    for path in (runs.path.parent, *runs.path.parent.parents):
        if path.stat().st_uid == os.getuid() and path.name.startswith(("pytest", "test_")):
            path.chmod(0o755)
    for path in [runs.path, *runs.path.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    (runs.path.parent / "waivers.yml").write_text("[]")
    (runs.path.parent / "waivers.yml").chmod(0)
    code = (
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "assert write(sys.argv[1], 1) == 3\n"
        "try: waivers.load('waivers.yml', pathlib.Path(sys.argv[1]).parent)\n"
        "except GovernanceError as error: print(error)\n"
        "else: sys.exit('read')\n"
    )
    done = elsewhere(code, runs.path)
    (runs.path).chmod(0o755)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = done.stdout.splitlines()
    assert "governance_directory: " in first and "Permission denied; it must be a directory that this account may write" in first
    assert "governance_waivers: " in second and "waivers.yml: Permission denied" in second and "this account can read" in second
    assert tree(runs.path) == before


def test_a_file_where_the_directory_should_be_is_said(tmp_path):
    (tmp_path / "g").write_text("")
    with pytest.raises(GovernanceError, match="governance_directory: .*g"):
        sample.write(run.Runs(tmp_path / "g"))


def test_killed_at_any_moment_the_last_whole_run_stays_and_the_next_one_clears_up(runs):
    """A child process ends without tidying up, at one step after another of its writing."""
    sample.write(runs)
    code = (
        "import os, sys\nfrom datetime import timedelta\n"
        "from ansible_collections.psf.observatory.tests.unit import governance_sample as sample\n"
        "from ansible_collections.psf.observatory.plugins.plugin_utils.governance import run\n"
        "left = int(sys.argv[2])\n"
        "def step(real):\n"
        "    def counted(*args, **kwargs):\n"
        "        global left\n"
        "        left -= 1\n"
        "        if left < 0: os._exit(9)\n"
        "        return real(*args, **kwargs)\n"
        "    return counted\n"
        "run._store, run.Path.rename = step(run._store), step(run.Path.rename)\n"
        "sample.write(run.Runs(sys.argv[1]), sample.NOW + timedelta(days=1))\n"
    )
    root = str(next(parent for parent in run.Path(__file__).resolve().parents if parent.name == "ansible_collections").parent)
    files = len(outputs.files(sample.make())) + len(sample.make().results) + 1
    for steps in (1, files, files + 1):
        done = subprocess.run(
            [sys.executable, "-c", code, str(runs.path), str(steps)],
            env={**os.environ, "PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 9, done.stderr
        known = runs.ids()
        for name in known:  # whatever is there as a run is whole
            data, _digest = verify.manifest(runs.path, name)
            assert all((runs.path / name / path).is_file() for path in data["files"])
        if steps <= files:
            assert known == ["20261124T134700Z"]
    sample.write(runs, sample.NOW + 2 * DAY)
    assert verify.verify(runs.path).problems == [] and not list(runs.path.glob(".part-*"))


def test_two_at_once_do_not_mix(runs):
    with runs.locked(), pytest.raises(GovernanceError, match="another run is writing"), run.Runs(runs.path).locked():
        pass


def test_evidence_without_bounds_is_cut(runs, monkeypatch):
    monkeypatch.setattr(run, "EVIDENCE", 1000)
    big = {
        "control": "IAM-03",
        "subject": {"type": "host", "name": "huge", "region": "eu"},
        "status": "fail",
        "evidence": {"collected_at": sample.stamp(sample.NOW), "collector": "x", "data": ["y" * 100] * 1000},
    }
    one = sample.write(runs, extra=big)
    (row,) = [row for row in one.report.results if row.name == "huge"]
    assert (one.path / row.evidence_path).stat().st_size < 3000


@pytest.mark.parametrize(
    "break_it",
    [
        lambda path: (path / "manifest.json").write_text("{"),
        lambda path: (path / "manifest.json").unlink(),
        lambda path: (path / "results.json").write_text('{"results": []}'),
    ],
)
def test_a_damaged_last_run_stops_the_next_one(runs, break_it):
    break_it(sample.write(runs).path)
    with pytest.raises(GovernanceError, match="damaged"):
        sample.write(runs, sample.NOW + DAY)
    assert len(runs.ids()) == 1


# -- signatures --------------------------------------------------------------------------------------------------------
def test_signed_runs_verify_with_the_key_and_with_openssl_and_not_with_another(runs, keys, tmp_path):
    three(runs, run.load_private(keys / "key.pem"))
    found = verify.verify(runs.path, keys / "key.pub")
    assert found.ok and found.signed == 3
    place = runs.path / "latest"
    subprocess.run(
        [
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            keys / "key.pub",
            "-rawin",
            "-in",
            place / "manifest.json",
            "-sigfile",
            place / "manifest.json.sig",
        ],
        check=True,
        capture_output=True,
    )
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "o.pem"], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "o.pem", "-pubout", "-out", tmp_path / "o.pub"], check=True, capture_output=True)
    assert "the signature is not this key's" in verify.verify(runs.path, tmp_path / "o.pub").problems[0]


def test_an_unsigned_run_among_signed_ones_is_found(runs, keys):
    sample.write(runs, key=run.load_private(keys / "key.pem"))
    sample.write(runs, sample.NOW + DAY)
    assert verify.verify(runs.path, keys / "key.pub").problems == ["20261125T134700Z: is not signed"]


def test_keys_that_cannot_be_used_are_said(keys, tmp_path):
    with pytest.raises(GovernanceError, match="No such file"):
        run.load_private(tmp_path / "no")
    (tmp_path / "open").write_bytes((keys / "key.pem").read_bytes())
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(GovernanceError, match="others may read it"):
        run.load_private(tmp_path / "open")
    (tmp_path / "junk").write_text("junk")
    (tmp_path / "junk").chmod(0o600)
    with pytest.raises(GovernanceError, match="cannot be read as a private key"):
        run.load_private(tmp_path / "junk")
    subprocess.run(["openssl", "genpkey", "-algorithm", "x25519", "-out", tmp_path / "x"], check=True, capture_output=True)
    (tmp_path / "x").chmod(0o600)
    with pytest.raises(GovernanceError, match="not an ed25519 key"):
        run.load_private(tmp_path / "x")
    with pytest.raises(ValueError, match="not a public key"):
        verify.load_public(tmp_path / "junk")


# -- verification ------------------------------------------------------------------------------------------------------
SECOND = "20261125T134700Z"


def edit(path, old, new):
    raw = path.read_text()
    assert old in raw
    path.write_text(raw.replace(old, new))


@pytest.mark.parametrize(
    "tamper, words",
    [
        (
            lambda place: edit(place / SECOND / "results.json", '"status": "fail"', '"status": "pass"'),
            f"{SECOND}: results.json: was changed",
        ),
        (lambda place: (place / SECOND / "junit.xml").unlink(), f"{SECOND}: junit.xml: No such file"),
        (
            lambda place: (place / SECOND / "evidence" / "more.json").write_text("{}"),
            f"{SECOND}: evidence/more.json: the manifest does not know",
        ),
        (
            lambda place: edit(place / SECOND / "manifest.json", '"complete": true', '"complete": false'),
            "the chain breaks: the manifest of 20261125",
        ),
        (lambda place: (place / SECOND).rename(place / "away"), "the run before it is 20261125T134700Z, but here it is 20261124"),
        (lambda place: (place / SECOND / "manifest.json").write_text("no"), f"{SECOND}/manifest.json: not JSON"),
        (lambda place: (place / "latest").unlink() or (place / "latest").symlink_to(SECOND), "latest points to 20261125"),
    ],
)
def test_whatever_was_changed_is_found_and_where(three_runs, tamper, words):
    runs = three_runs
    assert verify.verify(runs.path).ok
    tamper(runs.path)
    problems = verify.verify(runs.path).problems
    assert any(words in problem for problem in problems), problems


def test_any_flipped_byte_anywhere_is_found(three_runs):
    runs = three_runs
    files = sorted(path for path in runs.path.rglob("*") if path.is_file() and not path.is_symlink() and path.name != ".lock")
    last = runs.path / "20261126T134700Z" / "manifest.json"
    for path in [path for path in files if path != last][::23]:
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :])
        assert verify.verify(runs.path).problems, path
        path.write_bytes(raw)
    assert verify.verify(runs.path).ok


def test_a_link_instead_of_a_file_is_found(runs, tmp_path):
    one = sample.write(runs)
    target = tmp_path / "copy"
    target.write_bytes((one.path / "junit.xml").read_bytes())
    (one.path / "junit.xml").unlink()
    (one.path / "junit.xml").symlink_to(target)
    assert any("symbolic link" in problem for problem in verify.verify(runs.path).problems)


def test_a_chain_whose_beginning_was_moved_away_is_whole_and_says_so(three_runs):
    runs = three_runs
    (runs.path / "20261124T134700Z").rename(runs.path.parent / "archive")
    found = verify.verify(runs.path)
    assert found.ok and "20261124T134700Z, is not here" in found.notes[0]


def test_from_a_shell_without_ansible(three_runs):
    runs = three_runs
    command = [sys.executable, "-I", "-S", verify.__file__, str(runs.path)]
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (whole.returncode, whole.stdout) == (0, "whole: 3 runs, 0 problems\n")
    (runs.path / SECOND / "junit.xml").write_text("")
    broken = subprocess.run(command, capture_output=True, text=True, check=False)
    assert broken.returncode == 1 and "BROKEN: 20261125T134700Z: junit.xml: was changed" in broken.stdout
    missing = subprocess.run([*command[:-1], str(runs.path / "no")], capture_output=True, text=True, check=False)
    assert missing.returncode == 2 and "cannot verify" in missing.stderr
