# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that ask services. Their documentation is doc_fragments/services.py."""

from __future__ import annotations

OBSERVED = ("prometheus", "loki", "jaeger")
NOTIFICATION = ("alertmanager", "alert_log")


def login():
    """How one logs in to a service: files of TLS, name and password."""
    return dict(ca=dict(type="str"), cert=dict(type="str"), key=dict(type="str", no_log=False), username=dict(type="str"),
                password=dict(type="str", no_log=True))


def credentials():
    """Files and log-in for several services."""
    return dict(type="dict", default={}, options=login())


def service():
    """One service, asked from the host that the module runs on."""
    return dict(type="dict", required=True, options=dict(_local(), url=dict(type="str", required=True), timeout=dict(type="int")))


def probe():
    """What is asked, from the host that the module runs on, until it answers as it should."""
    return dict(type="dict", options=dict(
        _local(), url=dict(type="str"), tcp=dict(type="str"), status=dict(type="int", default=200), timeout=dict(type="int", default=60)))


def argument_spec(*more):
    """Endpoints of prometheus, loki and jaeger and of `more` services, and the credentials for all of them."""
    spec = {name: dict(type="list", elements="dict", default=[]) for name in OBSERVED + more}
    return dict(spec, credentials=credentials())


def _local():
    return dict(login(), server_name=dict(type="str"))
