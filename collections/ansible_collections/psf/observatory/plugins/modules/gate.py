#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Answer go or no-go for a phase, from the last assessment and the regions' Prometheus
version_added: 0.1.0
description:
  - Without O(answers), reads a gate and returns the queries that the regions must answer (M(psf.observatory.prometheus_query)).
  - With O(answers), judges the gate by the last run of O(directory) and the answers, and records the outcome there, chained and signed
    like an assessment. What could not be read is a no-go.
  - Runs on the controller only. It does not fail for a no-go; RV(go) says it.
author:
  - PSF Observatory contributors (@psf-web)
options:
  gate:
    description: Id of the gate.
    type: str
    required: true
  gates:
    description: Directories with gates of one's own, C(<id>.yml) each. They come before those of the collection.
    type: list
    elements: path
    default: []
  directory:
    description: Directory of the runs on the controller.
    type: path
  answers:
    description: Region to id of a query to its answer.
    type: dict
  regions:
    description: Regions that must answer.
    type: list
    elements: str
    default: []
  signing_key:
    description: An ed25519 private key (PEM or OpenSSH, mode 0600) that signs the record.
    type: path
  signing_key_passphrase:
    description: Its passphrase.
    type: str
attributes:
  check_mode:
    support: full
    description: The gate is judged, and nothing is recorded.
  diff_mode:
    support: none
    description: There is no text to compare.
"""

EXAMPLES = r"""
- name: What the gate asks
  psf.observatory.gate:
    gate: launch

- name: Judge it
  psf.observatory.gate:
    gate: launch
    directory: /srv/observatory/governance
    answers: {eu: {targets: {values: [1]}}}
    regions: [eu]
"""

RETURN = r"""
queries:
  description: What each region's Prometheus must answer.
  returned: success
  type: list
  elements: dict
  sample: [{id: targets, expr: min(up)}]
title:
  description: The gate's title.
  returned: success
  type: str
  sample: Launch
go:
  description: Whether the phase may be left.
  returned: with O(answers)
  type: bool
  sample: false
reasons:
  description: Why not, one sentence each.
  returned: with O(answers)
  type: list
  elements: str
  sample: ["targets in eu: 0; wanted == 1 (every target is up)"]
checks:
  description: Everything that was looked at.
  returned: with O(answers)
  type: list
  elements: dict
  sample: [{kind: query, what: targets in eu, ok: false, detail: 0; wanted == 1}]
text:
  description: The outcome for people, as lines.
  returned: with O(answers)
  type: list
  elements: str
path:
  description: Directory of the record; none in check mode.
  returned: with O(answers)
  type: str
  sample: /srv/observatory/governance/20261124T150000Z
"""
