# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's audit: whether it is on and cannot be turned off, what it lost, and its rules.

Right: CAP_AUDIT_CONTROL (root), in the host's own name space. `auditctl` of the package audit is asked, which only reads with -s and -l.
`baseline`: SHA-256 of the rules as they shall be; without one, any rules will do.
One reading "audit": {"enabled": 0 off, 1 on, 2 on until the next boot, "lost": events, "rules": number, "rules_sha256", "as_baseline"}.
"""

from __future__ import annotations

import hashlib
import re

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"baseline": False}


def read(world, baseline=()):
    return [reading("audit", _audit, world, baseline)]


def _audit(world, baseline):
    state = dict(re.findall(r"^(\w+)[ =](\S+)", world.run(["auditctl", "-s"]), re.MULTILINE))
    if not state.get("enabled", "").isdigit() or not state.get("lost", "").isdigit():
        raise ReadError("auditctl -s does not say whether the audit is enabled")
    rules = [line.strip() for line in world.run(["auditctl", "-l"]).splitlines() if line.startswith("-")]
    digest = hashlib.sha256("\n".join(sorted(rules)).encode()).hexdigest()
    return {"enabled": int(state["enabled"]), "lost": int(state["lost"]), "rules": len(rules), "rules_sha256": digest,
            "as_baseline": not baseline or digest in baseline}
