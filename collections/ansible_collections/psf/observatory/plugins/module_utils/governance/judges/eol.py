# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a version is still maintained, by a table: pure. For what the expectation language cannot say: dates and version cycles.

Readings: {"product", "version", "today"} (probe versions). Parameters: `table`, rows of {"product", "cycle", "eol": date or null where
no end is announced, "source"}; `notice`, seconds before the end from which on it is a failure; `own`, products of
our own.
The cycle that is the longest beginning of the version counts. A product or version that the table does not have is an error: nobody
knows whether it is maintained.
"""

from __future__ import annotations

from datetime import date, timedelta

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect


def cycle(table, product, version):
    """The row of a version, or None."""
    found = [row for row in table if row["product"] == product
             and (version + ".").startswith(str(row["cycle"]) + ".")]
    return max(found, key=lambda row: len(str(row["cycle"])), default=None)


def judge(readings, names):
    wrong, unread, fine, offending = [], [], [], []
    notice = timedelta(seconds=names["notice"])
    for reading in readings:
        if "error" in reading:
            unread.append("%s: %s" % (reading["name"], reading["error"]))
            continue
        data = reading["data"]
        if data["product"] in names["own"]:
            fine.append("%s is our own" % data["product"])
            continue
        what = "%s %s" % (data["product"], data["version"])
        row = cycle(names["table"], data["product"], str(data["version"]))
        if row is None:
            unread.append("%s is not in the table" % what)
        elif row["eol"] is None or date.fromisoformat(str(row["eol"])) - notice > date.fromisoformat(data["today"]):
            fine.append("%s until %s" % (what, row["eol"]) if row["eol"] else "%s without an end" % what)
        else:
            wrong.append("%s until %s" % (what, row["eol"]))
            offending.append(reading["name"])
    expected = "every version is maintained for %d more days" % notice.days
    if wrong:
        return expect.FAIL, expected, expect.some(wrong), "at or near the end of life: %s" % expect.some(wrong), offending
    if unread or not fine:
        return expect.ERROR, expected, expect.some(unread) or "nothing was read", "not known: %s" % expect.some(unread), []
    return expect.PASS, expected, expect.some(fine), "all are maintained", []
