# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of `grafana_files`: the bundle's dashboards to the module."""

from __future__ import annotations

from ansible.utils.vars import merge_hash
from ansible_collections.psf.observatory.plugins.plugin_utils.grafana import ContentAction


class ActionModule(ContentAction):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        return merge_hash(result, self.ask("grafana_files", task_vars))
