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
  - Service accounts get no tokens. A token is shown once, so it belongs into a vault at that moment. The examples show how.
author:
  - PSF Observatory contributors (@psf-web)
options:
  url:
    description: Base URL of Grafana, with its sub path.
    type: str
    required: true
  username:
    description: Name for basic authentication.
    type: str
  password:
    description: Password for basic authentication.
    type: str
  token:
    description: Token of a service account, instead of O(username) and O(password).
    type: str
  org_id:
    description: Number of the organisation. Left out, it is the current one of the user, or the one of the token.
    type: int
  ca:
    description: File with the certificate authority that signed Grafana's certificate, where the module runs.
    type: str
  cert:
    description: File with a client certificate.
    type: str
  key:
    description: File with its key.
    type: str
  validate_certs:
    description: Whether Grafana's certificate is validated.
    type: bool
    default: true
  use_proxy:
    description: Whether the environment's proxies are used.
    type: bool
    default: true
  timeout:
    description: Seconds for one answer.
    type: float
    default: 30
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
  bundle:
    description:
      - Directory of the bundle on the controller, as C(python -m dashboards render) makes it. Every file is held to the sha256
        that C(manifest.json) states. Of it, this module takes the files of kind C(grafana_dashboard).
    type: path
  placement:
    description: Owner of a dashboard in the bundle to the uid of its folder; C(*) for all others. Without, they are in General.
    type: dict
    default: {}
  folders:
    description: Folders.
    type: list
    elements: dict
    default: []
    suboptions:
      uid:
        description: Its uid.
        type: str
        required: true
      title:
        description: Its title.
        type: str
        required: true
      parent:
        description: uid of the folder that it is in.
        type: str
      permissions:
        description: All its permissions; an empty list is for Admins only. Left out, they are not looked at.
        type: list
        elements: dict
        suboptions:
          role:
            description: A role.
            type: str
            choices: [Viewer, Editor, Admin]
          team:
            description: Name of a team.
            type: str
          user:
            description: Login of a user.
            type: str
          permission:
            description: What is allowed.
            type: str
            choices: [View, Edit, Admin]
            required: true
  teams:
    description: Teams. Their members are not looked at.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      email:
        description: Its address.
        type: str
  service_accounts:
    description: Service accounts of the organisation, without tokens.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      role:
        description: Its role.
        type: str
        choices: ["None", Viewer, Editor, Admin]
        default: Viewer
      disabled:
        description: Whether its tokens are refused.
        type: bool
        default: false
  datasources:
    description: Data sources.
    type: list
    elements: dict
    default: []
    suboptions:
      uid:
        description: Its uid.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      type:
        description: Its plugin, such as V(prometheus), V(loki), V(jaeger), V(alertmanager).
        type: str
        required: true
      url:
        description: Where Grafana reaches it.
        type: str
      access:
        description: Who reaches it.
        type: str
        choices: [proxy, direct]
        default: proxy
      is_default:
        description: Whether it is the default.
        type: bool
        default: false
      basic_auth_user:
        description: Name for basic authentication; the password is C(basicAuthPassword) in O(datasources[].secure_json_data).
        type: str
      with_credentials:
        description: Whether cookies are sent along.
        type: bool
        default: false
      user:
        description: User of the database.
        type: str
      database:
        description: Name of the database.
        type: str
      json_data:
        description: Its settings, in Grafana's own words.
        type: dict
      secure_json_data:
        description:
          - Its secrets, in Grafana's own words. They cannot be read back, so a fingerprint is kept in the record, and they are
            written when that changes. A secret that is not declared is removed.
        type: dict
      links:
        description:
          - The data sources that belong to it, by uid. For V(prometheus) C(traces) (exemplars) and C(alerts); for V(loki) C(traces)
            (a trace id in a line) and C(alerts); for V(jaeger) C(logs) and C(metrics).
          - They are written into O(datasources[].json_data), unless that has them.
        type: dict
  correlations:
    description:
      - Links from a field of one data source to a query of another, beside O(datasources[].links). Each is known by its source and label.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: uid of the data source from which it leads.
        type: str
        required: true
      label:
        description: What the link is called; once for each source.
        type: str
        required: true
      target:
        description: uid of the data source to which it leads.
        type: str
      description:
        description: What is said about it.
        type: str
      type:
        description: Whether it leads to a query, or to an address outside (Grafana 11.3 or newer).
        type: str
        choices: [query, external]
        default: query
      field:
        description: Field of the source's answer that gets the link.
        type: str
        required: true
      query:
        description: The query of the target, in the words of its plugin; for V(external), C(url).
        type: dict
      transformations:
        description: How variables are taken from the field, in Grafana's own words.
        type: list
        elements: dict
  library_panels:
    description: Library panels.
    type: list
    elements: dict
    default: []
    suboptions:
      uid:
        description: Its uid.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      folder:
        description: uid of its folder. Left out, it is in General.
        type: str
      model:
        description: The panel.
        type: dict
        required: true
  dashboards:
    description: Dashboards beside those of the bundle.
    type: list
    elements: dict
    default: []
    suboptions:
      model:
        description: The dashboard, with C(uid) and C(title).
        type: dict
        required: true
      folder:
        description: uid of its folder. Left out, O(placement) says it.
        type: str
  rule_groups:
    description:
      - Groups of Grafana-managed alert rules. Rules of others in such a group are left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      folder:
        description: uid of its folder.
        type: str
        required: true
      interval:
        description: How often its rules are evaluated; a multiple of 10 seconds.
        type: str
        default: 1m
      rules:
        description: The rules. Their order says nothing.
        type: list
        elements: dict
        required: true
        suboptions:
          uid:
            description: Its uid.
            type: str
            required: true
          title:
            description: Its title; once for each folder.
            type: str
            required: true
          data:
            description:
              - Queries and expressions in the words of Grafana's provisioning API, each with C(refId), C(datasourceUid) and C(model).
            type: list
            elements: dict
            required: true
          condition:
            description: C(refId) of the query or expression that decides.
            type: str
          for:
            description: How long it must hold before the alert fires.
            type: str
            default: 0s
          keep_firing_for:
            description: How long it keeps firing when it no longer holds (newer versions).
            type: str
          no_data_state:
            description: What it is when there is no data.
            type: str
            choices: [NoData, OK, Alerting, KeepLast]
            default: NoData
          exec_err_state:
            description: What it is when a query fails.
            type: str
            choices: [Error, OK, Alerting, KeepLast]
            default: Error
          labels:
            description: Its labels.
            type: dict
          annotations:
            description: Its annotations; C(__dashboardUid__) and C(__panelId__) go together.
            type: dict
          is_paused:
            description: Whether it is not evaluated (newer versions).
            type: bool
            default: false
          notification_settings:
            description: Contact point and timing of its own, beside the policies (newer versions), in Grafana's own words.
            type: dict
          missing_series_evals_to_resolve:
            description: After how many evaluations without its series an alert is resolved (newer versions).
            type: int
          record:
            description: Makes it a recording rule (newer versions), with C(metric), and C(from), a C(refId).
            type: dict
  contact_points:
    description:
      - Contact points. Several with one name are one contact point with several receivers, as in Grafana.
    type: list
    elements: dict
    default: []
    suboptions:
      uid:
        description: Its uid.
        type: str
        required: true
      name:
        description: Its name, which policies and rules use.
        type: str
        required: true
      type:
        description: Its type, such as V(webhook), V(email), V(slack), V(pagerduty), V(prometheus-alertmanager).
        type: str
        required: true
      settings:
        description: Its settings in Grafana's own words.
        type: dict
      secure_settings:
        description:
          - Its secret settings, such as the C(url) of Slack or the C(password) of a webhook. As in O(datasources[].secure_json_data).
        type: dict
      disable_resolve_message:
        description: Whether nothing is sent when an alert is resolved.
        type: bool
        default: false
  policies:
    description:
      - The whole tree of notification policies, in Grafana's own words (C(receiver), C(group_by), C(object_matchers) or C(matchers),
        C(routes) and so on). Left out, it is not looked at. When it was declared once and is not any more, Grafana's own comes back.
    type: dict
  mute_timings:
    description: Mute timings.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      time_intervals:
        description: When, in the words of Alertmanager.
        type: list
        elements: dict
  notification_templates:
    description: Templates of notifications.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      template:
        description: Its text. What defines no template is put into one with this name.
        type: str
        required: true
  alerting_editable:
    description:
      - Whether people may edit in the UI what this module makes of alerting. Otherwise Grafana shows it as provisioned. What was made
        without stays as it is in Grafana 9.4.
    type: bool
    default: false
  home_dashboard:
    description: uid of the organisation's home dashboard.
    type: str
  content:
    description: The bundle as the action plugin read it on the controller. Not for use in playbooks.
    type: str
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
from ansible_collections.psf.observatory.plugins.module_utils.grafana.sync import Sync
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, locked


def content_spec():
    """The options that declare what Grafana holds."""
    permission = dict(
        role=dict(type="str", choices=["Viewer", "Editor", "Admin"]), team=dict(type="str"), user=dict(type="str"),
        permission=dict(type="str", choices=["View", "Edit", "Admin"], required=True))
    datasource = dict(
        uid=dict(type="str", required=True), name=dict(type="str", required=True), type=dict(type="str", required=True),
        url=dict(type="str"), access=dict(type="str", choices=["proxy", "direct"], default="proxy"),
        is_default=dict(type="bool", default=False), basic_auth_user=dict(type="str"), with_credentials=dict(type="bool", default=False),
        user=dict(type="str"), database=dict(type="str"), json_data=dict(type="dict"), secure_json_data=dict(type="dict", no_log=True),
        links=dict(type="dict"))
    rule = dict(
        uid=dict(type="str", required=True), title=dict(type="str", required=True), data=dict(type="list", elements="dict", required=True),
        condition=dict(type="str"), keep_firing_for=dict(type="str"), labels=dict(type="dict"), annotations=dict(type="dict"),
        no_data_state=dict(type="str", choices=["NoData", "OK", "Alerting", "KeepLast"], default="NoData"),
        exec_err_state=dict(type="str", choices=["Error", "OK", "Alerting", "KeepLast"], default="Error"),
        is_paused=dict(type="bool", default=False), notification_settings=dict(type="dict"),
        missing_series_evals_to_resolve=dict(type="int"), record=dict(type="dict"), **{"for": dict(type="str", default="0s")})
    return dict(
        bundle=dict(type="path"), placement=dict(type="dict", default={}),
        folders=dict(type="list", elements="dict", default=[], options=dict(
            uid=dict(type="str", required=True), title=dict(type="str", required=True), parent=dict(type="str"),
            permissions=dict(type="list", elements="dict", options=permission))),
        teams=dict(type="list", elements="dict", default=[], options=dict(name=dict(type="str", required=True), email=dict(type="str"))),
        datasources=dict(type="list", elements="dict", default=[], options=datasource),
        library_panels=dict(type="list", elements="dict", default=[], options=dict(
            uid=dict(type="str", required=True), name=dict(type="str", required=True), folder=dict(type="str"),
            model=dict(type="dict", required=True))),
        dashboards=dict(type="list", elements="dict", default=[], options=dict(
            model=dict(type="dict", required=True), folder=dict(type="str"))),
        home_dashboard=dict(type="str"),
        service_accounts=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), role=dict(type="str", choices=["None", "Viewer", "Editor", "Admin"], default="Viewer"),
            disabled=dict(type="bool", default=False))),
        correlations=dict(type="list", elements="dict", default=[], options=dict(
            source=dict(type="str", required=True), label=dict(type="str", required=True), target=dict(type="str"),
            description=dict(type="str"), type=dict(type="str", choices=["query", "external"], default="query"),
            field=dict(type="str", required=True), query=dict(type="dict"), transformations=dict(type="list", elements="dict"))),
        rule_groups=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), folder=dict(type="str", required=True), interval=dict(type="str", default="1m"),
            rules=dict(type="list", elements="dict", required=True, options=rule))),
        contact_points=dict(type="list", elements="dict", default=[], options=dict(
            uid=dict(type="str", required=True), name=dict(type="str", required=True), type=dict(type="str", required=True),
            settings=dict(type="dict"), secure_settings=dict(type="dict", no_log=True),
            disable_resolve_message=dict(type="bool", default=False))),
        policies=dict(type="dict"),
        mute_timings=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), time_intervals=dict(type="list", elements="dict"))),
        notification_templates=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), template=dict(type="str", required=True))),
    )


def argument_spec():
    return dict(
        url=dict(type="str", required=True), username=dict(type="str"), password=dict(type="str", no_log=True),
        token=dict(type="str", no_log=True), org_id=dict(type="int"), ca=dict(type="str"), cert=dict(type="str"),
        key=dict(type="str", no_log=False), validate_certs=dict(type="bool", default=True), use_proxy=dict(type="bool", default=True),
        timeout=dict(type="float", default=30), retries=dict(type="int", default=5), workers=dict(type="int"),
        lock_timeout=dict(type="int", default=120), scope=dict(type="str", default="default"),
        state=dict(type="str", choices=["present", "absent"], default="present"), prune=dict(type="bool", default=True),
        drift=dict(type="str", choices=["overwrite", "leave", "adopt"], default="overwrite"), adopt_to=dict(type="path"),
        verify=dict(type="bool", default=True), alerting_editable=dict(type="bool", default=False), content=dict(type="str"),
        **content_spec())


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
    top = "/run/lock/psf-observatory" if os.getuid() == 0 else "%s/psf-observatory-%d" % (tempfile.gettempdir(), os.getuid())
    return "%s/grafana-%s.lock" % (top, name)


def main():
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True, mutually_exclusive=[("token", "username")],
                           required_together=[("username", "password"), ("cert", "key")])
    params, sync = module.params, None
    try:
        sync = Sync(client(params), params, module.check_mode, progress=module.log)
        if module.check_mode:
            result = sync.run()
        else:
            with locked(lock_of(params), params["lock_timeout"]):
                result = sync.run()
    except ConcernError as error:
        for warning in sync.warnings if sync else []:
            module.warn(warning)
        module.fail_json(msg=error.msg, **error.details)
    for warning in sync.warnings:
        module.warn(warning)
    if module._diff:
        result["diff"] = sync.plan.diff()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
