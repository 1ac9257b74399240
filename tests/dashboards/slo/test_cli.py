"""The command: files and directories, all or nothing, the same result for any number of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dashboards.slo.cli import main
from tests import promtool

SPEC = """\
version: prometheus/v1
service: {service}
slos:
  - name: errors
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(e_total{{job="{service}"}}[{{{{.window}}}}]))
        total_query: sum(rate(t_total{{job="{service}"}}[{{{{.window}}}}]))
    alerting: {{name: Errors}}
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def specs(tmp_path):
    place = tmp_path / "specs"
    for service in ("alpha", "beta", "deep/gamma"):
        path = place / f"{service}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SPEC.format(service=path.stem))
    return place


def tree(place: Path) -> dict[str, str]:
    return {str(path.relative_to(place)): path.read_text() for path in sorted(place.rglob("*")) if path.is_file()}


def names(text: str) -> list[str]:
    return [group["name"] for group in yaml.safe_load(text)["groups"]]


def test_file_to_file(specs, tmp_path):
    assert main(["--in", str(specs / "alpha.yml"), "--out", str(tmp_path / "rules.yml")]) == 0
    assert names((tmp_path / "rules.yml").read_text())[0] == "sloth-slo-sli-recordings-alpha-errors"


def test_directory_to_directory_whatever_the_number_of_processes(specs, tmp_path):
    for jobs in ("1", "3"):
        assert main(["--in", str(specs), "--out", str(tmp_path / f"rules{jobs}"), "--jobs", jobs]) == 0
    assert list(tree(tmp_path / "rules1")) == ["alpha.yml", "beta.yml", "deep/gamma.yml"]
    assert tree(tmp_path / "rules1") == tree(tmp_path / "rules3")


def test_directory_to_one_file(specs, tmp_path):
    assert main(["--in", str(specs), "--out", str(tmp_path / "all.yml"), "--sloth"]) == 0
    assert len(names((tmp_path / "all.yml").read_text())) == 9


def test_all_or_nothing(specs, tmp_path, capsys):
    out = tmp_path / "rules"
    assert main(["--in", str(specs), "--out", str(out)]) == 0
    before = tree(out)
    (specs / "alpha.yml").write_text(SPEC.format(service="changed"))
    (specs / "beta.yml").write_text(SPEC.format(service="beta").replace("99.9", "101"))
    (specs / "deep/gamma.yml").write_bytes(b"\xff\xfe\x00")
    assert main(["--in", str(specs), "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert "beta.yml: slos[0].objective (line 5)" in said and "gamma.yml: is not UTF-8" in said and "nothing was written" in said
    assert tree(out) == before


def test_a_write_that_fails_leaves_nothing(specs, tmp_path, capsys):
    out = tmp_path / "rules"
    (out / "beta.yml").mkdir(parents=True)
    assert main(["--in", str(specs), "--out", str(out)]) == 1
    assert "is a directory" in capsys.readouterr().err and tree(out) == {}


def test_ids_differ_between_files(specs, tmp_path, capsys):
    (specs / "delta.yml").write_text(SPEC.format(service="alpha"))
    assert main(["--in", str(specs), "--out", str(tmp_path / "rules")]) == 1
    assert "delta.yml: the id 'alpha-errors' (service and name) is there already, in" in capsys.readouterr().err


def test_specs_are_not_overwritten(specs, tmp_path, capsys):
    before = tree(specs)
    assert main(["--in", str(specs), "--out", str(specs)]) == 1
    assert "would be overwritten by its own rules" in capsys.readouterr().err and tree(specs) == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--windows", "missing.yml"], "missing.yml"),
        (["--period", "2d"], "too short for the default tiers"),
        (["--period", "often"], "is not a duration"),
        (["--sloth", "--inhibitions", "i.yml"], "leave out --sloth"),
    ],
)
def test_wrong_options(specs, tmp_path, capsys, more, said):
    assert main(["--in", str(specs), "--out", str(tmp_path / "rules"), *more]) == 1
    assert said in capsys.readouterr().err and not (tmp_path / "rules").exists()


def test_nothing_to_read(tmp_path, capsys):
    assert main(["--in", str(tmp_path), "--out", str(tmp_path / "rules")]) == 1
    assert "holds no file that ends in .yml or .yaml" in capsys.readouterr().err


def test_logql_needs_a_place_of_its_own(specs, tmp_path, capsys):
    text = SPEC.format(service="logs").replace("rate(e_total{", 'count_over_time({level="e",').replace("rate(t_total{", "count_over_time({")
    (specs / "logs.yml").write_text(text.replace("slos:", "x-psf: {source: loki}\nslos:"))
    assert main(["--in", str(specs), "--out", str(tmp_path / "rules")]) == 1
    assert "name a place for them with --loki" in capsys.readouterr().err
    assert main(["--in", str(specs), "--out", str(tmp_path / "rules"), "--loki", str(tmp_path / "loki")]) == 0
    assert list(tree(tmp_path / "loki")) == ["logs.yml"] and list(tree(tmp_path / "rules")) == ["alpha.yml", "beta.yml", "deep/gamma.yml"]


def test_tests_and_inhibitions(specs, tmp_path):
    arguments = ["--in", str(specs / "alpha.yml"), "--out", str(tmp_path / "rules.yml"), "--tests", str(tmp_path / "tests")]
    links = ["--runbook-url", "https://example.org/{slo}#{alert_lower}", "--system", "web", "--owner", "team"]
    assert main([*arguments, "--inhibitions", str(tmp_path / "inhibit.yml"), *links]) == 0
    passed, said = promtool.run("test", "rules", "alpha-errors.test.yml", cwd=tmp_path / "tests")
    assert passed, said
    assert [rule["source_matchers"][1] for rule in yaml.safe_load((tmp_path / "inhibit.yml").read_text())["inhibit_rules"]] == [
        'tier="page-quick"',
        'tier="page-slow"',
        'tier="ticket-quick"',
    ]
    rules = (tmp_path / "rules.yml").read_text()
    assert (
        "https://example.org/errors#errorsabsent" in rules
        and "owner: team" in rules
        and rules == (tmp_path / "tests" / "alpha-errors.rules.yml").read_text()
    )


def test_alone_and_without_ansible(specs):
    """As a program: output to the terminal, and no import of what it does not need."""
    code = (
        "import sys, json; from dashboards.slo.cli import main; main(sys.argv[1:]); print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--in", str(specs / "alpha.yml"), "--out", "-"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert len(names(done.stdout)) == 3
    assert not {"ansible", "grafanalib", "jinja2"} & set(json.loads(done.stderr))
