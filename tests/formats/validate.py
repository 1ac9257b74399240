"""Hold each run that sample.py wrote against the models and schemas: python tests/formats/validate.py RUNS SCHEMAS

Runs in the environment of requirements-formats.txt.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker, validators
from lxml import etree
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.component import ComponentDefinition

HERE = Path(__file__).resolve().parent


def oscal(run: Path) -> Iterator[str]:
    for model, name in ((AssessmentResults, "assessment-results"), (ComponentDefinition, "component-definition")):
        try:
            model.oscal_read(run / "oscal" / f"{name}.json")
        except Exception as error:  # whatever trestle raises, it is a finding
            yield f"{name}: {str(error)[:2000]}"


def schema(run: Path, name: str, document: dict) -> Iterator[str]:
    data = json.loads((run / name).read_bytes())
    validator = validators.validator_for(document, Draft202012Validator)(document, format_checker=FormatChecker())
    for error in list(validator.iter_errors(data))[:10]:
        yield f"{name}: {error.json_path}: {error.message[:300]}"


def junit(run: Path, rules: etree.XMLSchema) -> Iterator[str]:
    if not rules.validate(etree.parse(run / "junit.xml")):
        for error in list(rules.error_log)[:10]:
            yield f"junit.xml: line {error.line}: {error.message[:300]}"


def main(runs: str, schemas: str) -> int:
    place = Path(schemas)
    sarif = json.loads((place / "sarif-2.1.0-rtm.5.json").read_bytes())
    rules = etree.XMLSchema(etree.parse(place / "jenkins-junit.xsd"))
    reports = json.loads((HERE / "openreports.schema.json").read_bytes())
    problems, count = [], 0
    for run in sorted(Path(runs).glob("*/[0-9]*")):
        count += 1
        found = [*oscal(run), *schema(run, "report.sarif", sarif), *junit(run, rules)]
        for name, group in (("openreports.json", "openreports.io/v1alpha1"), ("policyreports.json", "wgpolicyk8s.io/v1alpha2")):
            found += schema(run, name, {**reports, "$ref": f"#/$defs/{group.replace('/', '~1')}"})
        problems += [f"{run.parent.name}/{run.name}: {problem}" for problem in found]
    for problem in problems:
        print(problem)
    print(f"[formats] {count} runs: OSCAL, SARIF, JUnit, OpenReports, {len(problems)} problems")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
