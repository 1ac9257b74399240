# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the services of this host as somebody without, or with a wrong, account; only the status of the answer is kept.

Right: none beyond the network. The client certificate is shown, so that what is refused is the missing log-in and not the connection.
`paths`: service to a path that shows its data or configuration. `accounts`: ["name:password"] to try instead of none; each is one
request. One reading for each service that has a path: {"answers": [{"name": "nobody" | account's name, "status": number, "to":
where a redirect leads}]}.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.component import probe
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import reading

ARGUMENTS = {"services": True, "paths": True, "accounts": False}


def read(world, services, paths, accounts=()):
    return [reading(row["service"], _service, world, row["url"] + paths[row["service"]], accounts)
            for row in services if row["service"] in paths]


def _service(world, url, accounts):
    shown = probe.credentials({key: value for key, value in world.credentials.items() if key in ("ca", "cert", "key")})
    answers = []
    for account in accounts or [""]:
        name, _sep, password = account.partition(":")
        options = dict(shown, username=name, password=password) if name else dict(shown)
        # An empty set of options would mean the credentials of the machines.
        status, _body = world.request(url, None, **(options or {"username": None}))
        answers.append({"name": name or "nobody", "status": status})
    return {"answers": answers}
