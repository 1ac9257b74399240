# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One changed alert rule, from the inventory to confirmed live in every region. Needs the lab, with its content deployed.

    python benchmarks/changed_rule.py [--runs 3] [--system node --threshold filesystem_free --value 0.051]

Each run sets one threshold of one alert to another value and runs `site.yml --tags rules`, which also checks the inventory and reads what
the hosts have; then the narrow way, `render.yml content.yml --tags rules`, whole and in its parts. At the end the old rule is back.
"""

from __future__ import annotations

import argparse
import json

from harness import median, play, stop_like_interrupt, table

INVENTORY = "inventories/lab"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--system", default="node")
    parser.add_argument("--threshold", default="filesystem_free")
    parser.add_argument("--value", type=float, default=0.051)
    options = parser.parse_args()
    stop_like_interrupt()
    changed = ["-e", json.dumps({"observatory_thresholds": {options.system: {options.threshold: options.value}}})]
    runs: dict[str, list[float]] = {"unchanged": [], "whole": [], "both": [], "render": [], "deploy": []}
    trips = []
    try:
        for _ in range(options.runs):
            runs["unchanged"].append(play("playbooks/site.yml", "--tags", "rules", inventory=INVENTORY).seconds)
            run = play("playbooks/site.yml", "--tags", "rules", *changed, inventory=INVENTORY)
            runs["whole"].append(run.seconds)
            trips.append(run.trips)
            # Back to the old rule, in the two parts; then the same change by these two playbooks in one run.
            runs["render"].append(play("playbooks/render.yml", inventory=INVENTORY).seconds)
            runs["deploy"].append(play("playbooks/content.yml", "--tags", "rules", inventory=INVENTORY).seconds)
            narrow = ("playbooks/render.yml", "playbooks/content.yml", "--tags", "rules")
            runs["both"].append(play(*narrow, *changed, inventory=INVENTORY).seconds)
            play(*narrow, inventory=INVENTORY)
    finally:
        play("playbooks/site.yml", "--tags", "rules", inventory=INVENTORY)
    table(f"One changed alert rule, rendered, deployed and confirmed in all regions: median of {options.runs}", [
        ("what", "seconds", "round trips"),
        ("site.yml --tags rules, nothing changed", median(runs["unchanged"]), ""),
        ("site.yml --tags rules, one rule changed", median(runs["whole"]), median(trips)),
        ("render.yml content.yml --tags rules, one rule changed", median(runs["both"]), ""),
        ("render.yml alone, one rule changed", median(runs["render"]), ""),
        ("content.yml --tags rules alone, one rule changed", median(runs["deploy"]), "")])


if __name__ == "__main__":
    main()
