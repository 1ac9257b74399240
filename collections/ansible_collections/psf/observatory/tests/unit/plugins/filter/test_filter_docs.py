# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters' documentation is true: each has its sidecar, which names the parameters of the function, and its examples come out as
they say in the inventory that the README of the collection shows."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import fragment_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.plugin_docs import get_docstring
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.psf.observatory.plugins.filter.estate import SETTINGS

COLLECTION = Path(__file__).resolve().parents[4]
DIRECTORY = COLLECTION / "plugins" / "filter"
TYPES = {"str": str, "bool": bool, "int": int, "float": float, "list": list, "dict": dict, "raw": object}
# Their samples show one key of several.
SAMPLED = ("grafana_sync_metrics", "scrape_targets", "services")


def filters():
    """Every filter of the directory, by name."""
    found = {}
    for path in sorted(DIRECTORY.glob("*.py")):
        module = import_module(f"ansible_collections.psf.observatory.plugins.filter.{path.stem}")
        table = module.FilterModule().filters()
        assert not set(table) & set(found), f"{path.name}: two files have the same filter"
        found.update(table)
    return found


FILTERS = filters()
SIDECARS = sorted(path.stem for path in DIRECTORY.glob("*.yml"))
DOCUMENTED = sorted(set(FILTERS) & set(SIDECARS))


def documented(name):
    """What ansible-doc shows: documentation with its fragments, text of the examples, what is returned."""
    doc, examples, returned, _metadata = get_docstring(
        str(DIRECTORY / f"{name}.yml"), fragment_loader, collection_name="psf.observatory", is_module=False, plugin_type="filter")
    return doc, examples, returned if isinstance(returned, dict) else yaml.safe_load(returned)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Renders a template as a task on obs-eu-1 would, with the task's variables, in the inventory of the README."""
    text = (COLLECTION / "README.md").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("inventory") / "hosts.yml"
    path.write_text(re.search(r"```yaml\n(all:\n.*?)```", text, re.DOTALL).group(1), encoding="utf-8")
    loader = DataLoader()
    inventory = InventoryManager(loader, sources=[str(path)])
    manager = VariableManager(loader, inventory)
    HostVars(inventory, manager, loader)
    known = {**manager.get_vars(host=inventory.get_host("obs-eu-1")), "ansible_run_tags": ["all"]}
    return lambda value, variables: Templar(loader=loader, variables={**known, **trusted(variables)}).template(trusted(value))


def trusted(value):
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def test_every_filter_has_a_sidecar_and_none_is_left_over():
    assert sorted(FILTERS) == SIDECARS


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_sidecar_has_the_parameters_of_its_filter(name):
    doc, _examples, _returned = documented(name)
    assert doc["name"] == name
    first, *more = inspect.signature(FILTERS[name]).parameters.values()
    assert first.default is first.empty and doc["options"]["_input"]["required"] is True
    assert doc["positional"] == ", ".join(["_input", *(parameter.name for parameter in more)])
    assert sorted(doc["options"]) == sorted(["_input", *(parameter.name for parameter in more)])
    for parameter in more:
        option = doc["options"][parameter.name]
        required = parameter.default is parameter.empty
        assert (option.get("required", False), option.get("default")) == (required, None if required else parameter.default), parameter.name
        assert option["description"] and option["type"], parameter.name


def test_every_configuration_is_among_the_choices():
    assert list(documented("settings")[0]["options"]["service"]["choices"]) == list(SETTINGS)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_examples_come_out_as_documented(name, template):
    """The first is the sample of what is returned, of a further one a comment says it; an assertion holds."""
    _doc, examples, returned = documented(name)
    value = returned["_value"]
    for index, text in enumerate(re.split(r"(?m)^(?=- name: )", examples.strip())[1:]):
        [task] = yaml.safe_load(text)
        variables = task.get("vars", {})
        if "ansible.builtin.assert" in task:
            assert template("{{ " + task["ansible.builtin.assert"]["that"] + " }}", variables) is True
            continue
        assert f"| psf.observatory.{name}" in text
        found = template(task["ansible.builtin.debug"]["msg"], variables)
        if index:
            assert found == yaml.safe_load(re.search(r"# => (.+)", text).group(1))
            continue
        assert isinstance(found, TYPES[value["type"]])
        rows = found if value["type"] == "list" else [found]
        assert all(isinstance(row, TYPES[value.get("elements", value["type"])]) for row in rows)
        assert "contains" not in value or all(set(row) <= set(value["contains"]) for row in rows)
        if name in SAMPLED:
            [key] = value["sample"]
            found = {key: found[key]}
        assert found == value["sample"]
