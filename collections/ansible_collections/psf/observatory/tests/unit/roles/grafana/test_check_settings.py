# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name that the release does not have is refused: Grafana ignores it without a word, and what was meant does not happen."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils.settings import grafana
from ansible_collections.psf.observatory.tests.unit.plugins.plugin_utils.test_grafana_settings import DATABASE, OPTIONS

PROGRAM = Path(__file__).resolve().parents[4] / "roles/grafana/files/check_settings.py"
SPEC = importlib.util.spec_from_file_location("grafana_check_settings", PROGRAM)
CHECK = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CHECK)
TASKS = yaml.safe_load((Path(__file__).resolve().parents[4] / "roles/grafana/tasks/main.yml").read_text())
DEFAULTS = """\
# a comment with = in it
app_mode = production
[users]
allow_sign_up = false
default_role = Viewer   # of new ones
[server]
;certs_watch_interval =
http_port = 3000
[feature_toggles]
enable =
"""


@pytest.fixture
def check(tmp_path):
    def run(text, *allowed, defaults=DEFAULTS, sample="[smtp]\n# host = localhost:25\n"):
        conf = tmp_path / "conf"
        conf.mkdir(exist_ok=True)
        (conf / "defaults.ini").write_text(defaults)
        (conf / "sample.ini").write_text(sample)
        (tmp_path / "grafana.ini").write_text(text)
        said = CHECK.main(str(conf), str(tmp_path / "grafana.ini"), allowed)
        return (1 if said else 0), said
    return run


@pytest.mark.parametrize("line, code", [("allow_sign_up = true", 0), ("allow_signup = true", 1)])
def test_it_ends_as_a_validator_does(check, tmp_path, line, code):
    check("[users]\n" + line)
    done = subprocess.run([sys.executable, "-I", str(PROGRAM), str(tmp_path / "conf"), str(tmp_path / "grafana.ini")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == code and ("no such key" in done.stderr) is bool(code)


def test_what_the_release_has_is_right_commented_out_or_not(check):
    assert check("# ours\n\n[users]\nallow_sign_up = true\n[server]\ncerts_watch_interval = 1m\n[smtp]\nhost = mail:587\n"
                 "[feature_toggles]\nanything = true\n[plugin.x]\ny = z\n") == (0, [])


@pytest.mark.parametrize("text, problem", [
    ("[users]\nallow_signup = true", "[users] allow_signup: this Grafana has no such key there; did you mean allow_sign_up?"),
    ("[sever]\nhttp_port = 1", "[sever]: this Grafana has no such section; did you mean server?"),
    ("[users]\nallow_sign_up = maybe", "[users] allow_sign_up: 'maybe' is neither true nor false"),
    ("[users]\nallow_sign_up", "grafana.ini, line 2: neither a section nor key = value"),
])
def test_what_it_does_not_have_is_refused_with_what_may_be_meant(check, text, problem):
    assert check(text) == (1, [problem])


def test_everything_that_is_wrong_is_said_at_once_and_what_is_allowed_is_right(check):
    text = "[users]\na = 1\nb = 2\n[new.section]\nc = 3\n"
    assert len(check(text)[1]) == 3
    assert check(text, "users.a", "users.b", "new.section.c") == (0, [])
    assert len(check(text, "users.a", "users.b")[1]) == 1


def test_a_release_without_settings_is_not_taken_for_one_that_knows_none(check):
    code, said = check("[users]\nallow_sign_up = true", defaults="", sample="")
    assert code == 1 and said[0].endswith("conf: there are no settings of Grafana in it")


def test_what_the_role_writes_passes_where_the_release_has_its_names(check):
    """Every name that the role can write, once: against a release that has these, and against one that lacks any of them."""
    most = {**OPTIONS, **DATABASE, "oidc": {"url": "https://kc.example/realms/psf"}, "oidc_client_secret": "x", "smtp_password": "x",
            "smtp": {"host": "m", "from_address": "a@b", "user": "u"}, "trace_address": "127.0.0.1:1", "trace_ratio": 0.5,
            "instances": [{"host": "eu-1", "address": "a"}, {"host": "eu-2", "address": "b"}]}
    text = grafana.build(most) + "[tracing.opentelemetry.jaeger]\naddress = https://127.0.0.1:4318/v1/traces\npropagation = w3c\n"
    unlisted = TASKS[0]["vars"]["grafana_unlisted"]
    assert check(text, *unlisted, defaults=text)[0] == 0
    lines = [line for line in text.splitlines() if " = " in line and not line.startswith("insecure")]
    for line in lines:
        assert check(text, *unlisted, defaults=text.replace(line + "\n", "", 1), sample="")[0] == 1, line
