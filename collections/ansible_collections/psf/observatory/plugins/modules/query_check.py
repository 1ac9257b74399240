#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: query_check
short_description: Run every query of a bundle against a region's services, and say which are dead
version_added: 0.1.0
description:
  - Each query is run once, several at a time, against Prometheus, Loki or Jaeger. It is alive when it finds at least one series,
    line or trace, now or within O(window). Queries that find nothing are asked again until O(timeout) is over.
  - A query that may be empty for a stated reason is excused; an error is never excused.
  - It does not fail by itself; RV(dead) says what to do something about.
author:
  - PSF Observatory contributors (@psf-web)
options:
  queries:
    description:
      - The queries, as C(queries.json) of a bundle has them.
      - Of each, C(id), C(datasource) (V(prometheus), V(loki) or V(jaeger)), C(expr), C(instant), C(logs) and C(may_be_empty) are read.
      - For Jaeger, C(expr) is the name of a service, or V(dependencies).
    type: list
    elements: dict
    required: true
  window:
    description: Seconds to look back.
    type: int
    default: 3600
  threads:
    description: How many queries run at once.
    type: int
    default: 4
  timeout:
    description: Seconds until a query must have found something.
    type: int
    default: 60
extends_documentation_fragment:
  - psf.observatory.attributes.reads
  - psf.observatory.services
  - psf.observatory.services.credentials
"""

EXAMPLES = r"""
- name: No panel is dead
  psf.observatory.query_check:
    queries: "{{ lookup('ansible.builtin.file', observatory_bundle ~ '/queries.json') | from_json }}"
    prometheus: "{{ hostvars | psf.observatory.endpoints(groups, inventory_hostname, 'prometheus') }}"
"""

RETURN = r"""
dead:
  description: The queries with an error, or without a result and without a reason.
  returned: always
  type: list
  elements: dict
  sample: [{id: psf-node-overview/dead/A, state: empty, detail: "no series: no_such_metric"}]
excused:
  description: The queries without a result that have a reason.
  returned: always
  type: list
  elements: dict
  sample: [{id: rule/node/NodeFilesystemFilling, state: excused, detail: an alert that does not fire has no series}]
counts:
  description: How many by datasource and state.
  returned: always
  type: dict
  sample: {prometheus: {alive: 3, excused: 1, empty: 1, error: 0}}
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 2.1
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.queries import EXCUSED, GOOD, Queries, summary
from ansible_collections.psf.observatory.plugins.module_utils.services import argument_spec


def main():
    module = AnsibleModule(
        argument_spec=dict(
            argument_spec(), queries=dict(type="list", elements="dict", required=True),
            window=dict(type="int", default=3600), threads=dict(type="int", default=4), timeout=dict(type="int", default=60)),
        supports_check_mode=True)
    params = module.params
    for index, row in enumerate(params["queries"]):
        for key in ("id", "datasource", "expr"):
            if not row.get(key):
                module.fail_json(msg="queries[%d]: %s is missing; render the bundle again" % (index, key))
    started = time.monotonic()
    urls = {name: params[name][0]["url"] for name in ("prometheus", "loki", "jaeger") if params[name]}
    results = Queries(urls, params["credentials"], params["window"], params["threads"]).run(params["queries"], params["timeout"])
    module.exit_json(changed=False, dead=[row for row in results if row["state"] not in GOOD],
                     excused=[row for row in results if row["state"] == EXCUSED],
                     counts=summary(params["queries"], results), seconds=round(time.monotonic() - started, 1))


if __name__ == "__main__":
    main()
