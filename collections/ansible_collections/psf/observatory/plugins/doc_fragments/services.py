# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that ask services: where each is, and how one logs in. Their twin is module_utils/services.py."""

from __future__ import annotations

from textwrap import indent

_LOGIN = """
ca:
  description: File with the certificate authority that signed the service's certificate, where the module runs.
  type: str
cert:
  description: File with a client certificate.
  type: str
key:
  description: File with its key.
  type: str
username:
  description: Name for basic authentication.
  type: str
password:
  description: Password for basic authentication.
  type: str
"""

# One service, asked from the host that the module runs on.
_LOCAL = _LOGIN + """
server_name:
  description: Name that the certificate must carry when the URL has a loopback address.
  type: str
"""

_PROBE = """
url:
  description: URL; a reload is a POST. Without it, C(systemctl reload) is used.
  type: str
tcp:
  description: Address and port that must accept a connection.
  type: str
status:
  description: HTTP status that means ready.
  type: int
  default: 200
timeout:
  description: Seconds to wait.
  type: int
  default: 60
""" + _LOCAL


# ansible-test reads every plain assignment of this class as one text, and fails on others: those have a type.
class ModuleDocFragment:
    # What is made of parts is annotated: ansible-test's yamllint takes other assignments for literals.
    # The services of a region.
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

    # How one logs in to a service that the module itself names.
    LOGIN: str = "options:" + indent(_LOGIN, "  ")

    CREDENTIALS: str = r"""
options:
  credentials:
    description: Files and log-in for the services.
    type: dict
    default: {}
    suboptions:
""" + indent(_LOGIN, "      ")

    SERVICE: str = r"""
options:
  service:
    description: How the service is asked, as the filter P(psf.observatory.local_client#filter) gives it.
    type: dict
    required: true
    suboptions:
      url:
        description: Base URL.
        type: str
        required: true
      timeout:
        description: Not used here; accepted so that one mapping serves this module and M(psf.observatory.component).
        type: int
""" + indent(_LOCAL, "      ")

    # Asked until it answers.
    PROBES: str = r"""
options:
  reload:
    description: How the service reads its configuration again. Without it, every change restarts.
    type: dict
    suboptions:
""" + indent(_PROBE, "      ") + r"""
  readiness:
    description: How to ask whether the service is ready. Without it, an active unit counts.
    type: dict
    suboptions:
""" + indent(_PROBE, "      ")
