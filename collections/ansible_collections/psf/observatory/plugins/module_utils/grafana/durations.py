# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Prometheus, Alertmanager and Grafana write them, and the one way in which they are written here."""

from __future__ import annotations

import re

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

# Those of notifications, in policies and in a rule's own settings.
TIMERS = ("group_wait", "group_interval", "repeat_interval")
DURATION = re.compile(r"([0-9]+)(ms|[smhdwy])")
SECONDS = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds(text):
    """Seconds of a duration as Prometheus and Grafana write it (90m, 1h30m, 0); None for what is none."""
    if isinstance(text, bool):
        return None
    if isinstance(text, (int, float)):
        return int(text)
    text = str(text).strip()
    if text in ("", "0"):
        return 0
    found, end = 0.0, 0
    for part in DURATION.finditer(text):
        if part.start() != end:
            return None
        end = part.end()
        found += int(part.group(1)) * (0.001 if part.group(2) == "ms" else SECONDS[part.group(2)])
    return int(found) if end == len(text) else None


def duration(value):
    """The one way to write a number of seconds: 5400 is 1h30m."""
    value, said = int(value), ""
    for unit in ("h", "m", "s"):
        count, value = divmod(value, SECONDS[unit])
        if count:
            said += "%d%s" % (count, unit)
    return said or "0s"


def judged(where, value, least=0):
    """A declared duration in the one way; an error for what is none, or less than `least` seconds."""
    found = seconds(value)
    if found is None or found < least:
        raise ConcernError("%s: %r is no duration of at least %s; write it like 30s, 5m, 1h30m" % (where, value, duration(least)))
    return duration(found)


def normal(value):
    """A duration that the server states, in the one way; as it is where it is none."""
    found = seconds(value)
    return value if found is None else duration(found)
