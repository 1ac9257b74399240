# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gather what the hosts' assessments gave, apply the waivers, write the run: all on the controller."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import yaml
from ansible_collections.psf.observatory.plugins.module_utils.governance import control
from ansible_collections.psf.observatory.plugins.plugin_utils import controls as library
from ansible_collections.psf.observatory.plugins.plugin_utils import estate
from ansible_collections.psf.observatory.plugins.plugin_utils.governance import model, report, run, waivers
from ansible_collections.psf.observatory.plugins.plugin_utils.on_controller import SIGNING, ControllerAction, signing_key

COLLECTION = Path(__file__).resolve().parents[2]
CONTROLS = COLLECTION / "roles" / "governance" / "controls"


class ActionModule(ControllerAction):
    spec: ClassVar = {
        "directory": {"type": "path", "required": True},
        "environment": {"type": "str", "required": True},
        "waivers": {"type": "raw"},
        "waivers_base": {"type": "path"},
        "controls": {"type": "list", "elements": "path", "default": []},
        "parameters": {"type": "dict", "default": {}},
        "complete": {"type": "bool", "default": True},
        **SIGNING,
    }

    def answer(self, options, task_vars):
        # All that can be wrong with what was given is said before anything is written.
        given = waivers.load(options["waivers"], options["waivers_base"] or ".")
        key = signing_key(options)
        runs = run.Runs(options["directory"])
        answers, asked = self._answers(task_vars, options["complete"])
        # In check mode nothing is made, not even the lock; a run that writes meanwhile does not disturb reading.
        with contextlib.nullcontext() if self._task.check_mode else runs.locked():
            now = datetime.now(UTC)
            made = report.build(
                answers, given, run_id=runs.new_id(now), environment=options["environment"], now=now, asked=asked,
                own_controls=_own_controls(options["parameters"] or {}), known=_known_controls([CONTROLS, *map(Path, options["controls"])]),
                earlier=runs.earlier(), complete=options["complete"], version=_version())
            path = runs.path / made.run_id if self._task.check_mode else runs.write(made, key)
        return {"changed": True, "run": made.run_id, "path": str(path), **outcome(made, path)}

    @staticmethod
    def _answers(task_vars, complete):
        """What each host gave, and who was asked. A host whose assessment failed gave nothing."""
        hostvars, groups = task_vars["hostvars"], task_vars["groups"]
        answers, asked = [], {}
        for host in [name for name in groups.get("all", []) if name != "localhost"]:
            answer = hostvars[host].get("assessment_result")
            good = isinstance(answer, dict) and not answer.get("failed") and isinstance(answer.get("results"), list)
            if good:
                answers.append((host, answer))
            if good or complete:
                asked[host] = estate.region_of(groups, host)
        if not answers:
            raise model.GovernanceError("no host has an assessment_result; run playbooks/assess.yml, whose first play assesses the hosts")
        return answers, asked


def _own_controls(given):
    """(file, control) of the controls that are judged here, with what the environment gave for their parameters."""
    found = []
    for name, row in library.of_the_run().items():
        effective, changed = control.parameters(row, given.get(name) or {}, f"governance_parameters.{name}")
        params = {key: {**spec, "value": effective[key]} if key in changed else spec for key, spec in row["params"].items()}
        found.append((str(library.OF_THE_RUN / f"{name}.yml"), {**row, "params": params}))
    return found


def _known_controls(directories):
    """Every control that exists: hosts name theirs by id. A broken file is the assessment's to refuse."""
    found = {}
    for path in [path for directory in directories for path in sorted(directory.glob("*.yml"))]:
        with contextlib.suppress(OSError, yaml.YAMLError, model.GovernanceError):
            row = model.read_control(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
            found.setdefault(row.id, row)
    return found.values()


def _version():
    """The collection's: a checkout has galaxy.yml, an installed collection MANIFEST.json."""
    for name, where in (("galaxy.yml", ()), ("MANIFEST.json", ("collection_info",))):
        if (COLLECTION / name).is_file():
            data = yaml.safe_load((COLLECTION / name).read_text(encoding="utf-8"))
            for key in where:
                data = data[key]
            return str(data["version"])
    return ""


def outcome(made, path):
    """What a playbook wants to know of a run."""
    overall = made.score()
    bad = [row for row in made.results if row.bad]
    rows = [{"control": row.control, "severity": made.controls[row.control].severity, "subject": row.name, "region": row.region,
             "status": row.status, "message": row.message} for row in bad if row.change == "regressed"]
    by_severity = {name: sum(made.controls[row.control].severity == name for row in bad) for name in model.SEVERITIES}
    return {
        "summary": {
            "grade": overall.grade, "capped": overall.capped, "effective": overall.effective, "strict": overall.strict,
            "coverage": made.coverage, "open": by_severity, "silent": sorted(made.silent), "previous": made.previous},
        "counts": made.counts(), "changes": made.changes(), "regressions": rows,
        "waivers": {state: sum(row.state == state for row in made.waivers) for state in waivers.STATES},
        "problems": [problem for row in made.waivers for problem in row.problems],
        "report": str(path / "report.html"), "complete": made.complete,
        "regions": {region: {"metrics": str(path / "regions" / f"{region}.prom"), "lines": str(path / "regions" / f"{region}.jsonl")}
                    for region in made.regions}}
