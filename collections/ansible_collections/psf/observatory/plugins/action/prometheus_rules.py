# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of `prometheus_rules`: what of the bundle goes to the host, sent only where the host does not have it."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.plugin_utils.content import RulesAction


class ActionModule(RulesAction):
    part = "prometheus_rules"
