#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_query
short_description: Ask a Prometheus for the numbers of several instant queries
version_added: 0.1.0
description:
  - Each query is asked once; its answer is the values of its series, or the words of the error. It does not fail by itself.
author:
  - PSF Observatory contributors (@psf-web)
options:
  queries:
    description: Queries, each with C(id) and C(expr).
    type: list
    elements: dict
    required: true
  timeout:
    description: Seconds for each query.
    type: int
    default: 30
extends_documentation_fragment:
  - psf.observatory.attributes.reads
  - psf.observatory.services.service
"""

EXAMPLES = r"""
- name: Is every target up?
  psf.observatory.prometheus_query:
    queries: [{id: targets, expr: min(up)}]
    service: {url: "http://127.0.0.1:9090"}
"""

RETURN = r"""
answers:
  description: Id of each query to C(values), a list of numbers (C(NaN) and infinities as text), or C(error).
  returned: always
  type: dict
  sample: {targets: {values: [1.0]}}
"""

import json
import math
from urllib.parse import urlencode

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.component import probe
from ansible_collections.psf.observatory.plugins.module_utils.services import service

# Bytes of one answer, and series of it: a gate wants one number.
LIMIT = 1 << 20
SERIES = 1000


def number(text):
    """A sample's value: JSON has no NaN, so what is no finite number stays text."""
    value = float(text)
    return value if math.isfinite(value) else text


def ask(client, expression, timeout, fetch=probe.request):
    """{"values": [...]} or {"error": words} for one query."""
    url = "%s/api/v1/query?%s" % (client["url"].rstrip("/"), urlencode({"query": expression, "timeout": "%ds" % timeout}))
    try:
        status, body = fetch(url, timeout=timeout, limit=LIMIT, **probe.credentials(client))
        data = json.loads(body)
        if data.get("status") != "success":
            return {"error": "HTTP %d %s" % (status, str(data.get("error"))[:300])}
        kind, result = data["data"]["resultType"], data["data"]["result"]
        if kind not in ("vector", "scalar"):
            return {"error": "the answer is a %s, not a number" % kind}
        rows = [result] if kind == "scalar" else [row["value"] for row in result]
        if len(rows) > SERIES:
            return {"error": "%d series; a query must give few" % len(rows)}
        return {"values": [number(row[1]) for row in rows]}
    except OSError as error:
        return {"error": str(error)}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        return {"error": "an answer of another shape than expected: %r" % error}


def main():
    module = AnsibleModule(
        argument_spec=dict(
            queries=dict(type="list", elements="dict", required=True), service=service(),
            timeout=dict(type="int", default=30)),
        supports_check_mode=True)
    answers = {}
    for index, row in enumerate(module.params["queries"]):
        if not row.get("id") or not row.get("expr"):
            module.fail_json(msg="queries[%d]: needs id and expr" % index)
        answers[row["id"]] = ask(module.params["service"], row["expr"], module.params["timeout"])
    module.exit_json(changed=False, answers=answers)


if __name__ == "__main__":
    main()
