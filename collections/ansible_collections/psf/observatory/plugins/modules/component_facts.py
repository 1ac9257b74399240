#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: component_facts
short_description: Read once what later tasks would each have to ask a host
version_added: 0.1.0
description:
  - Architecture, distribution, the components that M(psf.observatory.component) installed, and the state of the host's
    certificate that M(psf.observatory.certificate) keeps.
  - With it, artifacts and certificates are prepared on the controller before any host is touched.
author:
  - PSF Observatory contributors (@psf-web)
extends_documentation_fragment:
  - psf.observatory.attributes.reads
"""

EXAMPLES = r"""
- name: Read what the hosts have
  psf.observatory.component_facts:
"""

RETURN = r"""
ansible_facts:
  description: Facts of the host.
  returned: always
  type: dict
  contains:
    psf_architecture:
      description: V(amd64), V(arm64), or the kernel's own word for another machine.
      type: str
      sample: amd64
    psf_distribution:
      description: Distribution and major version.
      type: str
      sample: debian-13
    psf_components:
      description: Component name to the stamp of its current artifact; empty for a component without artifact.
      type: dict
      sample: {prometheus: {server: prometheus, version: "2.53", source: package, id: "5d1f"}}
    psf_certificate:
      description: Names, end and issuer's fingerprint of the host's certificate; empty where there is none.
      type: dict
"""

import os
import platform

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils import pki
from ansible_collections.psf.observatory.plugins.module_utils.component.host import Host
from ansible_collections.psf.observatory.plugins.module_utils.component.model import ROOT, STATE

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def distribution():
    """`debian-13` from os-release(5)."""
    values = {}
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                for line in stream:
                    key, sep, value = line.strip().partition("=")
                    if sep:
                        values[key] = value.strip("\"'")
            break
    return "%s-%s" % (values.get("ID", "unknown"), values.get("VERSION_ID", "").split(".")[0])


def components(host):
    found = {}
    for name in host.list(STATE):
        current = host.link("%s/%s/current" % (ROOT, name))
        stamp = host.read_json("%s/%s/versions/%s.json" % (ROOT, name, current.rsplit("/", 1)[-1])) if current else None
        found[name] = stamp or {}
    return found


def main():
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    machine = platform.machine()
    module.exit_json(changed=False, ansible_facts={
        "psf_architecture": MACHINES.get(machine, machine),
        "psf_distribution": distribution(),
        "psf_components": components(Host()),
        "psf_certificate": pki.read(Host()) or {},
    })


if __name__ == "__main__":
    main()
