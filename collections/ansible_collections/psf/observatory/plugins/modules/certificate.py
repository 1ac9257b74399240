#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: The host's certificate, with a key that never leaves the host
version_added: 0.1.0
description:
  - Without O(certificate), looks whether the certificate in C(/etc/psf/tls) will do (names, authority, end, modes). When it
    will not, makes a new key beside the old one and returns a signing request.
  - With O(certificate), checks it against key, authority and names, and puts it in place.
  - Services read it through the group C(psf-tls).
author:
  - PSF Observatory contributors (@psf-web)
options:
  names:
    description: DNS names and addresses that the certificate is for; the first is its common name.
    type: list
    elements: str
    required: true
  ca:
    description: The trusted authorities as PEM. Needed with O(certificate).
    type: str
  certificate:
    description: The signed certificate as PEM, with intermediates after it.
    type: str
  key:
    description: Its key as PEM, for a certificate of one's own. Without it, the key made with the signing request is used.
    type: str
  renew_before:
    description: Days before its end from which a certificate is due.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: Says whether a certificate is due; makes no key.
  diff_mode:
    support: none
    description: The plan names what changes; certificates are not shown.
"""

EXAMPLES = r"""
- name: Ask whether the host needs a certificate
  psf.observatory.certificate:
    names: [obs-eu-1, 192.0.2.11]
    ca: "{{ lookup('ansible.builtin.file', 'pki/ca.crt') }}"
  register: host_certificate
"""

RETURN = r"""
due:
  description: Why a certificate must be issued, or an empty string.
  returned: always
  type: str
  sample: it ends in 12 days
csr:
  description: The signing request, when one is due.
  returned: when due and not in check mode
  type: str
not_after:
  description: End of the certificate in seconds since the epoch.
  returned: when there is one
  type: int
plan:
  description: The steps from what was found to what is declared.
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils import pki
from ansible_collections.psf.observatory.plugins.module_utils.component.host import Host
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import LOCKS, ConcernError, Plan, locked


def run(params, host, check_mode):
    plan, names = Plan(), params["names"]
    if not names:
        raise ConcernError("names: a certificate needs at least one name")
    ca_sha256 = pki.digest(params["ca"].encode()) if params["ca"] else None
    if host.gid(pki.GROUP) is None:
        plan.add("create group", pki.GROUP, action=lambda: host.add_group(pki.GROUP))
    if not params["certificate"]:
        reason = pki.due(pki.read(host), names, ca_sha256, params["renew_before"])
        if reason:
            plan.add("request certificate", pki.path("certificate"), reason)
        if check_mode or not reason:
            return dict(changed=bool(plan), plan=plan.as_list(), due=reason)
        plan.apply()
        return dict(changed=True, plan=plan.as_list(), due=reason, csr=pki.request(host, names))
    if not params["ca"]:
        raise ConcernError("ca: needed together with certificate")
    sidecar = pki.read(host)
    wanted = {"certificate": params["certificate"], "ca": params["ca"]}
    if params["key"]:
        wanted["key"] = params["key"]
    if sidecar and all(sidecar["sha256"][kind] == pki.digest(text.encode()) for kind, text in wanted.items()):
        return dict(changed=bool(plan), plan=plan.as_list(), due="", not_after=sidecar["not_after"])
    plan.add("install certificate", pki.path("certificate"), ", ".join(names))
    if check_mode:
        return dict(changed=True, plan=plan.as_list(), due="")
    plan.apply()
    host.make_directory(pki.DIRECTORY, 0o750, 0, host.gid(pki.GROUP))
    key_path = pki.path("key") + ".new"
    if params["key"]:
        host.write(key_path, params["key"].encode("ascii"), 0o600, 0, 0)
    found = host.read(key_path) or host.read(pki.path("key"))
    if found is None:
        raise ConcernError("certificate: there is no key on this host that it could belong to; ask for a request first")
    if not host.read(key_path):
        host.write(key_path, found.data, 0o600, 0, 0)
    not_after = pki.check(host, params["certificate"], host.real(key_path), params["ca"], names)
    pki.install(host, params["certificate"], found.data, params["ca"], names, not_after)
    return dict(changed=True, plan=plan.as_list(), due="", not_after=not_after)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            names=dict(type="list", elements="str", required=True), ca=dict(type="str"), certificate=dict(type="str"),
            key=dict(type="str", no_log=True), renew_before=dict(type="int", default=30)),
        supports_check_mode=True)
    try:
        if module.check_mode:
            result = run(module.params, Host(), True)
        else:
            with locked(LOCKS + "/certificate.lock", 120):
                result = run(module.params, Host(), False)
    except ConcernError as error:
        module.fail_json(msg=error.msg, **error.details)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
