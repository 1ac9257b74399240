#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_content
short_description: Have a Grafana organisation hold exactly what is declared
version_added: 0.1.0
description:
  - Takes the dashboards of a bundle and all that belongs around them in one call. Grafana is read once, several calls at a time; what
    differs in meaning is written in the order of its dependencies and read back.
  - Only what this module made is ever deleted. What is its own is recorded in Grafana, in a dashboard in a folder that only Admins see.
  - An object that is not as the last run left it was edited by hand. That is reported, and O(drift) says what is done about it.
  - The plan and the diff speak of panels, queries, variables and permissions.
notes:
  - It needs basic authentication or a service account's token with the role Admin of the organisation.
  - The organisation goes with each request; the user's own is not switched. A token is for its own organisation only.
  - One failed object fails the run, after all others are done; what stands in a folder that failed is not tried.
  - It was tested against exchanges that were recorded from Grafana 9.4. Newer versions were not at hand. What they do otherwise was
    built from their documentation and tried on a stand-in, not on a real server. That is nested folders, correlations beyond their
    creation, the provenance in lists, and the newer fields of rules and policies.
  - Alert rules are judged before anything is written, as Grafana takes rules that can never work. Newer fields such as C(is_paused) are
    refused where this Grafana does not keep them.
  - Objects of alerting that files of the server hold are left to the files. Where Grafana 9.4 does not tell (templates, mute timings),
    the files bring theirs back at the next start.
  - A sync that takes longer says every ten seconds how far it is, in the system log of the machine where the module runs
    (C(journalctl -ft ansible-psf.observatory.grafana_content)).
  - An object belongs to one set (O(scope)). One that another set of the organisation has otherwise is refused; one that both have alike
    stays until the last gives it up.
  - Service accounts get no tokens. A token is shown once, so it belongs into a vault at that moment. The examples show how.
author:
  - PSF Observatory contributors (@psf-web)
extends_documentation_fragment:
  - psf.observatory.grafana
  - psf.observatory.grafana.server
  - psf.observatory.services.login
options:
  token:
    description: Token of a service account, instead of O(username) and O(password).
    type: str
  org_id:
    description: Number of the organisation. Left out, it is the current one of the user, or the one of the token.
    type: int
  use_proxy:
    description: Whether the environment's proxies are used.
    type: bool
    default: true
  retries:
    description: How often a call is repeated after 429, 502, 503, 504, a lost connection, or a database that was busy.
    type: int
    default: 5
  workers:
    description:
      - Calls at a time. Left out, it is 8 for reads and 4 for writes, as Grafana's SQLite takes one writer at a time. It is 16 for writes
        where Grafana says that its database is PostgreSQL or MySQL, which it says only to an admin of the server.
    type: int
  lock_timeout:
    description: Seconds to wait for another run on the same organisation, started on the same machine.
    type: int
    default: 120
  scope:
    description: Name of this set of objects. Several sets can be kept in one organisation, each with its own record.
    type: str
    default: default
  state:
    description: Whether the objects are there. V(absent) removes what this module made for O(scope), and its record.
    type: str
    choices: [present, absent]
    default: present
  prune:
    description: Whether objects are deleted that were declared once and are not any more.
    type: bool
    default: true
  drift:
    description:
      - What is done about objects that were edited or deleted by hand, or that others had made with the same uid.
      - V(overwrite) makes them as declared. V(leave) leaves them. V(adopt) leaves them too, and gives what is different as a patch in
        RV(patches), written to O(adopt_to) on the controller.
    type: str
    choices: [overwrite, leave, adopt]
    default: overwrite
  adopt_to:
    description: Directory on the controller for the patches of V(adopt).
    type: path
  verify:
    description: Whether what was written is read back and compared.
    type: bool
    default: true
  alerting_editable:
    description:
      - Whether people may edit in the UI what this module makes of alerting. Otherwise Grafana shows it as provisioned. What was made
        without stays as it is in Grafana 9.4.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Reads all, shows the same plan, writes nothing.
  diff_mode:
    support: full
    description: Shows each object before and after in terms of panels, queries and permissions, and the plan.
"""

EXAMPLES = r"""
- name: Grafana holds the dashboards of the bundle, and what leads from one signal to the other
  psf.observatory.grafana_content:
    url: https://grafana.example:3000
    token: "{{ vault_grafana_token }}"
    ca: /etc/psf/tls/ca.crt
    bundle: /srv/observatory/bundle
    placement: {"*": psf}
    folders:
      - uid: psf
        title: Observatory
        permissions:
          - {role: Viewer, permission: View}
          - {team: SRE, permission: Edit}
    teams:
      - name: SRE
    datasources:
      - {uid: prom-eu, name: Prometheus eu, type: prometheus, url: "https://obs-eu-1:9090", is_default: true, links: {traces: jaeger-eu}}
      - {uid: loki-eu, name: Loki eu, type: loki, url: "https://obs-eu-1:3100", links: {traces: jaeger-eu}}
      - {uid: jaeger-eu, name: Jaeger eu, type: jaeger, url: "https://obs-eu-1:16686", links: {logs: loki-eu, metrics: prom-eu}}
    home_dashboard: psf-observatory-landing

- name: Grafana's own alerting
  psf.observatory.grafana_content:
    url: https://grafana.example:3000
    token: "{{ vault_grafana_token }}"
    folders:
      - {uid: alerts, title: Alerts}
    contact_points:
      - uid: pager
        name: Pager
        type: webhook
        settings: {url: "https://pager.example/hook", username: grafana}
        secure_settings: {password: "{{ vault_pager_password }}"}
    mute_timings:
      - {name: weekends, time_intervals: [{weekdays: ["saturday", "sunday"]}]}
    policies:
      receiver: Pager
      group_by: [grafana_folder, alertname]
      routes:
        - {receiver: Pager, object_matchers: [[severity, "=", warning]], mute_time_intervals: [weekends]}
    rule_groups:
      - name: nodes
        folder: alerts
        interval: 1m
        rules:
          - uid: node-down
            title: Node down
            condition: B
            for: 5m
            labels: {severity: critical}
            annotations: {summary: "{{ '{{ $labels.instance }}' }} is down"}
            data:
              - {refId: A, datasourceUid: prom-eu, relativeTimeRange: {from: 600, to: 0}, model: {expr: "up{job='node'}", instant: true}}
              - {refId: B, datasourceUid: __expr__, model: {type: math, expression: "$A < 1"}}

- name: A service account
  psf.observatory.grafana_content:
    url: https://grafana.example:3000
    token: "{{ vault_grafana_token }}"
    scope: accounts
    service_accounts:
      - {name: renderer, role: Viewer}

# Its token, once, by hand or so; the answer has the token in key.
- name: Find its number
  ansible.builtin.uri:
    url: https://grafana.example:3000/api/serviceaccounts/search?query=renderer
    headers: {Authorization: "Bearer {{ vault_grafana_token }}"}
  no_log: true
  register: found

- name: Make a token
  ansible.builtin.uri:
    url: "https://grafana.example:3000/api/serviceaccounts/{{ found.json.serviceAccounts[0].id }}/tokens"
    method: POST
    headers: {Authorization: "Bearer {{ vault_grafana_token }}"}
    body_format: json
    body: {name: renderer}
  no_log: true
  register: made

- name: What was edited by hand is given back to the code
  psf.observatory.grafana_content:
    url: https://grafana.example:3000
    token: "{{ vault_grafana_token }}"
    bundle: /srv/observatory/bundle
    drift: adopt
    adopt_to: /srv/observatory/patches
"""

RETURN = r"""
plan:
  description: The steps from what was found to what is declared. Empty when nothing differed.
  returned: always
  type: list
  elements: dict
  sample:
    - step: create
      target: folder "PSF" (psf)
    - step: change
      target: dashboard "Nodes" (psf-node-overview)
      detail: 'panel "CPU" (id 1) / query A / expr: up -> rate(x[5m])'
drift:
  description: Objects that were not as the last run had left them, what is different, and whether they were overwritten or left.
  returned: always
  type: list
  elements: dict
  sample:
    - object: dashboard "Nodes" (psf-node-overview)
      kind: dashboard
      key: psf-node-overview
      found: edited
      done: overwritten
      differences: ["refresh: 5s instead of none"]
patches:
  description: With O(drift=adopt), the patch from what is declared to what Grafana has, by object.
  returned: always
  type: list
  elements: dict
  sample: []
provisioned:
  description: Declared objects that files of the server hold already. They are left to the files.
  returned: always
  type: list
  elements: str
  sample: []
failures:
  description: The objects that failed, with the step and the error.
  returned: on failure
  type: list
  elements: dict
objects:
  description: How many objects this module owns after the run, and what it did; in check mode, what it would do.
  returned: always
  type: dict
  sample: {changed: 0, created: 19, deleted: 0, owned: 19, unchanged: 0}
calls:
  description: How often Grafana was asked, written to, and asked again.
  returned: always
  type: dict
  sample: {reads: 24, retries: 0, writes: 23}
grafana:
  description: The server and the organisation that answered.
  returned: always
  type: dict
  sample:
    version: 9.4.0-pre
    organisation: {id: 1, name: Main Org.}
"""

import hashlib
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import Client
from ansible_collections.psf.observatory.plugins.module_utils.grafana.options import content_spec, server_spec
from ansible_collections.psf.observatory.plugins.module_utils.grafana.sync import Sync
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import LOCKS, ConcernError, answer
from ansible_collections.psf.observatory.plugins.module_utils.services import login


def argument_spec():
    return dict(
        login(), token=dict(type="str", no_log=True), org_id=dict(type="int"), use_proxy=dict(type="bool", default=True),
        retries=dict(type="int", default=5), workers=dict(type="int"), lock_timeout=dict(type="int", default=120),
        scope=dict(type="str", default="default"), state=dict(type="str", choices=["present", "absent"], default="present"),
        prune=dict(type="bool", default=True), drift=dict(type="str", choices=["overwrite", "leave", "adopt"], default="overwrite"),
        adopt_to=dict(type="path"), verify=dict(type="bool", default=True), alerting_editable=dict(type="bool", default=False),
        **server_spec(), **content_spec())


def client(params):
    """A client for these options, or an error that names the wrong one."""
    if not params["token"] and not params["username"]:
        raise ConcernError("token, username: one of them is needed")
    for option, least in (("timeout", 0.001), ("retries", 0), ("workers", 1), ("lock_timeout", 0)):
        if params[option] is not None and params[option] < least:
            raise ConcernError("%s: %s is too small; the least is %s" % (option, params[option], least))
    if not params["scope"].replace("-", "").replace("_", "").isalnum() or len(params["scope"]) > 20:
        raise ConcernError("scope: %r is not 1 to 20 letters, digits, - and _" % params["scope"])
    return Client(params["url"], params["username"], params["password"], params["token"], params["org_id"], params["timeout"],
                  params["retries"], params["workers"], params["validate_certs"], params["ca"], params["cert"], params["key"],
                  params["use_proxy"])


def lock_of(params):
    """The lock's file: one for an organisation, in a directory of the one who runs this, who need not be root."""
    name = hashlib.sha256(("%s %s" % (params["url"].rstrip("/"), params["org_id"])).encode()).hexdigest()[:16]
    top = LOCKS if os.getuid() == 0 else "%s/psf-observatory-%d" % (tempfile.gettempdir(), os.getuid())
    return "%s/grafana-%s.lock" % (top, name)


def main():
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True, mutually_exclusive=[("token", "username")],
                           required_together=[("username", "password"), ("cert", "key")])
    params = module.params
    answer(module, lambda: (Sync(client(params), params, module.check_mode, progress=module.log), lock_of(params)), params["lock_timeout"])


if __name__ == "__main__":
    main()
