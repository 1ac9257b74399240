"""The example of docs/adding-a-system.md is whole: put in place, it keeps every law."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from example_content import landing, shop

from dashboards import checks, load
from dashboards import systems as package
from dashboards.load import Content

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-system.md"
SECTION = "## {name}\n### Meaning\nx\n### Impact\nx\n### Diagnosis\n`up`\n### Mitigation\nx\n### Escalation\nx\n"
TARGET = 'instance="gate-1:9100",job="turnstile",region="eu",host="gate-1",system="turnstile"'


@pytest.fixture
def turnstile(tmp_path, monkeypatch):
    folder = tmp_path / "turnstile"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, text in re.findall(r"^### `([\w.]+)`\n(?:[^`\n].*\n)*```\w+\n((?:.*\n)*?)^```$", PAGE.read_text(), re.MULTILINE):
        (folder / name).write_text(text)
    runbook = folder / "runbook.md"
    runbook.write_text(runbook.read_text() + "\n" + SECTION.format(name="TurnstileCrowded") + "\n" + SECTION.format(name="TurnstileJammed"))
    (folder / "metrics.sample").write_text("# TYPE turnstile_waiting gauge\n" + "".join(
        f'{name}{{{TARGET},gate="a"}} 1\n' for name in ("turnstile_entries_total", "turnstile_waiting")))
    monkeypatch.setattr(package, "__path__", [str(tmp_path)])
    yield load.one(folder)
    for name in [name for name in sys.modules if name.startswith("dashboards.systems.turnstile")]:
        del sys.modules[name]


def test_every_file_is_there(turnstile):
    assert len(turnstile.alerts) == 3 and len(turnstile.metrics) == 2 and turnstile.dashboards
    assert turnstile.runbook.count("## Turnstile") == 3


def test_it_keeps_every_law(turnstile):
    systems = (landing(), shop(), turnstile)
    problems = checks.run(Content(systems, {loaded.system.id: loaded for loaded in systems}))
    # The shop beside it has no lab.
    assert [str(problem) for problem in problems if not problem.where.startswith("shop: drills.yml")] == []


def test_every_file_of_a_real_system_is_in_the_table():
    named = set(re.findall(r"^\| `([\w.]+)` \|", PAGE.read_text(), re.MULTILINE))
    for loaded in load.everything().systems:
        assert {path.name for path in loaded.folder.iterdir() if path.suffix in (".py", ".md", ".sample", ".yml")
                and path.name != "kpis.yml"} <= named
