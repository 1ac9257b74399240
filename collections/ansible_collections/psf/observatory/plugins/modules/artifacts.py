#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: artifacts
short_description: Prepare the servers' programs on the controller before any host is touched
version_added: 0.1.0
description:
  - Finds out which servers the hosts that M(psf.observatory.component_facts) has read are to run and do not have, chooses
    a source for each, and fetches or builds them at the same time into a cache by content, with progress.
  - A wrong checksum, an unknown version or a source that cannot be reached ends in one error that names all of them.
  - A server that its service's file calls optional, and that a host does not have, is left out with one line that says why, when
    no source of it can be reached. The fact C(psf_unavailable) tells the roles and filters.
  - With O(mirror_directory), fills a directory that any web server can serve as a mirror.
  - Runs on the controller only.
author:
  - PSF Observatory contributors (@psf-web)
options:
  artifact:
    description: Options for all servers, as in O(psf.observatory.component#module:artifact).
    type: dict
    default: {}
  servers:
    description: Ids of servers, instead of what the hosts need. An empty list means all.
    type: list
    elements: str
  architectures:
    description: Architectures for O(servers). Defaults to V(amd64).
    type: list
    elements: str
    default: []
  distribution:
    description: Distribution (such as V(debian-13)) whose packages count as a source for O(servers).
    type: str
  mirror_directory:
    description: Directory to fill as a mirror.
    type: path
attributes:
  check_mode:
    support: full
    description: Says what would be fetched or built, and from where.
  diff_mode:
    support: none
    description: There is no text to compare.
"""

EXAMPLES = r"""
- name: Prepare what the hosts need
  psf.observatory.artifacts:

- name: Fill a mirror for an air gap
  psf.observatory.artifacts:
    mirror_directory: /srv/mirror
    architectures: [amd64, arm64]
"""

RETURN = r"""
artifacts:
  description: What was prepared.
  returned: success
  type: list
  elements: dict
  sample:
    - server: loki
      version: 3.7.6
      architecture: amd64
      source: build
      cached: true
unavailable:
  description: Optional servers that cannot be had, by component, with the reason. They are left out.
  returned: success
  type: dict
  sample: {}
ansible_facts:
  description: Facts of all hosts of the run.
  returned: without O(servers) and O(mirror_directory)
  type: dict
  contains:
    psf_unavailable:
      description: Component to the hosts that do without it.
      type: dict
      sample: {grafana: [obs-eu-1]}
"""
