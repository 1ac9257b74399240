# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration that cannot be right is refused before anything is touched, naming option and value."""

from __future__ import annotations

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.component.model import parse_environment
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.fakes import component, config
from hypothesis import given
from hypothesis import strategies as st


def test_names_follow_from_the_name():
    demo = component(name="demo_9")
    assert (demo.user, demo.group, demo.config_dir, demo.data_dir) == ("demo_9", "demo_9", "/etc/demo_9", "/var/lib/demo_9")
    assert demo.unit_path == "/etc/systemd/system/demo_9.service"
    assert demo.current == "/opt/psf/demo_9/current"
    assert component(name="demo", user="shared").group == "shared"


def test_a_version_has_a_directory_of_its_own():
    stamp = {"version": "1.0", "id": "0123456789abcdef"}
    assert component().version_dir(stamp) == "/opt/psf/demo/versions/1.0-0123456789ab"


@pytest.mark.parametrize("options, message", [
    ({"name": "Demo"}, "name: 'Demo' is not a valid component name"),
    ({"name": "9demo"}, "name: '9demo'"),
    ({"name": "demo/../x"}, "name: 'demo/../x'"),
    ({"name": "demo\n"}, "name: 'demo\\\\n'"),
    ({"name": "d" * 32}, "name: 'd"),
    ({"unit": {"exec": []}}, "unit.exec: component demo declares no command to run"),
    ({"unit": None}, "unit.exec"),
    ({"config_dir": "etc/demo"}, "config_dir: 'etc/demo' is not a plain absolute path"),
    ({"data_dir": "/var/lib/../x"}, "data_dir: '/var/lib/../x' is not a plain absolute path"),
    ({"data_dir": "/"}, "data_dir: '/' is not a plain absolute path"),
    ({"files": [config(path="//etc/demo/x")]}, r"files\[0\].path: '//etc/demo/x' is not a plain absolute path"),
    ({"files": [config(), config(path="demo.yml")]}, r"files\[1\].path: 'demo.yml' is not a plain absolute path"),
    ({"files": [config(mode="640")]}, r"files\[0\].mode: '640' is not a mode; write it as a quoted octal number"),
    ({"files": [config(mode="0648")]}, r"files\[0\].mode: '0648'"),
    ({"files": [config(mode="u=rw")]}, r"files\[0\].mode: 'u=rw'"),
    ({"directories": [{"path": "/srv", "mode": "rwx"}]}, r"directories\[0\].mode: 'rwx'"),
    ({"directories": [{"path": "srv"}]}, r"directories\[0\].path: 'srv'"),
    ({"secrets": {"token": "x"}}, "secrets: 'token' is not a plain absolute path"),
    ({"secrets": {"/a": "x"}, "secret_on_change": {"/b": "none"}}, "secret_on_change: /b: .* secrets has no such file"),
    ({"secrets": {"/a": "x"}, "secret_on_change": {"/a": "stop"}}, "secret_on_change: /a: 'stop' is not one of restart, reload, none"),
    ({"files": [config(), config()]}, "files: /etc/demo/demo.yml is declared twice for component demo"),
    ({"files": [config()], "secrets": {"/etc/demo/demo.yml": "x"}}, "declared twice"),
    ({"files": [config(path="/etc/demo/demo.env")], "environment": {"A": "b"}}, "/etc/demo/demo.env is declared twice"),
    ({"environment": {"1A": "b"}}, "environment: '1A' is not a valid variable name"),
    ({"environment": {"A\n": "b"}}, "is not a valid variable name"),
    ({"secret_environment": {"A": "one\ntwo"}}, "environment.A: a value cannot have a line break"),
    ({"readiness": {"tcp": "localhost"}}, "readiness.tcp: 'localhost' is not host:port"),
    ({"readiness": {"tcp": "localhost:http"}}, "readiness.tcp: 'localhost:http' is not host:port"),
    ({"readiness": {"tcp": "localhost:70000"}}, "readiness.tcp: 'localhost:70000' is not host:port"),
    ({"readiness": {"url": "127.0.0.1:9090"}}, "readiness.url: '127.0.0.1:9090' is not a URL"),
    ({"readiness": {"url": "http://127.0.0.1:99999/"}}, "readiness.url: 'http://127.0.0.1:99999/' is not a URL"),
    ({"reload": {"url": "/-/reload"}}, "reload.url: '/-/reload' is not a URL"),
])
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(ConcernError, match=message):
        component(**options)


def test_a_mode_written_without_quotes_is_refused():
    """YAML reads 0640 as the number 416, which would pass for the octal mode r----x-w-."""
    with pytest.raises(ConcernError, match=r"files\[0\].mode: '416' is not a mode; write it as a quoted octal number, like \"0640\""):
        component(files=[config(mode=0o640)])


def test_a_secret_value_is_not_in_the_error():
    with pytest.raises(ConcernError) as error:
        component(secret_environment={"A": "hunter2\nx"})
    assert "hunter2" not in error.value.msg


def test_absent_needs_no_command():
    assert component(state="absent", unit=None).files == []


def test_the_environment_is_sorted_and_secrets_win():
    demo = component(environment={"B": "1", "A": "x"}, secret_environment={"B": "2"})
    assert [(f.path, f.data, f.mode, f.secret) for f in demo.files] == [
        ("/etc/demo/demo.env", b'A="x"\nB="2"\n', 0o600, True)]


def unquote_as_systemd(text):
    """The values of an EnvironmentFile=, as systemd.exec(5) reads them: in double quotes, \\ escapes " \\ ` and $."""
    found = {}
    for line in text.split("\n")[:-1]:
        key, _sep, value = line.partition("=")
        assert value[0] == value[-1] == '"'
        inner, letters = iter(value[1:-1]), []
        for letter in inner:
            if letter == "\\":
                after = next(inner)
                letters.append(after if after in '"\\`$' else letter + after)
            else:
                assert letter != '"'
                letters.append(letter)
        found[key] = "".join(letters)
    return found


VALUES = st.text(st.one_of(st.sampled_from("\"'\\$`% #;=\t"), st.characters(exclude_categories=["Cs"], exclude_characters="\n\0")))


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), VALUES, min_size=1, max_size=3))
def test_any_value_of_the_environment_arrives(environment):
    text = component(environment=environment).files[0].data.decode()
    assert unquote_as_systemd(text) == environment
    assert parse_environment(text) == environment
