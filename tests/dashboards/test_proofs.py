"""Every Prometheus alert fires, resolves and stays silent, by its own proof under promtool; and a proof notices a broken rule."""

from __future__ import annotations

import pytest
from promtool import promtool, run

from dashboards import load


@pytest.fixture(scope="session")
def rules(bundle, tmp_path_factory):
    """The bundle's Prometheus files as they lie on disk."""
    try:
        promtool()
    except RuntimeError as error:
        pytest.skip(str(error))
    place = tmp_path_factory.mktemp("bundle")
    for path, text in bundle.items():
        if path.startswith("prometheus/"):
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
    return place / "prometheus"


def systems() -> list[str]:
    return [loaded.system.id for loaded in load.everything().systems if any(alert.source == "prometheus" for alert in loaded.alerts)]


def test_rules_are_rules(rules):
    good, said = run("check", "rules", *sorted(str(path) for path in (rules / "rules").glob("*.yml")), cwd=rules)
    assert good, said


@pytest.mark.parametrize("system", systems())
def test_alerts_fire_and_stay_silent(rules, system):
    good, said = run("test", "rules", f"{system}.yml", cwd=rules / "tests")
    assert good, said


def test_every_alert_is_in_a_test(rules):
    for loaded in load.everything().systems:
        for alert in loaded.alerts:
            if alert.source == "prometheus":
                assert f"{alert.name} fires and resolves" in (rules / "tests" / f"{loaded.system.id}.yml").read_text(), alert.name


@pytest.mark.parametrize(("broken", "by"), [
    ('state="failed"} == 1', 'state="failed"} == 2'), ('state="failed"} == 1', 'state="failed"} >= 0'),
    ("severity: warning", "severity: critical"), ("alert: SystemdUnitFailed", "alert: SystemdUnitGone"), ("for: 5m", "for: 5h")])
def test_a_proof_notices_a_broken_rule(rules, tmp_path, broken, by):
    for folder in ("rules", "tests"):
        (tmp_path / folder).mkdir()
        text = (rules / folder / "systemd.yml").read_text()
        assert folder == "tests" or broken in text
        (tmp_path / folder / "systemd.yml").write_text(text.replace(broken, by, 1) if folder == "rules" else text)
    good, said = run("test", "rules", "systemd.yml", cwd=tmp_path / "tests")
    assert not good and "FAILED" in said
