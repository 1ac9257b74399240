"""The charting library: fetched once by npm, held to its checksums, never half there."""

from __future__ import annotations

import hashlib

import pytest

from dashboards.model import ContentError
from dashboards.preview import charts

TEXT = {"dist/uPlot.iife.min.js": "var uPlot;", "dist/uPlot.min.css": ".u{}", "LICENSE": "MIT"}
NPM = """#!/bin/sh
[ "$1 $2" = "ci --ignore-scripts" ] || exit 9
grep -q '"node_modules/uplot"' package-lock.json || exit 8
echo ran >> "$LOG"
%s
mkdir -p node_modules/uplot/dist
printf 'var uPlot;' > node_modules/uplot/dist/uPlot.iife.min.js
printf '.u{}' > node_modules/uplot/dist/uPlot.min.css
printf 'MIT' > node_modules/uplot/LICENSE
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts an npm of our own first; returns a function that says what it does, and the file where it notes that it ran."""
    monkeypatch.setattr(charts, "FILES", {name: hashlib.sha256(text.encode()).hexdigest() for name, text in TEXT.items()})
    monkeypatch.setenv("PSF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(does=""):
        (tmp_path / "npm").write_text(NPM % does)
        (tmp_path / "npm").chmod(0o755)

    write()
    return write, tmp_path / "log"


def test_fetched_once(npm):
    assert charts.library() == charts.library() == TEXT
    assert npm[1].read_text() == "ran\n"


def test_a_damaged_file_is_fetched_anew(npm, tmp_path):
    charts.library()
    (tmp_path / "cache/charts" / f"uplot-{charts.VERSION}" / "dist/uPlot.min.css").write_text("cut o")
    assert charts.library() == TEXT
    assert npm[1].read_text() == "ran\nran\n"


def test_another_content_is_refused(npm, monkeypatch):
    monkeypatch.setitem(charts.FILES, "LICENSE", "0" * 64)
    with pytest.raises(ContentError, match="not what .* has the checksums of"):
        charts.library()


def test_no_registry(npm, tmp_path):
    npm[0]("echo 'npm error network' >&2; exit 1")
    with pytest.raises(
        ContentError, match="cannot be fetched: npm: npm error network; where no registry is reached, put dist/uPlot.iife.min.js"
    ):
        charts.library()
    assert not list((tmp_path / "cache/charts").iterdir())


def test_the_lock_pins_what_the_code_names():
    lock = (charts.PAGE / "package-lock.json").read_text()
    assert f'"version": "{charts.VERSION}"' in lock and '"integrity": "sha512-' in lock
    assert "http" not in lock
