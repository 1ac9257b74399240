# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle on the controller: what is refused, what a host is told, what is sent."""

from __future__ import annotations

import json

import pytest
from ansible_collections.psf.observatory.plugins.plugin_utils.content import Bundle, ContentError, Part
from ansible_collections.psf.observatory.tests.unit.rig import alert, group, rules, write_bundle

FILES = {"prometheus/rules/node.yml": ("prometheus_rules", rules(group(alert()))), "pages/index.html": ("page", "hello"),
         "prometheus/tests/node.yml": ("prometheus_tests", {"rule_files": ["../rules/node.yml"], "tests": []}),
         "loki/rules/loki.yml": ("loki_rules", "groups: []\n"), "queries.json": ("queries", [{"id": "a"}])}


def manifest(directory, change):
    path = directory / "manifest.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return directory


def test_each_service_gets_its_own_part(tmp_path):
    bundle = Bundle(write_bundle(tmp_path, FILES))
    assert list(Part(bundle, "prometheus_rules").files) == ["pages/index.html", "rules/node.yml", "tests/node.yml"]
    assert list(Part(bundle, "loki_rules").files) == ["rules/loki.yml"]
    assert bundle.queries() == [{"id": "a"}]


def test_the_digest_is_of_paths_and_contents(tmp_path):
    one = Part(Bundle(write_bundle(tmp_path / "1", FILES)), "prometheus_rules").digest
    assert Part(Bundle(write_bundle(tmp_path / "2", FILES)), "prometheus_rules").digest == one
    for number, other in enumerate(({**FILES, "pages/index.html": ("page", "bye")}, {**FILES, "pages/other.html": ("page", "hello")}), 3):
        assert Part(Bundle(write_bundle(tmp_path / str(number), other)), "prometheus_rules").digest != one


@pytest.mark.parametrize(("change", "words"), [
    (lambda data: data.update(format=2), "format is 2, this version reads 1"),
    (lambda data: data["files"][0].update(path="../etc/passwd"), "needs a path inside the bundle"),
    (lambda data: data["files"][0].update(path="/etc/passwd"), "needs a path inside the bundle"),
    (lambda data: data["files"][0].pop("sha256"), "needs a path inside the bundle, a kind and a sha256")])
def test_a_wrong_manifest_is_refused(tmp_path, change, words):
    with pytest.raises(ContentError, match=words):
        Bundle(manifest(write_bundle(tmp_path, FILES), change))


def test_without_a_manifest_the_error_says_what_makes_one(tmp_path):
    with pytest.raises(ContentError, match=r"manifest.json is missing; `python -m dashboards render"):
        Bundle(tmp_path)


@pytest.mark.parametrize("break_it", [lambda path: path.write_text("groups: [] # other"), lambda path: path.unlink()])
def test_a_file_that_is_not_the_manifests_is_never_sent(tmp_path, break_it):
    part = Part(Bundle(write_bundle(tmp_path, FILES)), "prometheus_rules")
    break_it(tmp_path / "prometheus/rules/node.yml")
    with pytest.raises(ContentError, match="node.yml.*render the bundle again"):
        part.whole([])


@pytest.mark.parametrize("text", ["- a list\n", "{"])
def test_a_rule_file_that_is_none_is_named(tmp_path, text):
    part = Part(Bundle(write_bundle(tmp_path, {"loki/rules/loki.yml": ("loki_rules", text)})), "loki_rules")
    with pytest.raises(ContentError, match="loki/rules/loki.yml: not"):
        part.whole([])
