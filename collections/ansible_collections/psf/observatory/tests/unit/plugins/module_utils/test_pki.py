# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's certificate: when a new one is due, that a wrong one is not put in place, and that the key stays on the host."""

from __future__ import annotations

import os
import stat
import subprocess
from types import SimpleNamespace

import pytest
from ansible_collections.psf.observatory.plugins.module_utils import pki
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.plugins.modules import certificate as certificate_module
from ansible_collections.psf.observatory.tests.unit.fakes import FakeHost, stats, tree
from hypothesis import given
from hypothesis import strategies as st

DAY = 86400
NAMES = ["obs-1", "192.0.2.11"]
NAME_LISTS = st.lists(st.sampled_from(["a", "b.example", "c", "192.0.2.1", "::1"]), min_size=1, unique=True)


def sidecar(names=("a",), not_after=1000 * DAY, ca="c" * 64):
    return {"names": sorted(names), "not_after": not_after, "sha256": {"certificate": "a" * 64, "key": "b" * 64, "ca": ca}}


# -- due ---------------------------------------------------------------------------------------------------------------
@given(names=NAME_LISTS, now=st.integers(0, 2 * 10**9), left=st.floats(-400, 4000), renew=st.integers(0, 400))
def test_due_exactly_when_less_time_is_left_than_wanted(names, now, left, renew):
    reason = pki.due(sidecar(names, now + left * DAY), names, "c" * 64, renew, now=now)
    assert bool(reason) == ((now + left * DAY - now) / DAY < renew)
    if reason:
        assert reason.startswith("it ends in ")


@given(names=NAME_LISTS, data=st.data())
def test_the_order_of_names_does_not_count(names, data):
    assert pki.due(sidecar(names), data.draw(st.permutations(names)), None, 30, now=0) == ""


@given(found=NAME_LISTS, wanted=NAME_LISTS)
def test_due_when_a_name_is_missing_or_too_much(found, wanted):
    reason = pki.due(sidecar(found), wanted, None, 30, now=0)
    assert bool(reason) == (set(found) != set(wanted))
    assert not reason or reason == "its names are " + ", ".join(sorted(found))


def test_due_when_there_is_none_or_the_authority_is_another():
    assert pki.due(None, ["a"], None, 30) == "there is none"
    assert pki.due({}, ["a"], None, 30) == "there is none"
    assert pki.due(sidecar(), ["a"], "d" * 64, 30, now=0) == "the certificate authority is another"


@pytest.mark.parametrize("name, address", [("192.0.2.1", True), ("::1", True), ("2001:db8::2", True), ("host", False),
                                           ("host.example", False), ("10gbit.example", False)])
def test_addresses_and_names_are_told_apart(name, address):
    assert pki.is_address(name) is address


# -- a host's certificate, made by a real authority --------------------------------------------------------------------
@pytest.fixture
def secured(tmp_path):
    """A host without the service manager, but with the real openssl."""
    (tmp_path / "host").mkdir()
    host = FakeHost(tmp_path / "host")
    fake = host._runner

    def run(argv, check=False, **options):
        return (subprocess.run if argv[0] == "openssl" else fake)(argv, check=check, **options)

    host._runner = run
    return host


def sign(authority, tmp_path, request, days="1"):
    """A certificate for a signing request, with the names that it asks for."""
    (tmp_path / "host.csr").write_text(request)
    subprocess.run(["openssl", "x509", "-req", "-in", "host.csr", "-CA", authority / "ca.crt", "-CAkey", authority / "ca.key",
                    "-CAcreateserial", "-copy_extensions", "copy", "-days", days, "-out", "signed.crt"],
                   cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "signed.crt").read_text()


def ask(host, names, check=False, **options):
    params = {"names": names, "ca": None, "certificate": None, "key": None, "renew_before": 0, **options}
    return SimpleNamespace(**{"csr": None, **certificate_module.run(params, host, check)})


def test_from_request_to_an_installed_certificate(secured, authority, tmp_path):
    ca = (authority / "ca.crt").read_text()
    asked = ask(secured, NAMES, ca=ca)
    assert asked.changed and asked.due == "there is none"
    assert [row["step"] for row in asked.plan] == ["request certificate"]
    certificate = sign(authority, tmp_path, asked.csr)
    done = ask(secured, NAMES, ca=ca, certificate=certificate)
    assert done.changed and [row["step"] for row in done.plan] == ["install certificate"]
    files = tree(secured.real(pki.DIRECTORY))
    assert sorted(files) == ["/ca.crt", "/certificate.json", "/host.crt", "/host.key"]
    assert {files[name][0] for name in ("/ca.crt", "/host.crt", "/host.key")} == {0o640}
    assert files["/host.crt"][1] == certificate.encode() and b"PRIVATE KEY" in files["/host.key"][1]
    known = pki.read(secured)
    assert known["names"] == sorted(NAMES) and known["not_after"] == done.not_after
    before = stats(secured.root)
    again = ask(secured, NAMES, ca=ca)
    assert not again.changed and again.due == "" and stats(secured.root) == before
    assert not ask(secured, NAMES, ca=ca, certificate=certificate).changed and stats(secured.root) == before


def test_the_key_never_leaves_the_host(secured):
    asked = ask(secured, NAMES)
    key = secured.read(pki.path("key") + ".new")
    assert b"PRIVATE KEY" in key.data and key.mode == 0o600
    assert "PRIVATE" not in repr(asked) and asked.csr.startswith("-----BEGIN CERTIFICATE REQUEST-----")


def test_a_certificate_that_is_nearly_over_is_due(secured, authority, tmp_path):
    ca = (authority / "ca.crt").read_text()
    ask(secured, NAMES, ca=ca, certificate=sign(authority, tmp_path, ask(secured, NAMES, ca=ca).csr))
    assert ask(secured, NAMES, ca=ca, renew_before=30, check=True).due == "it ends in 1 days"
    assert "its names are 192.0.2.11, obs-1" in ask(secured, ["obs-2"], ca=ca, check=True).due
    assert ask(secured, NAMES, ca=ca + "\n", check=True).due == "the certificate authority is another"


@pytest.mark.parametrize("damage", ["mode", "content", "gone", "record"])
def test_a_damaged_certificate_is_due(secured, authority, tmp_path, damage):
    ca = (authority / "ca.crt").read_text()
    ask(secured, NAMES, ca=ca, certificate=sign(authority, tmp_path, ask(secured, NAMES, ca=ca).csr))
    key = secured.real(pki.path("key"))
    if damage == "mode":
        os.chmod(key, 0o644)
    elif damage == "content":
        with open(key, "ab") as stream:
            stream.write(b"\n")
    elif damage == "gone":
        os.unlink(key)
    else:
        with open(secured.real(pki.SIDECAR), "w", encoding="ascii") as stream:
            stream.write("{")
    assert ask(secured, NAMES, ca=ca, check=True).due == "there is none"


def test_check_mode_says_what_is_due_and_makes_no_key(secured):
    asked = ask(secured, NAMES, check=True)
    assert asked.changed and asked.due == "there is none" and asked.csr is None
    assert tree(secured.root) == {}


def test_the_group_of_readers_is_made_first(secured):
    secured.groups.discard(pki.GROUP)
    assert [row["step"] for row in ask(secured, NAMES).plan] == ["create group", "request certificate"]
    assert secured.gid(pki.GROUP) is not None


def refused(host, message, **options):
    before = {path: row for path, row in tree(host.root).items() if not path.endswith(".new")}
    with pytest.raises(ConcernError, match=message):
        ask(host, **options)
    assert {path: row for path, row in tree(host.root).items() if not path.endswith(".new")} == before


def test_a_wrong_certificate_is_not_put_in_place(secured, authority, tmp_path):
    ca = (authority / "ca.crt").read_text()
    good = sign(authority, tmp_path, ask(secured, NAMES, ca=ca).csr)
    ask(secured, NAMES, ca=ca, certificate=good)
    another = (authority / "host.crt").read_text()
    refused(secured, "it does not belong to the key", names=NAMES, ca=ca, certificate=another)
    refused(secured, "it is not valid for the name obs-2", names=["obs-2"], ca=ca,
            certificate=sign(authority, tmp_path, ask(secured, ["obs-3"], ca=ca).csr))
    refused(secured, "the authority does not vouch for it", names=["obs-2"], ca=another,
            certificate=sign(authority, tmp_path, ask(secured, ["obs-2"], ca=ca).csr))
    assert pki.read(secured)["names"] == sorted(NAMES)


def test_ones_own_certificate_and_key(secured, authority):
    ca, certificate, key = ((authority / name).read_text() for name in ("ca.crt", "host.crt", "host.key"))
    refused(secured, "ca: needed together with certificate", names=["obs-1"], certificate=certificate, key=key)
    refused(secured, "there is no key on this host", names=["obs-1"], ca=ca, certificate=certificate)
    assert ask(secured, NAMES, ca=ca, certificate=certificate, key=key).changed
    assert secured.read(pki.path("key")).data == key.encode()
    assert not ask(secured, NAMES, ca=ca, certificate=certificate, key=key).changed


def test_a_certificate_needs_a_name(secured):
    with pytest.raises(ConcernError, match="names: a certificate needs at least one name"):
        ask(secured, [])


def test_the_directory_is_closed_to_others(secured):
    ask(secured, NAMES)
    assert stat.S_IMODE(os.stat(secured.real(pki.DIRECTORY)).st_mode) == 0o750
