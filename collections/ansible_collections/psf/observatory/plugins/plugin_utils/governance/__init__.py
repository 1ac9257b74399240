# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does with the results of an assessment: waivers, score, evidence, outputs, gates. Nothing here asks a host.

model.py       controls, results and a run's report as types; reads what the hosts handed over
waivers.py     parses waivers, and applies them: the only place that does
hygiene.py     judges CHG-04 (waivers) and CHG-05 (freshness, coverage), which no host can
score.py       score, grade, coverage
report.py      results + waivers + previous run -> Report
run.py         Report -> run directory, all or nothing; compares with the run before
verify.py      checks a directory of runs; works without Ansible
gate.py        go or no-go from a Report and Prometheus
outputs/       one format a file: Report -> text
"""
