#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: assessment
short_description: Evaluate every governance control of a host in one call
version_added: 0.1.0
description:
  - Controls are data, one file each. A probe reads what is really there, and a pure judgement turns it into a verdict with what was
    expected, what is there, and the evidence.
  - A control passes only when at least one thing was read and nothing failed to be read. A read that is denied, that takes too long
    or gives something that cannot be understood is an C(error), never a pass. It does not fail by itself for what it finds.
  - Controls of a region (its metrics, logs, alerts) are evaluated once in each region, by its first host that runs what they ask.
  - It only reads. Secrets and personal data are masked on the host.
author:
  - PSF Observatory contributors (@psf-web)
options:
  controls:
    description: Which controls, by id (V(TLS-05)), pattern of ids (V(TLS-*)) or domain (V(encryption-in-transit)). Without it, all.
    type: list
    elements: str
    default: []
  tags:
    description:
      - Narrows O(controls) further by those of the tags that are a control's id or a domain.
      - Meant for C(ansible_run_tags), so that C(--tags TLS-05) evaluates this control.
    type: list
    elements: str
    default: []
  directories:
    description: Further directories of controls on the controller, beside those of the role C(governance).
    type: list
    elements: str
    default: []
  parameters:
    description: Control to parameter to value, where an environment wants another value than the control's default.
    type: dict
    default: {}
  targets:
    description: Targets from outside Ansible, as C(observatory_targets).
    type: list
    elements: dict
    default: []
  environment:
    description: Name of the environment.
    type: str
    default: ""
  drift:
    description: File on the controller with what the last drift run would have changed, as the callback C(change_record) writes it.
    type: str
    default: ""
  systems:
    description:
      - How systems are reached that the collection does not run itself (databases, brokers, clusters, their APIs).
      - A control of such a system is an C(error) where its host has no row here.
    type: list
    elements: dict
    default: []
    suboptions:
      system:
        description: The system that controls name.
        type: str
        required: true
      name:
        description: What it is called in results. Without it, O(systems[].system).
        type: str
      url:
        description: Of an HTTP API.
        type: str
      address:
        description: Of a server with a protocol of its own. Without it, V(127.0.0.1).
        type: str
      port:
        description: Its port, where it is not the usual one.
        type: int
      server_name:
        description: Name that its certificate must carry. Without it, O(systems[].address).
        type: str
      socket:
        description: Unix socket; for PostgreSQL the directory is enough.
        type: path
      tls:
        description: Set it to V(false) for a system that has no TLS; nothing is sent without TLS by itself.
        type: bool
      database:
        description: Database to log in to.
        type: str
      username:
        description: Account, access key or client id.
        type: str
      password:
        description: Its password.
        type: str
      password_file:
        description: File on the host that holds the password.
        type: path
      mechanism:
        description: How one logs in to Kafka.
        type: str
        choices: [PLAIN, SCRAM-SHA-256, SCRAM-SHA-512]
      broker_id:
        description: Id of the Kafka broker of this host.
        type: int
      token:
        description: Token of an API.
        type: str
      token_file:
        description: File on the host that holds the token.
        type: path
      token_header:
        description: Header that takes the token as it is, such as V(X-Vault-Token). Without it, C(Authorization) as a bearer token.
        type: str
      token_url:
        description: Where username and password get a token by OAuth's client credentials.
        type: str
      ca:
        description: File on the host with the certificate authority.
        type: path
      cert:
        description: File on the host with a client certificate.
        type: path
      key:
        description: File on the host with its key.
        type: path
      kubeconfig:
        description: File on the host by which the Python package C(kubernetes), which must be there, logs in.
        type: path
      context:
        description: Context of the kubeconfig.
        type: str
      region:
        description: Region of an object store's signature.
        type: str
  timeout:
    description: Seconds for each probe. One that takes longer is an C(error) of the controls that need it.
    type: float
    default: 20.0
  settle:
    description:
      - Seconds for which a probe may wait for what was loaded a moment ago, which is the first evaluation of new rules.
      - Nothing is waited for where all has been evaluated. What has not been by then is an C(error).
    type: float
    default: 90.0
  threads:
    description: How many probes read at once.
    type: int
    default: 8
  evidence_limit:
    description: Bytes of evidence for each result; more is cut.
    type: int
    default: 8192
  plan:
    description: The controls of this host as resolved by the action plugin on the controller. Not for use in playbooks.
    type: dict
extends_documentation_fragment:
  - psf.observatory.attributes.reads
  - psf.observatory.services.credentials
"""

EXAMPLES = r"""
- name: Evaluate the controls
  psf.observatory.assessment:
    parameters: {TLS-06: {min_days: 14}}
    credentials: {ca: /etc/psf/tls/ca.crt, cert: /etc/psf/tls/host.crt, key: /etc/psf/tls/host.key}
  become: true
  register: assessment_result

- name: Only what concerns TLS, with controls of your own beside those of the collection
  psf.observatory.assessment:
    controls: [TLS-*, IAM-40]
    directories: ["{{ inventory_dir }}/controls"]
  become: true
"""

RETURN = r"""
results:
  description: One row for each control and subject.
  returned: always
  type: list
  elements: dict
  sample:
    - control: HST-01
      subject: {type: host, name: obs-eu-1, region: eu}
      status: pass
      expected: kernel.randomize_va_space is 2
      actual: kernel.randomize_va_space 2
      message: as expected (1 looked at)
      evidence:
        collected_at: "2026-11-24T14:10:00Z"
        collector: sysctl
        data: [{name: kernel, data: {kernel.randomize_va_space: 2}}]
      parameters: {}
      overridden: []
      duration_ms: 0.4
controls:
  description: Ids of the controls that this host answered for.
  returned: always
  type: list
  elements: str
  sample: [HST-01]
host:
  description: Name of the host in the inventory.
  returned: always
  type: str
  sample: obs-eu-1
region:
  description: Its region.
  returned: always
  type: str
  sample: eu
started:
  description: When it began, UTC.
  returned: always
  type: str
  sample: "2026-11-24T14:10:00Z"
finished:
  description: When it ended, UTC.
  returned: always
  type: str
  sample: "2026-11-24T14:10:01Z"
seconds:
  description: How long it took on the host, without the connection.
  returned: always
  type: float
  sample: 0.62
processor_seconds:
  description: Processor time that it took on the host, with the commands that it ran, without the services that it asked.
  returned: always
  type: float
  sample: 0.41
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.governance.assess import assess
from ansible_collections.psf.observatory.plugins.module_utils.services import credentials


def main():
    texts = dict(type="list", elements="str", default=[])
    module = AnsibleModule(
        argument_spec=dict(
            controls=texts, tags=texts, directories=texts, parameters=dict(type="dict", default={}),
            targets=dict(type="list", elements="dict", default=[]), environment=dict(type="str", default=""),
            drift=dict(type="str", default=""),
            timeout=dict(type="float", default=20.0), settle=dict(type="float", default=90.0), threads=dict(type="int", default=8),
            evidence_limit=dict(type="int", default=8192), plan=dict(type="dict"),
            credentials=credentials(),
            systems=dict(type="list", elements="dict", default=[], options=dict(
                system=dict(type="str", required=True), tls=dict(type="bool"), port=dict(type="int"), broker_id=dict(type="int"),
                mechanism=dict(type="str", choices=["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
                password=dict(type="str", no_log=True), token=dict(type="str", no_log=True),
                token_header=dict(type="str", no_log=False), token_url=dict(type="str", no_log=False),
                password_file=dict(type="path", no_log=False), token_file=dict(type="path", no_log=False),
                key=dict(type="path", no_log=False),
                **{name: dict(type="path") for name in ("socket", "ca", "cert", "kubeconfig")},
                **{name: dict(type="str") for name in ("name", "url", "address", "server_name", "database", "username", "context",
                                                       "region")}))),
        supports_check_mode=True)
    params = module.params
    for name, least in (("timeout", 0.1), ("settle", 0), ("threads", 1), ("evidence_limit", 256)):
        if params[name] < least:
            module.fail_json(msg="%s: %s is less than %s" % (name, params[name], least))
    if params["plan"] is None:
        module.fail_json(msg="plan: missing; this module is run by its action plugin, in a playbook or with ansible -m")
    systems = {}
    for row in params["systems"]:
        if row["system"] in systems:
            module.fail_json(msg="systems: %s is there twice" % row["system"])
        systems[row["system"]] = row
    started = time.monotonic()
    answer = assess(params["plan"], dict(params["credentials"], systems=systems), params["timeout"], params["threads"],
                    params["evidence_limit"], params["settle"])
    module.exit_json(changed=False, seconds=round(time.monotonic() - started, 3), processor_seconds=round(sum(os.times()[:4]), 2), **answer)


if __name__ == "__main__":
    main()
