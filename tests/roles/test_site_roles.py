# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's own roles: described as the collection's are, and at odds with none of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in ROOT.glob("roles/*/tasks/main.yml"))
COLLECTION = ROOT / "collections/ansible_collections/psf/observatory"


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


SERVICES = {path: read(path) for base in (COLLECTION / "roles", ROOT / "roles") for path in sorted(base.glob("*/services/*.yml"))}


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_role_is_one_task_with_every_option_described_and_defaulted(role):
    tasks = read(role / "tasks/main.yml")
    assert [next(key for key in task if key.startswith("psf.observatory.")) for task in tasks] == ["psf.observatory.component"]
    options = read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = read(role / "defaults/main.yml")
    assert set(options) == set(defaults)
    for name, option in options.items():
        assert name.startswith(role.name + "_") and option["description"]
        if "default" in option:
            assert option["default"] == defaults[name], name
    assert (role / "README.md").read_text().startswith(f"# {role.name}\n")


def test_ids_and_ports_of_all_services_are_their_own():
    ids = [row["id"] for row in SERVICES.values()]
    assert len(set(ids)) == len(ids) and all(row["id"] == path.stem for path, row in SERVICES.items())
    ports = [port for row in SERVICES.values() for port in row["ports"].values()]
    assert len(set(ports)) == len(ports)


def test_every_service_of_the_site_is_a_group_of_the_lab_and_a_play():
    groups = read(ROOT / "inventories/lab/groups.yml")["all"]["children"]
    plays = {play["hosts"] for play in read(ROOT / "playbooks/estate.yml")}
    wanted = {group for path, row in SERVICES.items() if ROOT / "roles" in path.parents for group in row["groups"]}
    assert wanted and wanted <= set(groups) and wanted <= plays


def test_the_app_is_pinned_and_names_no_registry():
    app = ROOT / "roles/psf_web/app"
    package, lock = json.loads((app / "package.json").read_text()), json.loads((app / "package-lock.json").read_text())
    build = read(ROOT / "roles/psf_web/artifacts/psf_web/lock.yml")["sources"]["build"]
    assert package["version"] == lock["version"] == build["version"]
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    for name, row in lock["packages"].items():
        assert name == "" or row["integrity"].startswith("sha512-"), name
        assert "resolved" not in row, f"{name}: make the lock with npm install --omit-lockfile-registry-resolved"


def test_labels_that_clients_can_fill_are_bounded_in_one_place():
    """Metrics are made in metrics.ts alone, where each label's values are declared."""
    for path in sorted((ROOT / "roles/psf_web/app/src").glob("*.ts")):
        made = re.findall(r"new (?:Histogram|Counter|Gauge)\(", path.read_text())
        assert not made or path.name == "metrics.ts", path.name
