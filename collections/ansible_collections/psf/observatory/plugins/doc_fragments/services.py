# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that ask a region's services: where each is, and how one logs in. Its twin is module_utils/services.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  prometheus:
    description: Endpoints, as the filter P(psf.observatory.endpoints#filter) gives them. The first is asked.
    type: list
    elements: dict
    default: []
  loki:
    description: Endpoints.
    type: list
    elements: dict
    default: []
  jaeger:
    description: Endpoints.
    type: list
    elements: dict
    default: []
  credentials:
    description: Files and log-in for the services.
    type: dict
    default: {}
    suboptions:
      ca:
        description: File with the certificate authority.
        type: str
      cert:
        description: File with a client certificate.
        type: str
      key:
        description: File with its key.
        type: str
      username:
        description: Account of machines.
        type: str
      password:
        description: Its password.
        type: str
"""

    NOTIFICATION = r"""
options:
  alertmanager:
    description: Endpoints.
    type: list
    elements: dict
    default: []
  alert_log:
    description: Endpoints.
    type: list
    elements: dict
    default: []
"""
