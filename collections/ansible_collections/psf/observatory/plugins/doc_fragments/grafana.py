# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that fill a Grafana: what it holds, and where it is. Their twin is module_utils/grafana/options.py."""

from __future__ import annotations

from textwrap import indent

_SERVER = """
url:
  description: Base URL of Grafana, with its sub path.
  type: str
  required: true
validate_certs:
  description: Whether Grafana's certificate is validated.
  type: bool
  default: true
timeout:
  description: Seconds for one answer.
  type: float
  default: 30
"""


# ansible-test reads every plain assignment of this class as one text, and fails on others: those have a type.
class ModuleDocFragment:
    SERVER: str = "options:" + indent(_SERVER, "  ")

    RELOAD: str = r"""
options:
  reload:
    description:
      - Tell Grafana to read the changed files. When it refuses them, all files are put back, and it is told again. Left out, restart it.
    type: dict
    suboptions:
      username:
        description: An admin of the server; a token cannot do it.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      ca:
        description: File with the certificate authority that signed Grafana's certificate.
        type: str
""" + indent(_SERVER, "      ")

    DOCUMENTATION = r"""
options:
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
      uid: &uid
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
      name: &name
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
      name: *name
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
      uid: *uid
      name: *name
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
        description:
          - Its settings, in Grafana's own words. An Alertmanager is taken for Prometheus's own, unless C(implementation) says otherwise.
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
      uid: *uid
      name: *name
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
          uid: *uid
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
      uid: *uid
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
      name: *name
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
      name: *name
      template:
        description: Its text. What defines no template is put into one with this name.
        type: str
        required: true
  home_dashboard:
    description: uid of the organisation's home dashboard.
    type: str
  content:
    description: The bundle as the action plugin read it on the controller. Not for use in playbooks.
    type: str
"""
