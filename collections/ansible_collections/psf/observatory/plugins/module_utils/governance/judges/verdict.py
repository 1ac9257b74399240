# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One verdict of several readings, for judges that look at one reading at a time: pure."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect


def of(readings, expected, look):
    """(status, expected, actual, message, offending names). `look(data)` gives (how many things were looked at, violations as texts);
    data of another shape than it expects is not readable."""
    wrong, unread, offending, seen = [], [], [], 0
    for reading in readings:
        if "error" in reading:
            unread.append("%s: %s" % (reading["name"], reading["error"]))
            continue
        try:
            looked, violations = look(reading["data"])
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            unread.append("%s: of another shape than expected: %s: %s" % (reading["name"], type(error).__name__, error))
            continue
        except expect.Unreadable as error:
            unread.append("%s: %s" % (reading["name"], error))
            continue
        seen += looked
        if violations:
            wrong += violations
            offending.append(reading["name"])
    if wrong:
        words = expect.some(wrong)
        return expect.FAIL, expected, "%d of %d: %s" % (len(wrong), max(seen, len(wrong)), words), words, offending
    if unread or not seen:
        words = expect.some(unread) or "there was nothing to look at"
        return expect.ERROR, expected, words, "not known: %s" % words, []
    return expect.PASS, expected, "all %d are" % seen, "as expected (%d looked at)" % seen, []
