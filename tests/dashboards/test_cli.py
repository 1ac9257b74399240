"""The command: what it lists, writes and refuses, and with which status."""

from __future__ import annotations

import io
import json

import pytest

from dashboards import checks, cli, load

ESTATE = {"format": 1, "environment": "lab", "regions": ["eu"], "systems": ["node", "systemd"], "owners": ["platform"]}


@pytest.fixture
def estate(tmp_path):
    path = tmp_path / "estate.json"
    path.write_text(json.dumps(ESTATE))
    return path


@pytest.mark.parametrize("verb", ["", "systems", "check", "render", "record", "slo"])
def test_help(capsys, verb):
    with pytest.raises(SystemExit) as done:
        cli.main([*([verb] if verb else []), "--help"])
    assert done.value.code == 0 and "usage: observatory" in capsys.readouterr().out


def test_systems(capsys):
    assert cli.main(["systems"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = lines[:lines.index("")]
    assert table[0].split()[:2] == ["SYSTEM", "DASHBOARDS"] and {line.split()[0] for line in table[1:]} == set(load.everything().by_id)
    assert lines[-1].startswith("grafana: ") and "metrics are not recorded: " in lines[-1]


def test_render_and_check(capsys, tmp_path, estate):
    out = tmp_path / "bundle"
    assert cli.main(["render", "--estate", str(estate), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("written: ") and (out / "manifest.json").is_file()
    assert cli.main(["render", "--estate", str(estate), "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("unchanged: ")
    assert cli.main(["check", "--bundle", str(out)]) == 0
    (out / "queries.json").unlink()
    assert cli.main(["check", "--bundle", str(out)]) == 1
    told = capsys.readouterr()
    assert "queries.json is missing" in told.out and told.err.splitlines()[-1].startswith("1 problems: ")


def test_content_that_passed_its_laws_is_not_held_against_them_again_until_it_changes(capsys, tmp_path, estate, monkeypatch):
    out, runs = tmp_path / "bundle", []
    run = checks.run
    monkeypatch.setattr(checks, "run", lambda content: runs.append(1) or run(content))
    for _ in range(2):
        assert cli.main(["render", "--estate", str(estate), "--out", str(out)]) == 0
    assert len(runs) == 1
    monkeypatch.setattr(checks, "digest", lambda: "another")
    monkeypatch.setattr(checks, "run", lambda _content: [checks.Problem("some_law", "node: panel x", "is wrong")])
    assert cli.main(["render", "--estate", str(estate), "--out", str(out)]) == 1, "other content is held against them"
    assert "nothing was written" in capsys.readouterr().err


def test_the_digest_is_of_every_file_of_the_package(monkeypatch, tmp_path):
    for path in load.SYSTEMS.parent.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "checks").mkdir()
    monkeypatch.setattr(checks, "__file__", str(tmp_path / "checks/__init__.py"))
    before = checks.digest()
    assert checks.digest() == before
    (tmp_path / "checks/new.yml").write_text("a: law\n")
    assert checks.digest() != before


def test_an_estate_from_standard_input_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(ESTATE)))
    assert cli.main(["render", "--estate", "-", "--out", str(tmp_path / "in/bundle")]) == 0
    assert json.loads((tmp_path / "in/bundle.estate.json").read_text()) == ESTATE
    assert (tmp_path / "in/bundle/manifest.json").is_file()


def test_an_estate_that_is_refused_does_not_take_the_place_of_the_one_kept(monkeypatch, tmp_path, capsys):
    kept = tmp_path / "bundle.estate.json"
    kept.write_text("as it was")
    for text in ("", "{}", json.dumps({**ESTATE, "systems": ["nosuch"]})):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert cli.main(["render", "--estate", "-", "--out", str(tmp_path / "bundle")]) == 1
        assert "observatory: " in capsys.readouterr().err and kept.read_text() == "as it was"


def test_a_place_that_cannot_be_written(capsys, tmp_path, estate):
    (tmp_path / "file").touch()
    assert cli.main(["render", "--estate", str(estate), "--out", str(tmp_path / "file" / "bundle")]) == 1
    assert capsys.readouterr().err.startswith("observatory: ")


def test_broken_content_is_not_rendered(capsys, tmp_path, estate, monkeypatch):
    monkeypatch.setattr(checks, "run", lambda _content: [checks.Problem("some_law", "node: panel x", "is wrong")])
    assert cli.main(["render", "--estate", str(estate), "--out", str(tmp_path / "bundle")]) == 1
    told = capsys.readouterr().err
    assert "nothing was written" in told and "node: panel x: is wrong [some_law]" in told and not (tmp_path / "bundle").exists()


def test_record_says_where(capsys, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(cli.record, "write", lambda loaded, server: asked.append((loaded.system.id, server.url)) or tmp_path)
    assert cli.main(["record", "--system", "node", "--system", "loki", "--prometheus", "https://x.example/"]) == 0
    assert asked == [("node", "https://x.example"), ("loki", "https://x.example")]
    assert capsys.readouterr().out == f"recorded {tmp_path}\n" * 2


@pytest.mark.parametrize(("arguments", "says"), [
    (["render", "--estate", "nosuch.json", "--out", "x"], "observatory: nosuch.json: cannot be read"),
    (["record", "--system", "nosuch", "--prometheus", "http://127.0.0.1:1"], "system.py is missing"),
    (["record", "--system", "node", "--prometheus", "http://127.0.0.1:1/"], "observatory: http://127.0.0.1:1/api/v1/query: "),
])
def test_errors_end_with_status_1_and_no_traceback(capsys, arguments, says):
    assert cli.main(arguments) == 1
    told = capsys.readouterr().err
    assert says in told and "Traceback" not in told


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["render"], ["record", "--system", "node"]])
def test_wrong_arguments_end_with_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as done:
        cli.main(arguments)
    assert done.value.code == 2 and "usage: observatory" in capsys.readouterr().err
