#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_rules
short_description: Have Prometheus load exactly the rules of a bundle, and serve its pages
version_added: 0.1.0
description:
  - Takes the recording rules, alerts, their tests and the pages (runbooks, dashboards) of a bundle. They are put beside what is in
    use, validated on the host with C(promtool check rules) and C(promtool test rules), each new expression is evaluated once
    by the running Prometheus, and only then a symlink is swapped and Prometheus reads its files again.
  - What is loaded is confirmed through the API, group by group and rule by rule. When it is not what was declared, or a new rule
    fails, the symlink is swapped back, the old rules are loaded again, and the task fails with the service's words.
  - The plan and the diff are by rule. An unchanged bundle costs one round trip; of a changed one only the changed files are sent.
  - Rule files that others put elsewhere are left alone.
notes:
  - Prometheus must have C(<link>/rules/*.yml) among its C(rule_files), C(--web.enable-lifecycle), and for the pages
    C(--web.user-assets=<link>/pages). The role P(psf.observatory.prometheus#role) sets all three.
  - Only tests that changed, or that concern a rule that changed (by name, or through recording rules), are run.
  - Where a host has nothing yet, all tests are due. The first such host runs them, others with the same promtool wait and go by its
    verdict.
  - The controller remembers in C(<bundle>.deployed) what each host got last, so that a change is one round trip too. It may be removed
    at any time.
author:
  - PSF Observatory contributors (@psf-web)
extends_documentation_fragment:
  - psf.observatory.rules
  - psf.observatory.services.service
options:
  group:
    default: prometheus
  directory:
    default: /etc/prometheus/content
  link:
    default: /etc/prometheus/content/current
  promtool:
    description: Path of promtool on the host. In check mode, a host without it gets a warning.
    type: str
    default: /opt/psf/prometheus/current/promtool
attributes:
  check_mode:
    support: full
    description: Shows the same plan; promtool and the trial of expressions run where they are on the host already.
  diff_mode:
    support: full
    description: Shows each rule before and after, and the plan.
"""

EXAMPLES = r"""
- name: The rules of the bundle are loaded
  psf.observatory.prometheus_rules:
    bundle: /srv/observatory/bundle
    service:
      url: https://127.0.0.1:9090
      server_name: obs-eu-1
      ca: /etc/psf/tls/ca.crt
      username: observatory
      password: "{{ observatory_machine_password }}"

- name: They are gone
  psf.observatory.prometheus_rules:
    state: absent
    service:
      url: http://127.0.0.1:9090
"""

RETURN = r"""
plan:
  description: The steps from what was found to what is declared, in order. Empty when nothing differed.
  returned: always
  type: list
  elements: dict
  sample:
    - step: change rule
      target: node/psf-node-alerts/NodeFilesystemFilling
      detail: expr, for
    - step: switch
      target: /etc/prometheus/content/current
      detail: 3d0fd9e1ea9c6d8f -> 8a1a2f14ff1e5a0b
    - step: reload
      target: prometheus
digest:
  description: Digest of the rules, tests and pages.
  returned: always
  type: str
  sample: 8a1a2f14ff1e5a0b
loaded:
  description: What the service has loaded (groups, rules, and of these those that were not evaluated yet); zeros when it was not asked.
  returned: always
  type: dict
  sample: {groups: 12, rules: 61, unevaluated: 1}
log:
  description: The service's last log lines, when the rules were put back.
  returned: on failure
  type: list
  elements: str
rolled_back:
  description: Whether something had been swapped and was put back.
  returned: on failure
  type: bool
"""

from ansible_collections.psf.observatory.plugins.module_utils.rules.module import argument_spec, run
from ansible_collections.psf.observatory.plugins.module_utils.rules.service import Prometheus


def main():
    run(argument_spec(
        group=dict(type="str", default="prometheus"), directory=dict(type="str", default="/etc/prometheus/content"),
        link=dict(type="str", default="/etc/prometheus/content/current"),
        promtool=dict(type="str", default="/opt/psf/prometheus/current/promtool")),
        lambda params: Prometheus(params["service"], params["link"] + "/rules/"))


if __name__ == "__main__":
    main()
