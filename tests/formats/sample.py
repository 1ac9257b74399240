"""Write runs of every kind for validate.py, and have promtool check their metrics: python tests/formats/sample.py DIRECTORY

The sample of the unit tests, one whose every text is hostile, one without any failure, one of thousands of subjects.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from ansible_collections.psf.observatory.plugins.plugin_utils.governance import run, verify  # noqa: E402
from ansible_collections.psf.observatory.tests.unit import governance_sample as sample  # noqa: E402

from tests.promtool import promtool  # noqa: E402

NASTY = "<b>\"x\" & 'y' | {{ 1 }} \\ \x00 \u2028 \u00e4\n\tz " + "long " * 300


def hostile(place: run.Runs) -> None:
    row = {
        "control": "IAM-11",
        "subject": {"type": "ho st", "name": NASTY, "region": "eu", "namespace": "na me"},
        "status": "fail",
        **dict.fromkeys(("expected", "actual", "message"), NASTY),
        "parameters": {"p": NASTY},
        "overridden": ["p"],
        "evidence": {"collected_at": sample.stamp(sample.NOW), "collector": NASTY, "data": NASTY},
    }
    sample.write(place, extra=row, rows=[{**sample.WAIVERS[0], "reason": NASTY, "ticket": NASTY}])


def large(place: run.Runs) -> None:
    """2,000 subjects in four namespaces, more than one report object may hold."""
    with place.locked():
        made = sample.make(place.new_id(sample.NOW))
        row = next(row for row in made.results if row.control == "IAM-11")
        made.results += [
            type(row)(**{**row.__dict__, "type": "pod", "name": f"pod-{n}", "namespace": f"shop-{n % 4}"}) for n in range(4000)
        ]
        place.write(made)


def main(directory: str) -> int:
    place = Path(directory)
    for day in range(2):
        sample.write(run.Runs(place / "sample"), sample.NOW + timedelta(days=day))
    hostile(run.Runs(place / "hostile"))
    sample.write(run.Runs(place / "good"), verdicts={"NONE": {}}, rows=[])
    sample.write(run.Runs(place / "nothing"), verdicts={name["id"]: {"*": "not_applicable"} for name in sample.controls()}, rows=[])
    large(run.Runs(place / "large"))
    failed = 0
    for kind in sorted(place.iterdir()):
        if not verify.verify(kind).ok:
            print(f"{kind.name}: {verify.verify(kind).problems}")
            failed += 1
        for path in sorted(kind.glob("latest/regions/*.prom")):
            done = subprocess.run([promtool(), "check", "metrics"], input=path.read_bytes(), capture_output=True, check=False)
            if done.returncode or done.stdout or done.stderr:
                print(f"{kind.name}/{path.name}: promtool check metrics: {(done.stdout + done.stderr).decode()}")
                failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
