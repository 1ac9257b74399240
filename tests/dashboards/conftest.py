"""Tests of the package share example_content.py and the rendered bundle of everything; pytest's importlib mode gives folders of tests no
names to import by."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dashboards import checks, load, render

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


@pytest.fixture(scope="session")
def bundle():
    """Path to text of every file, rendered for an estate that has every system."""
    content = load.everything()
    return {file.path: file.text for file in render.bundle(content, checks.everywhere(content))}
