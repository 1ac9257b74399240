# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `prometheus_rules` and `loki_rules` are as modules: one argument spec, one way to run and to answer."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.component.host import Host
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import LOCKS, answer
from ansible_collections.psf.observatory.plugins.module_utils.rules.converge import Converger, NeedsContent, Ruleset
from ansible_collections.psf.observatory.plugins.module_utils.services import service


def argument_spec(**own):
    """Options of a rules module; `own` has its defaults of group, directory and link, and what it alone has."""
    spec = dict(
        bundle=dict(type="path"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        service=service(),
        load_timeout=dict(type="int", default=60),
        settle=dict(type="float", default=1),
        trial_timeout=dict(type="int", default=60),
        keep=dict(type="int", default=1),
        lock_timeout=dict(type="int", default=120),
        content=dict(type="dict"),
    )
    spec.update(own)
    return spec


def run(spec, client, inside=""):
    """Run a rules module: `client` makes the service from the parameters, `inside` is the subdirectory that the link names."""
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True, required_if=[("state", "present", ["bundle"])])

    def make():
        wanted = Ruleset(dict(module.params, inside=inside))
        asked = client(module.params)
        return Converger(wanted, asked, Host(), module.check_mode), "%s/%s_rules.lock" % (LOCKS, asked.name)

    try:
        answer(module, make, module.params["lock_timeout"])
    except NeedsContent as needs:
        module.exit_json(changed=False, needs_content=needs.missing, tool=needs.tool())
