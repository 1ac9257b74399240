"""Discovery: a folder is a system; what is missing or under another name is refused with the file."""

from __future__ import annotations

import sys
import textwrap

import pytest

from dashboards import load
from dashboards import systems as package
from dashboards.model import ContentError

SYSTEM = '''
    from dashboards.model import System
    SYSTEM = System("{id}", "Thing", "web", "A thing.", ("thing",))
'''
DASHBOARD = '''
    from dashboards.model import Dashboard
    from dashboards.panels import golden, targets_up
    DASHBOARDS = (Dashboard("overview", "Thing", "All of it.", (golden(targets_up(("thing",))),)),)
'''
ALERTS = '''
    from dashboards.model import Alert, Proof
    ALERTS = (Alert("ThingDown", "info", "up == 0", "1m", "up is {{ $value }}", "It is down.",
                    "overview/up", Proof({"up": "0"}, {"up": "1"})),)
'''


@pytest.fixture
def systems(tmp_path, monkeypatch):
    """A folder that stands where dashboards/systems stands, with one system; modules are forgotten afterwards."""
    monkeypatch.setattr(package, "__path__", [str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("dashboards.systems.thing", "dashboards.systems.other"))]:
        del sys.modules[name]


def put(folder, name, text, **values):
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / name).write_text(textwrap.dedent(text.format(**values) if values else text))


def test_a_folder_is_a_system(systems):
    put(systems / "thing", "system.py", SYSTEM, id="thing")
    put(systems / "thing", "dashboard.py", DASHBOARD)
    (systems / "_notes").mkdir()
    (systems / "__init__.py").touch()
    found = load.everything(systems)
    assert [loaded.system.id for loaded in found.systems] == ["thing"]
    only = found.by_id["thing"]
    assert (only.alerts, only.metrics, only.runbook, only.slos, only.sample.labels) == ((), (), "", "", {})


def test_folder_and_id_agree(systems):
    put(systems / "thing", "system.py", SYSTEM, id="other")
    with pytest.raises(ContentError, match=r"thing/system.py: id is 'other', but the folder is 'thing'"):
        load.one(systems / "thing")


@pytest.mark.parametrize(("files", "says"), [
    ({}, "system.py is missing"),
    ({"system.py": SYSTEM.format(id="thing")}, "dashboard.py is missing"),
    ({"system.py": "X = 1"}, "must define SYSTEM, a System"),
    ({"system.py": SYSTEM.format(id="thing"), "dashboard.py": "DASHBOARDS = [1]"}, "DASHBOARDS must be a tuple of Dashboard"),
    ({"system.py": SYSTEM.format(id="thing"), "dashboard.py": DASHBOARD, "alerts.py": "ALERTS = (1,)"}, "ALERTS must be a tuple of Alert"),
    ({"system.py": SYSTEM.format(id="thing"), "dashboard.py": DASHBOARD, "metrics.sample": "not a series"},
     "metrics.sample: line 1 is not of the exposition"),
])
def test_what_is_missing_is_refused_with_its_file(systems, files, says):
    (systems / "thing").mkdir()
    for name, text in files.items():
        put(systems / "thing", name, text)
    with pytest.raises(ContentError, match=says) as caught:
        load.one(systems / "thing")
    assert "thing" in str(caught.value)


def test_alert_names_are_unique_across_systems(systems):
    for name in ("thing", "other"):
        put(systems / name, "system.py", SYSTEM, id=name)
        put(systems / name, "dashboard.py", DASHBOARD)
        put(systems / name, "alerts.py", ALERTS)
    with pytest.raises(ContentError, match="alert ThingDown is declared by other and by thing; names are unique"):
        load.everything(systems)


def test_alert_names_are_unique_within_a_system(systems):
    put(systems / "thing", "system.py", SYSTEM, id="thing")
    put(systems / "thing", "dashboard.py", DASHBOARD)
    put(systems / "thing", "alerts.py", ALERTS + "    ALERTS += ALERTS\n")
    with pytest.raises(ContentError, match="alert ThingDown is declared by thing and by thing; names are unique"):
        load.everything(systems)


def test_no_system_at_all(tmp_path):
    with pytest.raises(ContentError, match="no system is declared"):
        load.everything(tmp_path)


def test_only_those_present():
    content = load.everything()
    assert [loaded.system.id for loaded in content.only(["node"])] == ["node"]
    with pytest.raises(ContentError, match="there is no folder dashboards/systems/nosuch; known are"):
        content.only(["node", "nosuch"])
