"""The laws of content, one a file: a docstring that gives the reason, and `check(content)`, which yields what breaks it.

A law is found by its file; its id is the file's name. tests/dashboards/checks has an example that fails for each."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dashboards.load import Content


@dataclass(frozen=True)
class Problem:
    """law (its id), where (system and key), what is wrong and what would be right."""

    law: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text} [{self.law}]"


def laws() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def run(content: Content) -> list[Problem]:
    """Every law on all content, in the order of the laws."""
    return [Problem(law, where, text) for law in laws()
            for where, text in importlib.import_module(f"dashboards.checks.{law}").check(content)]


Found = Iterable[tuple[str, str]]
