#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_files
short_description: Have a host's provisioning files of Grafana say exactly what is declared
version_added: 0.1.0
description:
  - The declaration of M(psf.observatory.grafana_content) as files that Grafana reads by itself, for those who prefer files to the API.
    Dashboards with a provider for each folder, data sources with their correlations, and Grafana's own alerting.
  - The same declaration makes the same files. They are put in place together; when one cannot be written, or Grafana refuses them on
    O(reload), all are put back. Only files that this module made are changed or removed.
  - No secret is in these files. Each is in a file of its own that root and O(group) can read, and is referred to with C($__file).
    A secret that is a reference itself (C($__env{NAME}), C($__file{/path}), C(${NAME})) is kept as it is.
  - Grafana keeps what merely vanishes from its files, so what is no longer declared is named for deletion in them. It stays named until
    O(keep_deleted) is off, or until Grafana has read it by O(reload).
notes:
  - Grafana reads data sources and alerting when it starts, or when it is told to by O(reload). It reads dashboards by itself.
  - "Files hold no teams, permissions, service accounts, library panels, home dashboards or folders inside folders: declare them to
    M(psf.observatory.grafana_content), in another scope. The module refuses them."
  - The file of alert rules names their folder by its title only. Give rules a folder of their own.
  - It was tested with a stand-in that reads such files as Grafana 9.4 was recorded to. Correlations in files were not recorded.
author:
  - PSF Observatory contributors (@psf-web)
extends_documentation_fragment:
  - psf.observatory.grafana
  - psf.observatory.grafana.reload
options:
  path:
    description: Grafana's provisioning directory.
    type: path
    default: /etc/grafana/provisioning
  dashboards_path:
    description: Directory for the dashboards; each O(scope) has its own in it.
    type: path
    default: /var/lib/grafana/psf-dashboards
  secrets_path:
    description: Directory for the secrets; each O(scope) has its own in it.
    type: path
    default: /etc/grafana/psf-secrets
  group:
    description: Group that Grafana runs as. The files are root's, and this group can read them.
    type: str
    default: grafana
  scope:
    description: Name of this set of files. Several sets can be kept side by side, each with its own record.
    type: str
    default: default
  org_id:
    description: Number of the organisation.
    type: int
    default: 1
  version:
    description: Version of Grafana that reads the files. How data sources lead to each other depends on it.
    type: str
    default: "11.0"
  update_interval:
    description: Seconds between two looks of Grafana at its dashboard files.
    type: int
    default: 30
  allow_ui_updates:
    description: Whether dashboards can be saved in the UI. The next change of the file overwrites them.
    type: bool
    default: false
  keep_deleted:
    description: Whether what is no longer declared stays named for deletion in the files.
    type: bool
    default: true
  state:
    description: Whether the content is there. V(absent) leaves files only with what Grafana shall delete.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Shows the same plan, writes nothing.
  diff_mode:
    support: full
    description: Shows the files before and after, dashboards in terms of panels and queries, and no secret.
"""

EXAMPLES = r"""
- name: The bundle as provisioning files
  psf.observatory.grafana_files:
    bundle: /srv/observatory/bundle
    placement: {"*": psf}
    folders:
      - {uid: psf, title: Observatory}
    datasources:
      - uid: prom-eu
        name: Prometheus eu
        type: prometheus
        url: https://obs-eu-1:9090
        basic_auth_user: grafana
        secure_json_data: {basicAuthPassword: "{{ vault_prometheus_password }}"}
    reload:
      url: https://localhost:3000
      username: admin
      password: "{{ vault_grafana_password }}"
      ca: /etc/psf/tls/ca.crt
"""

RETURN = r"""
plan:
  description: The steps from what was found to what is declared. Empty when nothing differed.
  returned: always
  type: list
  elements: dict
  sample:
    - step: create
      target: /etc/grafana/provisioning/datasources/psf-default.yaml
drift:
  description: Files that were not as the last run had left them.
  returned: always
  type: list
  elements: dict
  sample:
    - path: /etc/grafana/provisioning/alerting/psf-default.yaml
      found: edited
      done: overwritten
deleted:
  description: What the files name for deletion, by kind.
  returned: always
  type: dict
  sample: {alert rule: [node-down]}
reloaded:
  description: What Grafana has read again.
  returned: always
  type: list
  elements: str
  sample: [datasources, alerting]
"""

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.grafana import files
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import Client
from ansible_collections.psf.observatory.plugins.module_utils.grafana.file_store import Store
from ansible_collections.psf.observatory.plugins.module_utils.grafana.options import content_spec, server_spec
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan, answer

STATE = "/var/lib/psf-observatory/grafana_files"
PARTS = ("datasources", "alerting", "dashboards")


def argument_spec():
    return dict(
        path=dict(type="path", default="/etc/grafana/provisioning"),
        dashboards_path=dict(type="path", default="/var/lib/grafana/psf-dashboards"),
        secrets_path=dict(type="path", default="/etc/grafana/psf-secrets", no_log=False), group=dict(type="str", default="grafana"),
        scope=dict(type="str", default="default"), org_id=dict(type="int", default=1), version=dict(type="str", default="11.0"),
        update_interval=dict(type="int", default=30), allow_ui_updates=dict(type="bool", default=False),
        keep_deleted=dict(type="bool", default=True), state=dict(type="str", choices=["present", "absent"], default="present"),
        reload=dict(type="dict", options=dict(
            server_spec(), username=dict(type="str", required=True), password=dict(type="str", required=True, no_log=True),
            ca=dict(type="str"))),
        **content_spec())


def places(params):
    scope = params["scope"]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", scope):
        raise ConcernError("scope: %r is not 1 to 20 letters, digits, - and _" % scope)
    for option in ("path", "dashboards_path", "secrets_path"):
        if not params[option].startswith("/"):
            raise ConcernError("%s: %r is no absolute path" % (option, params[option]))
    if params["dashboards_path"].startswith(params["path"].rstrip("/") + "/dashboards"):
        raise ConcernError("dashboards_path: %s: Grafana would take the dashboards there for providers; choose another directory"
                           % params["dashboards_path"])
    return files.Places(params["path"], params["dashboards_path"], params["secrets_path"], scope, params["org_id"],
                        params["update_interval"], params["allow_ui_updates"])


def version(text):
    numbers = re.match(r"(\d+)\.(\d+)", text)
    if not numbers:
        raise ConcernError("version: %r is no version like 11.0" % text)
    return tuple(int(number) for number in numbers.groups())


class Reload:
    """Has Grafana read what changed; done: what it has read."""

    def __init__(self, options, top):
        self.options, self.top, self.done = options, top, []

    def __call__(self, paths):
        if not self.options:
            return
        options = self.options
        client = Client(options["url"], options["username"], options["password"], timeout=options["timeout"], retries=2,
                        verify=options["validate_certs"], ca=options["ca"], use_proxy=False)
        try:
            for part in PARTS:
                if any(path.startswith("%s/%s/" % (self.top, part)) for path in paths):
                    client.call("POST", "/api/admin/provisioning/%s/reload" % part, "reload of %s; see Grafana's log" % part)
                    self.done.append(part)
        finally:
            client.close()


class Provisioning:
    """The files of one scope, as declared."""

    def __init__(self, params, check_mode):
        self.params, self.check_mode, self.where = params, check_mode, places(params)
        self.plan, self.warnings = Plan(), []
        self.reload = Reload(params["reload"], self.where.provisioning)
        self.store = Store("%s/%s.json" % (STATE, self.where.scope), params["group"], self.where.own)

    def run(self):
        params, store = self.params, self.store
        found_version = version(params["version"])
        wanted, self.warnings = files.declared(params, found_version) if params["state"] == "present" else ({}, [])
        store.load()
        objects = files.objects(wanted)
        gone = merged(store.gone, store.objects, objects) if params["keep_deleted"] or params["reload"] else {}
        target = files.render(wanted, gone, self.where)
        self.plan, drift, writes, removals = store.plan(target)
        if (self.plan or gone != store.gone or objects != store.objects) and not self.check_mode:
            self._put(target, writes, removals, objects, gone)
            if gone and params["reload"]:
                # Grafana has read the deletions, so they need not be named any more.
                target = files.render(wanted, {}, self.where)
                _plan, _drift, writes, removals = store.plan(target)
                store.apply(target, writes, removals, objects, {}, lambda: None)
                gone = {}
        return {"changed": bool(self.plan), "plan": self.plan.as_list(), "drift": drift, "reloaded": self.reload.done,
                "deleted": {kind: sorted(rows) for kind, rows in gone.items()}}

    def _put(self, target, writes, removals, objects, gone):
        touched = list(writes) + removals
        try:
            self.store.apply(target, writes, removals, objects, gone, lambda: self.reload(touched))
        except ConcernError as error:
            if self.reload.options and touched:
                try:
                    self.reload(touched)
                except ConcernError as second:
                    raise ConcernError("%s; all files were put back, and Grafana was to read them again, but: %s"
                                       % (error.msg, second.msg)) from error
            raise ConcernError("%s; all files were put back" % error.msg) from error


def merged(gone, before, now):
    """What is to be named for deletion: what was, and what was declared before, without what is declared now."""
    found = {}
    for rows in (gone, before):
        for kind, entries in rows.items():
            for key, name in entries.items():
                if key not in now.get(kind, {}) and not (kind == "datasource" and name in now.get(kind, {}).values()):
                    found.setdefault(kind, {})[key] = name
    return found


def main():
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)

    def make():
        concern = Provisioning(module.params, module.check_mode)
        return concern, "%s/%s.lock" % (STATE, concern.where.scope)

    answer(module, make, 120)


if __name__ == "__main__":
    main()
