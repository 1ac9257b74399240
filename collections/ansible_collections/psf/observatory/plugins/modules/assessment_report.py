#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: assessment_report
short_description: Turn the assessments of all hosts into one run with waivers, score, evidence and reports
version_added: 0.1.0
description:
  - Takes what M(psf.observatory.assessment) registered as C(assessment_result) on each host, applies the waivers, judges the controls
    over waivers and freshness themselves (CHG-04, CHG-05), and writes a run directory on the controller.
  - A run has results, hashed evidence, a manifest with the sha256 of every file and of the manifest before, and reports as HTML,
    JUnit, SARIF, OSCAL, OpenReports, Markdown, metrics and JSON lines. It is written all or nothing.
  - Runs on the controller only, in the role P(psf.observatory.governance_report#role). It does not fail for what was found.
author:
  - PSF Observatory contributors (@psf-web)
options:
  directory:
    description: Directory of all runs on the controller.
    type: path
    required: true
  environment:
    description: Name of the environment.
    type: str
    required: true
  waivers:
    description: A list of waivers, or the name of a YAML file with one.
    type: raw
  waivers_base:
    description: Directory that the name of the file is relative to.
    type: path
  controls:
    description: Directories with controls of one's own, beside those of the role P(psf.observatory.governance#role).
    type: list
    elements: path
    default: []
  parameters:
    description: Control to parameter to value, where the environment wants another than the default of CHG-04 and CHG-05.
    type: dict
    default: {}
  complete:
    description: Whether every host and control was asked. Else nothing is said of what is missing.
    type: bool
    default: true
  signing_key:
    description: An ed25519 private key (PEM or OpenSSH, mode 0600) that signs the manifest.
    type: path
  signing_key_passphrase:
    description: Its passphrase.
    type: str
attributes:
  check_mode:
    support: full
    description: Everything is judged and returned, and nothing is written.
  diff_mode:
    support: none
    description: A run is always a new one.
"""

EXAMPLES = r"""
- name: Report what the hosts gave
  psf.observatory.assessment_report:
    directory: /srv/observatory/governance
    environment: production
    waivers: waivers.yml
    waivers_base: "{{ inventory_dir }}"
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
run:
  description: Id of the run.
  returned: success
  type: str
  sample: 20261124T134700Z
path:
  description: Its directory.
  returned: success
  type: str
  sample: /srv/observatory/governance/20261124T134700Z
summary:
  description: Score from 0 to 1, grade, coverage, findings that are open by severity, hosts without results, the run before.
  returned: success
  type: dict
  sample:
    grade: C
    capped: true
    effective: 0.8717
    strict: 0.8604
    coverage: 0.9662
    open: {critical: 1, high: 7, medium: 4, low: 1, info: 0}
    silent: []
    previous: 20261123T134700Z
counts:
  description: Results by state.
  returned: success
  type: dict
  sample: {pass: 128, fail: 9, error: 5, waived: 6, manual: 4, not_applicable: 16}
changes:
  description: Results by what changed since the run before.
  returned: success
  type: dict
  sample: {new: 0, fixed: 0, regressed: 2, unchanged: 166, gone: 0}
regressions:
  description: What was in order or waived before and is not now.
  returned: success
  type: list
  elements: dict
  sample: [{control: TLS-06, severity: high, subject: "app-us-1:9090", region: us, status: fail, message: 12 days left}]
waivers:
  description: Waivers by state.
  returned: success
  type: dict
  sample: {active: 1, expiring: 1, expired: 1, unused: 0, invalid: 0}
problems:
  description: What is wrong with waivers, with file, id, key and reason.
  returned: success
  type: list
  elements: str
  sample: ["waivers.yml: WVR-7: approved_by: 'ann' also requested it; it must be another"]
report:
  description: The page for people.
  returned: success
  type: str
  sample: /srv/observatory/governance/20261124T134700Z/report.html
complete:
  description: Whether every host and control was asked.
  returned: success
  type: bool
  sample: true
regions:
  description: For each region, the files with its metrics and lines.
  returned: success
  type: dict
  sample: {eu: {metrics: /srv/observatory/governance/20261124T134700Z/regions/eu.prom}}
"""
