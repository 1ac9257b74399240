# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups that must be as often as their own schedule says, and of one time where a cluster has many nodes: pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ansible_collections.psf.observatory.plugins.module_utils.governance import control, expect
from ansible_collections.psf.observatory.plugins.module_utils.governance.judges import verdict

DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
MONTHS = {name: number + 1 for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))}
MACROS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
          "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}
# Any will do; two years have every month and weekday.
BEGIN, LENGTH = datetime(2027, 1, 1), 731


def interval(text):
    """The longest time between two firings of a schedule as cron has it, in seconds; ValueError for what is none."""
    words = re.sub(r"^(CRON_)?TZ=\S+\s+", "", text.strip())
    if words.startswith("@every "):
        return control.seconds(words[7:].strip())
    fields = MACROS.get(words, words).lower().split()
    if len(fields) != 5:
        raise ValueError("%r is no schedule" % text)
    minutes, hours = _field(fields[0], 0, 59), _field(fields[1], 0, 23)
    days, months = _field(fields[2], 1, 31), _field(fields[3], 1, 12, MONTHS)
    weekdays = {number % 7 for number in _field(fields[4], 0, 7, DAYS)}
    either = fields[2] != "*" and fields[4] != "*"
    times, previous, longest = sorted(60 * hour + minute for hour in hours for minute in minutes), None, 0
    for number in range(LENGTH):
        day = BEGIN + timedelta(days=number)
        in_month, in_week = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month not in months or not (in_month or in_week if either else in_month and in_week):
            continue
        for time in times:
            moment = number * 1440 + time
            longest = max(longest, moment - previous) if previous is not None else longest
            previous = moment
    if not longest:
        raise ValueError("%r never fires twice" % text)
    return longest * 60


def _field(text, least, most, names=None):
    found = set()
    for part in text.split(","):
        span, _slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin = least if first in ("*", "?") else int((names or {}).get(first, first))
        end = int((names or {}).get(last, last)) if dash else most if first in ("*", "?") or step else begin
        if not least <= begin <= end <= most or (step and int(step) < 1):
            raise ValueError("%r is no part of a schedule" % part)
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def velero(readings, names):
    """Every schedule that is not paused had a success within `factor` of its own intervals; every place of backups can be reached."""
    def look(data):
        cluster = data["cluster"][0]
        schedules = [row for row in cluster["schedules"]["objects"] if not row.get("paused")]
        ages = {one["labels"].get("schedule"): one["value"] for row in data["last"] for one in row["series"]}
        wrong = []
        for row in schedules:
            limit, age = names["factor"] * interval(row["cron"]), ages.get(row["name"])
            if age is None:
                wrong.append("%s: no success is known" % row["name"])
            elif age > limit:
                wrong.append("%s: last success %d h ago, every %d h" % (row["name"], age // 3600, limit / names["factor"] // 3600))
        places = cluster["locations"]["objects"]
        wrong += ["place %s: %s" % (row["name"], row.get("phase") or "not looked at yet") for row in places
                  if row.get("phase") != "Available"]
        if not places:
            wrong.append("there is no place for backups")
        if not schedules:
            wrong.append("there is no schedule that is not paused")
        return len(schedules) + len(places), wrong
    return verdict.of(readings, "a success within %g intervals of every schedule, and places that can be reached" % names["factor"], look)


def citus(readings, names):
    """Every active node has a good stanza, and their last backups are of one window."""
    def look(data):
        nodes = [row["nodename"] for one in data["nodes"] for row in one["nodes"]]
        status = {one["labels"].get("stanza"): one["value"] for row in data["status"] for one in row["series"]}
        ages = {one["labels"].get("stanza"): one["value"] for row in data["age"] for one in row["series"]}
        wrong, known = [], []
        for node in nodes:
            stanza = names["stanzas"].get(node, node)
            if stanza not in status or stanza not in ages:
                wrong.append("%s: no backup of a stanza %s" % (node, stanza))
                continue
            known.append(ages[stanza])
            if status[stanza] != 0:
                wrong.append("%s: stanza %s has status %g" % (node, stanza, status[stanza]))
        if known and max(known) - min(known) > names["window"]:
            wrong.append("the last backups are %d s apart" % (max(known) - min(known)))
        if not nodes:
            raise expect.Unreadable("the cluster has no active node")
        return len(nodes), wrong
    return verdict.of(readings, "a good stanza for every node, and last backups within %d s" % names["window"], look)
