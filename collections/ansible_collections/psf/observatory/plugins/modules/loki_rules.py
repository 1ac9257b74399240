#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: loki_rules
short_description: Have Loki's ruler load exactly the rules of a bundle
version_added: 0.1.0
description:
  - Takes the LogQL rules of a bundle. Their structure is checked, each new expression is evaluated once by the running Loki (the
    same parser as the ruler's), and only then a symlink is swapped. Loki finds the change with its next poll.
  - What is loaded is confirmed through the ruler's API, and by the time at which the ruler says it took other rules. When it does
    not within O(load_timeout), or a new rule fails, the symlink is swapped back and the task fails with the service's words.
  - The plan and the diff are by rule. An unchanged bundle costs one round trip.
notes:
  - Loki must have a ruler with local storage in the directory that holds O(link), whose name is the tenant's. The role
    P(psf.observatory.loki#role) sets it, with a poll every 10 s.
author:
  - PSF Observatory contributors (@psf-web)
extends_documentation_fragment:
  - psf.observatory.rules
  - psf.observatory.services.service
options:
  group:
    default: loki
  directory:
    default: /etc/loki/content
  link:
    default: /etc/loki/rules/fake
attributes:
  check_mode:
    support: full
    description: Shows the same plan; the trial of expressions runs where Loki runs already.
  diff_mode:
    support: full
    description: Shows each rule before and after, and the plan.
"""

EXAMPLES = r"""
- name: The log rules of the bundle are loaded
  psf.observatory.loki_rules:
    bundle: /srv/observatory/bundle
    service:
      url: https://127.0.0.1:3100
      server_name: obs-eu-1
      ca: /etc/psf/tls/ca.crt
      cert: /etc/psf/tls/host.crt
      key: /etc/psf/tls/host.key
"""

RETURN = r"""
plan:
  description: The steps from what was found to what is declared, in order. Empty when nothing differed.
  returned: always
  type: list
  elements: dict
  sample:
    - step: add rule
      target: loki/psf-loki-logs/LokiPanicked
    - step: switch
      target: /etc/loki/rules/fake
      detail: none -> 41d5a5a0c3d1be6b
    - step: reload
      target: loki
digest:
  description: Digest of the rules.
  returned: always
  type: str
  sample: 41d5a5a0c3d1be6b
loaded:
  description: What the service has loaded (groups, rules, and of these those that were not evaluated yet); zeros when it was not asked.
  returned: always
  type: dict
  sample: {groups: 3, rules: 7, unevaluated: 0}
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
from ansible_collections.psf.observatory.plugins.module_utils.rules.service import Loki


def main():
    run(argument_spec(
        group=dict(type="str", default="loki"), directory=dict(type="str", default="/etc/loki/content"),
        link=dict(type="str", default="/etc/loki/rules/fake")),
        lambda params: Loki(params["service"]), inside="rules")


if __name__ == "__main__":
    main()
