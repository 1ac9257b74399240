# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expectation language: what was read against what shall be. Pure; most controls need nothing else.

A reading is {"name", "data": {...}} or {"name", "error": "why it could not be read"}. An expectation:
  that     path of a value in the data, "" the whole; keys are joined by dots, a key that has dots is in double quotes
  each     path of a list (or mapping) of which each element is looked at, `*` goes through a list on the way; `that` is then in the
           element. An empty list is an error, as nothing was looked at, unless `may_be_empty`
  where    only elements for which this holds: path to a value, a list of values, or a mapping of comparators
  name     path of an element's name; without it `name`, else the element itself
  label    what the value is called in the texts; without it the path
  as       number, duration (to seconds) or size (to bytes): what the value is read as
  and one comparator of COMPARATORS with its operand.
A value that is not there is an error ("not read"), but for the comparator `present`; so is what is no number (NaN).
"""

from __future__ import annotations

import math
import re

from ansible_collections.psf.observatory.plugins.module_utils.governance import control

PASS, FAIL, ERROR = "pass", "fail", "error"
MISSING = object()
SHOWN = 6


class Unreadable(Exception):
    """What was read does not have the shape or type that the expectation speaks of."""


def _list(value):
    return value if isinstance(value, (list, tuple)) else [value]


def _number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable("%r is no number" % (value,))
    return value


def _text(value):
    if not isinstance(value, str):
        raise Unreadable("%r is no text" % (value,))
    return value


def _mode(value):
    try:
        return int(value, 8)
    except (TypeError, ValueError) as error:
        raise Unreadable("%r is no file mode" % (value,)) from error


def _holds(value, wanted):
    if not isinstance(value, (list, tuple, str, dict)):
        raise Unreadable("%r holds nothing" % (value,))
    return wanted in value


def _members(value):
    if not isinstance(value, (list, tuple, dict)):
        raise Unreadable("%r is no list" % (value,))
    return list(value)


# Comparator to (words between the value and the operand, whether it holds).
COMPARATORS = {
    "equals": ("is", lambda value, wanted: (type(value) is type(wanted) and value == wanted)
               or (not isinstance(value, bool) and not isinstance(wanted, bool) and value == wanted)),
    "differs": ("is not", lambda value, wanted: value != wanted),
    "one_of": ("is one of", lambda value, wanted: value in _list(wanted)),
    "none_of": ("is none of", lambda value, wanted: value not in _list(wanted)),
    "at_least": ("is at least", lambda value, wanted: _number(value) >= _number(wanted)),
    "at_most": ("is at most", lambda value, wanted: _number(value) <= _number(wanted)),
    "more_than": ("is more than", lambda value, wanted: _number(value) > _number(wanted)),
    "less_than": ("is less than", lambda value, wanted: _number(value) < _number(wanted)),
    "holds": ("holds", lambda value, wanted: all(_holds(value, item) for item in _list(wanted))),
    "lacks": ("has none of", lambda value, wanted: not any(_holds(value, item) for item in _list(wanted))),
    "holds_any": ("has at least one of", lambda value, wanted: any(_holds(value, item) for item in _list(wanted))),
    "within": ("is within", lambda value, wanted: all(item in _list(wanted) for item in _members(value))),
    "matches": ("matches", lambda value, wanted: re.search(wanted, _text(value)) is not None),
    "lacks_match": ("does not match", lambda value, wanted: re.search(wanted, _text(value)) is None),
    "mode_within": ("is within mode", lambda value, wanted: not _mode(value) & ~_mode(wanted)),
    "empty": ("is empty", lambda value, wanted: (value in ("", [], {})) is wanted),
    "present": ("is there", lambda value, wanted: (value is not MISSING and value is not None) is wanted),
}
# Answers about a value that is not there, too. To be empty, it must have been read.
ABSENT = ("present",)
WORDS = ("that", "each", "where", "name", "label", "as", "may_be_empty")
READ_AS = {"number": float, "duration": control.seconds, "size": control.size}


def vocabulary(row):
    """Refuse an expectation that this language does not have; raises ValueError with the key."""
    if not isinstance(row, dict):
        raise ValueError("%r is no mapping" % (row,))
    comparators = [key for key in row if key in COMPARATORS]
    for key in row:
        if key not in COMPARATORS and key not in WORDS:
            raise ValueError("%s: unknown; known are %s, and the comparators %s" % (key, ", ".join(WORDS), ", ".join(COMPARATORS)))
    if len(comparators) != 1:
        raise ValueError("needs exactly one comparator, has %s" % (", ".join(comparators) or "none"))
    if "that" not in row and "each" not in row:
        raise ValueError("that: missing; \"\" is the whole")
    if row.get("as") not in (None, *READ_AS):
        raise ValueError("as: %r is not one of %s" % (row["as"], ", ".join(READ_AS)))
    if not isinstance(row.get("where") or {}, dict):
        raise ValueError("where: %r is no mapping of paths" % (row["where"],))
    for test in (row.get("where") or {}).values():
        for key in test if isinstance(test, dict) else []:
            if key not in COMPARATORS:
                raise ValueError("where: %s: unknown; comparators are %s" % (key, ", ".join(COMPARATORS)))
    if "matches" in comparators or "lacks_match" in comparators:
        try:
            re.compile(row[comparators[0]])
        except (re.error, TypeError) as error:
            raise ValueError("%s: not a regular expression: %s" % (comparators[0], error)) from error


# -- looking things up -------------------------------------------------------------------------------------------------
def keys(path):
    """The keys of a path: `a."b.c".d` -> [a, b.c, d]."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', path)]


def look(data, path):
    """The value at a path, or MISSING. A mapping is looked into by key, a list by index."""
    for key in keys(path):
        if isinstance(data, dict):
            data = data.get(key, MISSING)
        elif isinstance(data, list) and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return MISSING
        if data is MISSING:
            return MISSING
    return data


def elements(data, path):
    """[(name, element)] of the list or mapping at a path; `*` goes through every element of a list or mapping on the way."""
    found = [("", data)]
    for key in [*keys(path), "*"]:
        if key == "*":
            found = [(name, item) for _name, container in found for name, item in _items(container, path)]
        else:
            found = [(name, look(item, '"%s"' % key)) for name, item in found]
    return found


def _items(container, path):
    if container is MISSING or not isinstance(container, (list, dict)):
        raise Unreadable("there is no list at %s" % path)
    return [("", item) for item in container] if isinstance(container, list) else list(container.items())


def resolve(value, names):
    """The value with every $name replaced; `names` is nested mappings."""
    if isinstance(value, dict):
        return {key: resolve(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, names) for item in value]
    found = control.REFERENCE.match(value) if isinstance(value, str) else None
    if not found:
        return value
    result = look(names, found.group(1))
    if result is MISSING:
        raise Unreadable("$%s is not known here" % found.group(1))
    return result


# -- judging -----------------------------------------------------------------------------------------------------------
def judge(readings, expectations):
    """(status, expected, actual, message, names of the offending readings) for all readings together.

    Pass only if at least one thing was looked at and everything could be read. A violation that was seen stays a failure even
    where something else could not be read.
    """
    wrong, unread, seen, shown, offending = [], [], 0, [], []
    for reading in readings:
        if "error" in reading:
            unread.append("%s: %s" % (reading["name"], reading["error"]))
            continue
        for row in expectations:
            try:
                looked, violations, value = _look_at(reading, row)
            except Unreadable as error:
                unread.append("%s: %s" % (reading["name"], error))
                continue
            seen += looked
            wrong += violations
            if violations:
                offending.append(reading["name"])
            shown.append("%s %s" % (label(row), value) if value else "")
    expected = "; ".join(describe(row) for row in expectations)
    if wrong:
        return FAIL, expected, some(wrong), "%d of what was looked at %s not as expected%s" % (
            len(wrong), "is" if len(wrong) == 1 else "are", "; not read: " + some(unread) if unread else ""), offending
    if unread:
        return ERROR, expected, "not read: " + some(unread), "could not be read: " + some(unread), []
    if not readings or (not seen and not all(row.get("may_be_empty") for row in expectations)):
        return ERROR, expected, "nothing was read", "nothing was found to look at", []
    words = [text for text in shown if text]
    return PASS, expected, some(words) if words else "%d looked at, none found" % len(readings), "as expected (%d looked at)" % (
        seen or len(readings)), []


def some(texts):
    """The first few, and how many more there are."""
    texts = list(dict.fromkeys(texts))
    return "; ".join(texts[:SHOWN]) + ("; and %d more" % (len(texts) - SHOWN) if len(texts) > SHOWN else "")


def _look_at(reading, row):
    """(how many things were looked at, violations as text, what was seen in short) of one expectation in one reading."""
    if "each" not in row:
        value = _read(reading["data"], row)
        good = compare(value, row)
        text = "%s %s" % (label(row), show(value))
        return 1, [] if good else ["%s: %s" % (reading["name"], text)], show(value)
    rows = [(name, item) for name, item in elements(reading["data"], row["each"]) if chosen(item, row.get("where") or {})]
    if not rows and not row.get("may_be_empty"):
        raise Unreadable("nothing at %s to look at" % row["each"])
    wrong = []
    for name, item in rows:
        value = _read(item, row)
        if not compare(value, row):
            wrong.append("%s: %s: %s %s" % (reading["name"], _name(name, item, row), label(row), show(value)))
    return len(rows), wrong, "of %d" % len(rows) if rows else ""


def _name(name, item, row):
    named = look(item, row.get("name", "name"))
    return name or (show(item) if named is MISSING else show(named))


def _read(data, row):
    value = look(data, row.get("that", ""))
    comparator = operator(row)
    if value is MISSING or value is None:
        if comparator in ABSENT:
            return value
        raise Unreadable("%s is not there" % (row.get("that") or row.get("each")))
    if isinstance(value, float) and math.isnan(value):
        raise Unreadable("%s is no number" % (row.get("that") or row.get("each")))
    if "as" in row and comparator not in ABSENT:
        try:
            return READ_AS[row["as"]](value)
        except (TypeError, ValueError) as error:
            raise Unreadable("%s: %r is no %s" % (row.get("that", ""), value, row["as"])) from error
    return value


def operator(row):
    return next(key for key in row if key in COMPARATORS)


def compare(value, row):
    name = operator(row)
    try:
        return COMPARATORS[name][1](value, row[name])
    except TypeError as error:
        raise Unreadable("%s: %r cannot be compared" % (row.get("that", ""), value)) from error


def chosen(item, where):
    """Whether an element is one that is meant; a value that is not there is not."""
    for path, test in where.items():
        value = look(item, path)
        tests = test if isinstance(test, dict) else {"one_of": _list(test)}
        for name, wanted in tests.items():
            if value is MISSING and name not in ABSENT:
                return False
            if not compare(value, {"that": path, name: wanted}):
                return False
    return True


# -- texts -------------------------------------------------------------------------------------------------------------
def label(row):
    return row.get("label") or row.get("that") or row.get("each")


def describe(row):
    """An expectation as a sentence's part: `exposure is at most 3.0`."""
    name = operator(row)
    words, wanted = COMPARATORS[name][0], row[name]
    if name in ("empty", "present"):
        return "%s %s" % (label(row), words if wanted else words.replace("is", "is not", 1))
    return "%s%s %s %s" % ("each " if "each" in row else "", label(row), words, show(wanted))


def show(value):
    """A value in few words."""
    if value is MISSING or value is None:
        return "is not there"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return ("%.3f" % value).rstrip("0").rstrip(".") if abs(value) < 1e15 else "%g" % value
    if isinstance(value, (list, tuple)):
        texts = [show(item) for item in value]
        value = ", ".join(texts[:12]) + (" and %d more" % (len(texts) - 12) if len(texts) > 12 else "") if texts else "none"
    elif isinstance(value, dict):
        value = ", ".join("%s=%s" % (key, show(item)) for key, item in sorted(value.items())[:12])
    text = str(value)
    return text if len(text) <= 240 else text[:237] + "..."
