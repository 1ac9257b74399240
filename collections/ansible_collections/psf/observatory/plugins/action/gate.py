# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a gate's declaration, or judge it by the last assessment and the regions' answers and record the outcome: on the controller."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from ansible_collections.psf.observatory.plugins.plugin_utils.governance import gate, model, run
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.verify import GATE
from ansible_collections.psf.observatory.plugins.plugin_utils.on_controller import SIGNING, ControllerAction, signing_key

GATES = Path(__file__).resolve().parents[2] / "roles" / "governance_report" / "gates"


class ActionModule(ControllerAction):
    spec: ClassVar = {
        "gate": {"type": "str", "required": True},
        "gates": {"type": "list", "elements": "path", "default": []},
        "directory": {"type": "path"},
        "answers": {"type": "dict"},
        "regions": {"type": "list", "elements": "str", "default": []},
        **SIGNING,
    }
    rules: ClassVar = {"required_together": [("directory", "answers")]}

    def answer(self, options, task_vars):
        declared = gate.load(_file(options["gate"], [*map(Path, options["gates"]), GATES]))
        found = {"changed": False, "queries": [{"id": query.id, "expr": query.expr} for query in declared.queries], "title": declared.title}
        return found if options["answers"] is None else found | self._judge(declared, options)

    def _judge(self, declared, options):
        key = signing_key(options)
        runs = run.Runs(options["directory"])
        now = datetime.now(UTC)
        known = runs.assessments()
        found = gate.evaluate(declared, runs.results(known[-1]) if known else None, options["answers"], options["regions"], now)
        text = gate.markdown(found)
        path = None
        if not self._task.check_mode:
            with runs.locked():
                now = datetime.now(UTC)
                name = runs.new_id(now)
                head = {"environment": found["environment"], "started": found["evaluated_at"], "finished": model.stamp(now)}
                record = json.dumps({**found, "answers": options["answers"]}, indent=1, sort_keys=True) + "\n"
                files = {"gate.json": record, "gate.md": text}
                path = str(runs.record(name, GATE, files, head, key))
        return {"changed": True, "path": path, "text": text.splitlines(), **{name: found[name] for name in (
            "gate", "go", "reasons", "checks", "run", "environment", "evaluated_at")}}


def _file(name, directories):
    """The file of a gate, by its id; a site's own comes before the collection's."""
    if not gate.NAME.fullmatch(name):
        raise model.GovernanceError(f"gate: {name!r} is not an id: a-z, 0-9 and _")
    for directory in directories:
        if (directory / f"{name}.yml").is_file():
            return directory / f"{name}.yml"
    known = sorted({path.stem for directory in directories for path in directory.glob("*.yml")})
    raise model.GovernanceError(f"gate: there is no {name!r}; known are {', '.join(known)}")
