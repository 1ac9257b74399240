# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said in several places agrees: a role's defaults and its argument specs, the README and what there is, services and their files,
locks and playbooks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.psf.observatory.plugins.plugin_utils import estate
from ansible_collections.psf.observatory.plugins.plugin_utils.artifacts.lock import LOCKS, Lock

COLLECTION = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (COLLECTION / "roles").iterdir() if path.is_dir())
SERVICES = estate.services()
EXPORTERS = sorted(name for name, service in SERVICES.items() if service["role"] == "exporter")


def read(*parts):
    return yaml.safe_load(COLLECTION.joinpath(*parts).read_text(encoding="utf-8"))


def defaults(role):
    return read("roles", role, "defaults", "main.yml")


def options(role):
    return read("roles", role, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]


def fits(value, spec):
    kinds = {"str": str, "bool": bool, "int": int, "float": (int, float), "list": list, "dict": dict, "path": str, "raw": object}
    templated = isinstance(value, str) and "{{" in value
    return templated or (isinstance(value, kinds[spec["type"]]) and not (spec["type"] in ("int", "float") and value is True))


# -- roles -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES)
def test_a_roles_argument_specs_are_its_defaults(role):
    assert sorted(options(role)) == sorted(defaults(role))


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_options_have_its_name_a_type_and_a_description(role):
    for name, spec in options(role).items():
        assert name.startswith(role + "_"), name
        assert spec["type"] and spec["description"], name
        assert spec["type"] != "list" or spec.get("elements"), name


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_defaults_are_of_their_type_and_among_their_choices(role):
    for name, value in defaults(role).items():
        spec = options(role)[name]
        assert fits(value, spec), f"{name}: {value!r} is no {spec['type']}"
        assert "choices" not in spec or value in spec["choices"], name


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_only_what_it_declares(role):
    """A variable with the role's name that neither defaults nor the tasks define would be a slip of the pen."""
    tasks = "".join(path.read_text(encoding="utf-8") for path in (COLLECTION / "roles" / role).glob("tasks/*.yml"))
    own = set(re.findall(r"^\s+(%s_\w+):" % role, tasks, re.MULTILINE)) | set(re.findall(r"(?:register|loop_var): (\w+)", tasks))
    templates = "".join(re.findall(r"{{.*?}}|when:.*|that:.*", tasks, re.DOTALL))
    used = set(re.findall(r"(?<![\w'./])(%s_\w+)(?![\w'(])" % role, templates))
    assert used - own - set(defaults(role)) == set()


# -- README ------------------------------------------------------------------------------------------------------------
def test_the_readme_lists_every_module_callback_and_role_and_no_other():
    text = COLLECTION.joinpath("README.md").read_text(encoding="utf-8")
    modules, roles = (re.search(rf"^## {title}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL).group(1) for title in ("Modules", "Roles"))
    heads = "".join(re.findall(r"^- ([^:]+):", modules, re.MULTILINE))
    assert sorted(re.findall(r"`(\w+)`", heads)) == sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py"))
    assert sorted(re.findall(r"^- \[(\w+)\]\(roles/\1/README.md\)", roles, re.MULTILINE)) == ROLES
    for path in (COLLECTION / "plugins" / "callback").glob("*.py"):
        assert f"`{path.stem}`" in modules


# -- services ----------------------------------------------------------------------------------------------------------
def test_a_services_file_has_its_name_and_each_has_one():
    files = sorted(path.stem for path in (COLLECTION / "roles").glob("*/services/*.yml"))
    assert files == sorted(SERVICES) and len(set(files)) == len(files)


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_artifact_has_a_lock_and_its_role_exists(service):
    artifact = SERVICES[service].get("artifact")
    if artifact:
        assert Lock(artifact).server == artifact
    assert SERVICES[service]["role"] in ROLES
    assert (COLLECTION / "roles" / SERVICES[service]["role"] / "tasks" / "main.yml").is_file()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_described_whole(service):
    row = SERVICES[service]
    assert re.fullmatch("[a-z][a-z0-9_]*", service) and row["groups"]
    assert row["ports"] and all(isinstance(port, int) and 0 < port < 65536 for port in row["ports"].values())
    if "metrics" in row:
        assert row["metrics"]["port"] in row["ports"] and row["metrics"]["path"].startswith("/")
    assert row.get("health", "/").startswith("/")


def test_no_two_services_want_the_same_port():
    """They may all be on one host."""
    taken = [port for row in SERVICES.values() for port in row["ports"].values()]
    assert len(set(taken)) == len(taken)


def test_every_lock_belongs_to_a_service():
    locks = {path.parent.name for path in LOCKS.glob("*/lock.yml")}
    assert locks == {row["artifact"] for row in SERVICES.values() if "artifact" in row}


# -- exporters ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_an_exporters_data_is_whole(exporter):
    row = SERVICES[exporter]
    assert row["exporter"]["description"] and row["exporter"]["documentation"].startswith("https://")
    command = row["exporter"]["exec"]
    programs = Lock(row["artifact"]).sources["build"]["packages"]
    assert command[0] in {"{artifact}/" + name for name in programs}
    assert any("{listen}" in word for word in command) and any("{config}/web.yml" in word for word in command)
    for word in [word for line in [command, *row["exporter"].get("validate", [])] for word in line]:
        for name in re.findall(r"{config}/([\w.]+)", word):
            assert name == "web.yml" or name in row["exporter"]["files"], word


# -- artifacts ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("server", sorted(path.parent.name for path in LOCKS.glob("*/lock.yml")))
def test_every_source_of_a_lock_gives_the_same_programs(server):
    lock = Lock(server)
    if "tree" in lock.sources.get("release", {}):
        assert set(lock.sources) == {"release"}, "another source would have to give the same tree"
        return
    programs = {name: set(row["files"]) for name, row in lock.sources.items() if "files" in row}
    programs |= {name: set(row["files"]) for name, row in lock.sources.get("package", {}).items()}
    if "build" in lock.sources:
        programs["build"] = set(lock.sources["build"]["packages"])
        assert lock.go_version and (lock.directory / "go.sum").is_file()
    assert len({frozenset(names) for names in programs.values()}) == 1, programs
