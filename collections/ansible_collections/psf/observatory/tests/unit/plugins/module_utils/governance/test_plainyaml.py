# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML that services print: read as PyYAML reads it, or refused."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.module_utils.governance import plainyaml
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError
from hypothesis import given
from hypothesis import strategies as st

# What Go's printers give: block style, keys in plain words or quoted.
WORD = st.text("abcXYZ_-./09", min_size=1, max_size=8)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=20) | st.sampled_from(
    ["null", "true", "31d", "0640", "- x", "a: b", "#x", "'", '"', "~", "", "*", "$1", "%", "2h0m0s", "10.0.0.1:9090", "...", "yes"])
# A number with an exponent and no point (1e+06) is one to Go, which prints it so, and a text to PyYAML.
TEXT = TEXT.filter(lambda text: not re.match(r"[-+]?[0-9.]+[eE][-+]?[0-9]+\Z", text))
SCALAR = st.none() | st.booleans() | st.integers(-10**9, 10**9) | TEXT
NODE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORD, inner, max_size=4), max_leaves=16)


@given(st.dictionaries(WORD, NODE, min_size=1, max_size=5))
def test_read_as_pyyaml_reads_it_or_refused(data):
    text = yaml.safe_dump(data, default_flow_style=False, allow_unicode=True, width=1000)
    try:
        found = plainyaml.load(text)
    except ReadError:
        return
    assert found == yaml.safe_load(text)


def test_a_number_as_go_prints_it():
    assert plainyaml.load("samples: 1e+06") == {"samples": 1000000.0}


def test_what_the_services_print():
    text = """\
target: all
http_prefix: ""
server:
  grpc_server_max_connection_idle: 2562047h47m16.854775807s
  http_tls_config:
    key: null
    client_auth_type: RequireAndVerifyClientCert
scrape_configs:
- job_name: probe
  scheme: https
  relabel_configs:
  - source_labels: [__address__, "other"]
    regex: (.*)
    replacement: $1
  - {}
- job_name: node
  metric_relabel_configs: []
route:
  group_by:
  - '...'
  matchers:
  - alertname="It's"
limits_config:
  retention_period: 31d
  mode: 0640
block: |
  one
   two
# a comment
last: 1.5  # another
"""
    assert plainyaml.load(text) == {**yaml.safe_load(text), "limits_config": {"retention_period": "31d", "mode": "0640"}}


@pytest.mark.parametrize("text", ["a: {b: 1}", "a: &x 1", "a: *x", "a: !!int 1", "a: [[1]]", "a: 'x", "a: 1\na: 2", "a: 1\n   b: 2\n c: 3",
                                  "\ta: 1", "? a\n: b", "a: 1\nb"])
def test_what_it_does_not_read_is_refused_not_guessed(text):
    with pytest.raises(ReadError, match="YAML"):
        plainyaml.load(text)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_nothing_is_nothing(text):
    assert plainyaml.load(text) is None
