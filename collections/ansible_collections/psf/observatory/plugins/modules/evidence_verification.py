#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_verification
short_description: Check a directory of assessment runs
version_added: 0.1.0
description:
  - Every file must be what its manifest says, and every run must follow the one before. Says where the chain breaks.
  - Runs on the controller only. It does not fail by itself; RV(whole) says whether all is well.
  - C(plugins/plugin_utils/governance/verify.py) does the same from a shell, and needs nothing but Python.
author:
  - PSF Observatory contributors (@psf-web)
extends_documentation_fragment:
  - psf.observatory.attributes.reads
options:
  directory:
    description: Directory of all runs.
    type: path
    required: true
  public_key:
    description: An ed25519 public key (PEM or OpenSSH). With it, every run must be signed.
    type: path
"""

EXAMPLES = r"""
- name: The evidence is whole
  psf.observatory.evidence_verification:
    directory: /srv/observatory/governance
    public_key: /srv/observatory/governance.pub
"""

RETURN = r"""
whole:
  description: Whether everything is as it was written.
  returned: success
  type: bool
  sample: true
runs:
  description: The runs, oldest first.
  returned: success
  type: list
  elements: str
  sample: [20261123T134700Z, 20261124T134700Z]
problems:
  description: What is not as it was written, and where the chain breaks.
  returned: success
  type: list
  elements: str
  sample: ["20261123T134700Z: results.json: was changed"]
notes:
  description: What is no problem and worth knowing.
  returned: success
  type: list
  elements: str
  sample: []
signed:
  description: How many runs have a good signature.
  returned: success
  type: int
  sample: 2
"""
