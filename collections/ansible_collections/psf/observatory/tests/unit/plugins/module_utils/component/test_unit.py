# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit file: systemd reads back every argument as declared, and hardening is the default."""

from __future__ import annotations

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.component import unit
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.fakes import component
from hypothesis import example, given
from hypothesis import strategies as st


def rendered(**options):
    unit_options = {"exec": ["/usr/bin/demo"], **options.pop("unit", {})}
    return unit.render(component(unit=unit_options, **options))


def logical_lines(text):
    """As systemd.syntax(7) reads a file: comment lines fall out, also in the middle of a continued line."""
    lines, whole = [], ""
    for line in text.split("\n"):
        stripped = line.lstrip(" \t\r")
        if stripped[:1] in ("#", ";"):
            continue
        escaped = False
        for letter in stripped:
            escaped = not escaped and letter == "\\"
        if escaped:
            whole += stripped[:-1] + " "
        else:
            lines.append(whole + stripped)
            whole = ""
    return lines


def directives(text):
    found = {}
    for line in logical_lines(text):
        key, sep, value = line.partition("=")
        if sep:
            found.setdefault(key, []).append(value)
    return found


def words(line):
    """As systemd splits ExecStart=: blanks separate, quotes join, backslashes escape, also outside quotes."""
    found, word, quote, letters = [], None, "", iter(line)
    for letter in letters:
        if letter == "\\":
            after = next(letters)
            assert after in "\\\"'", "only these escapes are written"
            word = (word or "") + after
        elif quote:
            if letter == quote:
                quote = ""
            else:
                word += letter
        elif letter in "\"'":
            quote, word = letter, word or ""
        elif letter in " \t\r\n":
            if word is not None:
                found.append(word)
            word = None
        else:
            assert not (letter == ";" and word is None), "a bare semicolon begins another command"
            word = (word or "") + letter
    assert not quote
    return found + ([word] if word is not None else [])


def expanded(word):
    """Specifiers and variables of one word: %% is a percent sign, $$ a dollar sign, and there is no other of either."""
    text, letters = "", iter(word)
    for letter in letters:
        if letter in "%$":
            assert next(letters) == letter, "an unescaped %s in %r" % (letter, word)
        text += letter
    return text


ARGUMENTS = st.text(st.one_of(st.sampled_from(" \t\"'\\$%{}#;=:,~!@-"), st.characters(exclude_categories=["Cs", "Cc"])), max_size=12)


@given(st.lists(ARGUMENTS, max_size=5))
@example(["#not-a-comment", ";", "", "a b", "it's", '"', "50%", "$HOME", "${HOME}", "back\\", "\\", "\\\"", "a;b", "tab\there"])
def test_every_argument_arrives_as_declared(arguments):
    text = rendered(unit={"exec": ["/usr/bin/demo", *arguments]})
    line = directives(text)["ExecStart"][0]
    assert [expanded(word) for word in words(line)] == ["/usr/bin/demo", *arguments]


@pytest.mark.parametrize("argument", ["one\ntwo", "one\rtwo", "one\0two"])
def test_a_line_break_in_an_argument_is_refused(argument):
    with pytest.raises(ConcernError, match=r"unit.exec: an argument cannot have a line break"):
        rendered(unit={"exec": ["/usr/bin/demo", argument]})


def test_places_are_filled_in_and_other_braces_stay():
    text = rendered(unit={"exec": ["{artifact}/demo", "--config={config}/x", "--data={data}", "--label={region}"]})
    assert words(directives(text)["ExecStart"][0]) == [
        "/opt/psf/demo/current/demo", "--config=/etc/demo/x", "--data=/var/lib/demo", "--label={region}"]


def test_hardening_is_the_default():
    found = directives(rendered())
    for name, value in unit.HARDENING.items():
        assert found[name] == (value if isinstance(value, list) else [value]), name
    assert found["ProtectSystem"] == ["strict"] and found["ReadWritePaths"] == ["/var/lib/demo"]
    assert found["NoNewPrivileges"] == ["yes"] and found["CapabilityBoundingSet"] == [""]
    assert found["User"] == ["demo"] and found["Group"] == ["demo"]


def test_declared_directives_win_and_the_others_stay():
    found = directives(rendered(unit={"hardening": {"ProtectHome": "read-only", "SystemCallFilter": ["@system-service"],
                                                    "IPAddressDeny": "any"}}))
    assert found["ProtectHome"] == ["read-only"]
    assert found["SystemCallFilter"] == ["@system-service"]
    assert found["IPAddressDeny"] == ["any"]
    assert found["ProtectSystem"] == ["strict"]


def test_capabilities_are_both_kept_and_bounded():
    found = directives(rendered(unit={"capabilities": ["CAP_NET_RAW", "CAP_SYS_TIME"]}))
    assert found["CapabilityBoundingSet"] == found["AmbientCapabilities"] == ["CAP_NET_RAW CAP_SYS_TIME"]


def test_options_become_directives():
    found = directives(rendered(environment={"A": "b"}, unit={
        "description": "A demonstration", "type": "notify", "after": ["postgresql.service"], "groups": ["psf-tls", "adm"],
        "writable": ["/srv/demo"], "reload_signal": "HUP", "open_files": 5, "restart_delay": 7, "stop_timeout": 9}))
    assert found["Description"] == ["A demonstration"] and found["Type"] == ["notify"]
    assert found["After"] == ["network-online.target postgresql.service"]
    assert found["SupplementaryGroups"] == ["psf-tls adm"]
    assert found["ReadWritePaths"] == ["/var/lib/demo /srv/demo"]
    assert found["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert (found["LimitNOFILE"], found["RestartSec"], found["TimeoutStopSec"]) == (["5"], ["7"], ["9"])
    assert found["EnvironmentFile"] == ["/etc/demo/demo.env"]


def test_what_is_not_declared_is_not_there():
    found = directives(rendered())
    assert not {"EnvironmentFile", "ExecReload", "SupplementaryGroups"} & set(found)


def test_equal_declarations_give_equal_bytes():
    hardening = {"ProtectHome": "no", "PrivateTmp": "no"}
    assert rendered(unit={"hardening": hardening}) == rendered(unit={"hardening": dict(reversed(hardening.items()))})
