#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verification
short_description: Ask a region's running services whether the region is observed
version_added: 0.1.0
description:
  - Every target up, a fresh log line of every host in Loki, a trace of every service that traces itself in Jaeger, and a
    synthetic alert through every Alertmanager to a receiver.
  - Each question is asked until it is answered well or O(timeout) is over. It does not fail by itself; RV(missing) says what is.
author:
  - PSF Observatory contributors (@psf-web)
options:
  region:
    description: Id of the region.
    type: str
    required: true
  hosts:
    description: Hosts of which a log line must be found.
    type: list
    elements: str
    required: true
  marker:
    description: Text that was written to the journal of each host just now.
    type: str
    required: true
  targets:
    description: Targets that must be up, each with C(job) and C(instance).
    type: list
    elements: dict
    required: true
  traced:
    description: Services of which a trace must be found.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for each check.
    type: int
    default: 120
extends_documentation_fragment:
  - psf.observatory.services
  - psf.observatory.services.notification
  - psf.observatory.services.credentials
attributes:
  check_mode:
    support: full
    description: It asks; only the synthetic alert is sent, and that not in check mode.
  diff_mode:
    support: none
    description: There is nothing to change.
"""

EXAMPLES = r"""
- name: The region is observed
  psf.observatory.verification:
    region: eu
    hosts: [obs-eu-1]
    marker: verify-1700000000
    targets: [{job: node, instance: "obs-eu-1:9100"}]
    prometheus: "{{ hostvars | psf.observatory.endpoints(groups, inventory_hostname, 'prometheus') }}"
"""

RETURN = r"""
checks:
  description: One row for each check.
  returned: always
  type: list
  elements: dict
  sample: [{check: targets, ok: true, detail: 17 of 17 targets up, seconds: 0.2}]
missing:
  description: What is missing, one sentence for each failed check; empty when the region is observed.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.services import NOTIFICATION, argument_spec
from ansible_collections.psf.observatory.plugins.module_utils.verify import Region


def main():
    module = AnsibleModule(
        argument_spec=dict(
            argument_spec(*NOTIFICATION), region=dict(type="str", required=True),
            hosts=dict(type="list", elements="str", required=True), marker=dict(type="str", required=True),
            targets=dict(type="list", elements="dict", required=True), traced=dict(type="list", elements="str", default=[]),
            timeout=dict(type="int", default=120)),
        supports_check_mode=True)
    params = dict(module.params)
    if module.check_mode:
        params["alertmanager"] = []
    rows = Region(params).run()
    module.exit_json(changed=False, checks=rows,
                     missing=["%s: %s" % (row["check"], row["detail"]) for row in rows if not row["ok"]])


if __name__ == "__main__":
    main()
