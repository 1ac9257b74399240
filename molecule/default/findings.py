"""What a run of the assessment found, in few words for governance.yml: python findings.py RESULTS.json prints one JSON object.

judged: number of controls with a subject that passes or fails; unexplained: "CONTROL on SUBJECT: message" of what fails or could not be
read without a waiver; fail, error: subject to its controls, sorted; waived: number of results; fixed: number of results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def summary(run: dict[str, Any]) -> dict[str, Any]:
    rows = run["results"]
    bad = [row for row in rows if row["status"] in ("fail", "error") and not row["waiver"]]
    by_status: dict[str, dict[str, list[str]]] = {"fail": {}, "error": {}}
    for row in bad:
        # A service is named HOST/SERVICE.
        subject = row["subject"]["name"].split("/")[0]
        controls = by_status[row["status"]].setdefault(subject, [])
        if row["control"] not in controls:
            controls.append(row["control"])
    return {
        "run": run["run"], "judged": len({row["control"] for row in rows if row["status"] in ("pass", "fail")}),
        "unexplained": sorted(f"{row['control']} on {row['subject']['name']}: {row['status']}: {row['message']}" for row in bad),
        **{status: {name: sorted(controls) for name, controls in found.items()} for status, found in by_status.items()},
        "waived": sum(row["waiver"] is not None for row in rows), "fixed": sum(row["change"] == "fixed" for row in rows),
        "passed": sorted({row["control"] for row in rows if row["status"] == "pass"})}


if __name__ == "__main__":
    print(json.dumps(summary(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
