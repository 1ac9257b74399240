# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two objects mean: a normal form in which server-added fields and order do not count, and their differences in words.

The normal form of an object is plain data; equal normal forms have equal digests. Differences are rows (where, before, after), each
a text or None, where `where` says panel, query, variable or permission rather than a path in the JSON.
"""

from __future__ import annotations

import hashlib
import json

# What Grafana itself keeps in a dashboard, and what is about one instance of it.
DASHBOARD_OWN = ("id", "uid", "version", "iteration", "gnetId")
# Stands for what a notification policy is known by: whom it is for.
_ROUTE = "(route)"
# Lists in a dashboard whose entries have a name: what it is called, and the keys that may hold it.
NAMED = {
    "targets": ("query", ("refId",)),
    "list": ("", ("name",)),
    "links": ("link", ("title",)),
    "transformations": ("transformation", ("id",)),
    "overrides": ("override", ()),
    "routes": ("route", (_ROUTE,)),
}
LONG = 400


def plain(value):
    """Nulls left out (to Grafana they are the default), 1.0 as 1, all else as it is."""
    # Through JSON, as its C code is several times as fast as a walk in Python, and there are many dashboards.
    return json.loads(json.dumps(value), object_pairs_hook=_object, parse_float=_number)


def _object(pairs):
    return {key: entry for key, entry in pairs if entry is not None}


def _number(digits):
    number = float(digits)
    return int(number) if number.is_integer() else number


def text(value):
    """Canonical JSON: the same for equal meaning, and unlike Python's == it keeps 1 and true apart."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def equal(one, other):
    return text(one) == text(other)


def digest(value):
    return hashlib.sha256(text(value).encode()).hexdigest()[:16]


def dashboard(model):
    """Normal form of a dashboard's model: panels by id, tags as a set."""
    found = {key: entry for key, entry in plain(model).items() if key not in DASHBOARD_OWN}
    found["title"] = str(found.get("title") or "").strip()
    if isinstance(found.get("tags"), list):
        found["tags"] = sorted({str(tag) for tag in found["tags"]})
    if isinstance(found.get("panels"), list):
        found["panels"] = _panels(found["panels"])
    return found


def _panels(panels):
    """Panels by id: their place is gridPos, not their order. An id that comes twice is counted, so none is lost."""
    found = {}
    for entry in panels:
        panel = dict(entry) if isinstance(entry, dict) else {"value": entry}
        name, again = str(panel.get("id", "?")), 1
        while name in found:
            again += 1
            name = "%s (%d)" % (panel.get("id", "?"), again)
        library = panel.get("libraryPanel")
        if isinstance(library, dict) and library.get("uid"):
            # Grafana answers with the library panel's own model in its place.
            found[name] = {"id": panel.get("id"), "gridPos": panel.get("gridPos"), "libraryPanel": library["uid"]}
            continue
        if isinstance(panel.get("panels"), list):
            panel["panels"] = _panels(panel["panels"])
        found[name] = panel
    return found


def differences(before, after):
    """Rows (where, before, after) between two normal forms; None for what is not there."""
    rows = []
    _walk((), before, after, rows)
    return rows


def _walk(where, before, after, rows):
    if before is not None and after is not None and equal(before, after):
        return
    if where[-1:] == ("panels",) and isinstance(before or {}, dict) and isinstance(after or {}, dict):
        _walk_panels(where[:-1], before or {}, after or {}, rows)
    elif where == ("data",) and isinstance(before or {}, dict) and isinstance(after or {}, dict):
        # The queries of an alert rule.
        for key in sorted(set(before or {}) | set(after or {})):
            _walk(("query %s" % key,), (before or {}).get(key), (after or {}).get(key), rows)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(set(before) | set(after)):
            _walk(where + (key,), before.get(key), after.get(key), rows)
    elif isinstance(before, list) and isinstance(after, list):
        _walk_list(where, before, after, rows)
    else:
        rows.append((" / ".join(where), shown(before), shown(after)))


def _walk_panels(where, before, after, rows):
    for name in sorted(set(before) | set(after), key=lambda n: (len(n), n)):
        old, new = before.get(name), after.get(name)
        label = where + (_panel_label(name, new or old),)
        if old is None or new is None:
            rows.append((" / ".join(label), _outline(old), _outline(new)))
            queries = (new or old).get("targets") or []
            for query in queries if isinstance(queries, list) else []:
                words = query.get("expr") or query.get("query") if isinstance(query, dict) else None
                if words:
                    line = " / ".join(label + ("query %s" % query.get("refId", "?"), "expr"))
                    rows.append((line, shown(words) if old else None, shown(words) if new else None))
        else:
            _walk(label, old, new, rows)


def _panel_label(name, panel):
    title = panel.get("title") if isinstance(panel, dict) else None
    return 'panel "%s" (id %s)' % (title, name) if title else "panel %s" % name


def _outline(panel):
    """A whole panel in one line."""
    if panel is None:
        return None
    words = [str(panel.get("type") or "panel"), "library panel %s" % panel["libraryPanel"] if panel.get("libraryPanel") else "",
             "%d queries" % len(panel["targets"]) if isinstance(panel.get("targets"), list) else "",
             "%d panels" % len(panel["panels"]) if isinstance(panel.get("panels"), dict) else ""]
    return ", ".join(word for word in words if word)


def _name(entry, key):
    """What an entry of a list is called."""
    if not isinstance(entry, dict):
        return None
    if key != _ROUTE:
        return entry.get(key)
    matchers = entry.get("object_matchers")
    return " ".join("".join(str(part) for part in row) for row in matchers) if matchers else "all"


def _walk_list(where, before, after, rows):
    """Entries with names are matched by them; others by place, where both lists are of objects; else the list is one value."""
    called, keys = NAMED.get(where[-1] if where else "", ("", ()))
    if where and where[-1] == "list" and len(where) > 1:
        called = {"templating": "variable", "annotations": "annotation"}.get(where[-2], "entry")
    name = next((key for key in keys if _names(before, key) and _names(after, key)), None)
    if name is None:
        if before and after and len(before) == len(after) and all(isinstance(entry, dict) for entry in before + after):
            for place, (old, new) in enumerate(zip(before, after), 1):  # noqa: B905 (as in Python 3.9)
                _walk(where[:-1] + ("%s %d" % (called or where[-1], place),), old, new, rows)
            return
        rows.append((" / ".join(where), shown(before), shown(after)))
        return
    old, new = {_name(entry, name): entry for entry in before}, {_name(entry, name): entry for entry in after}
    top = where[:-2] if where[-1] == "list" else where[:-1]
    for key in list(dict.fromkeys(list(old) + list(new))):
        _walk(top + ("%s %s" % (called, key),), old.get(key), new.get(key), rows)
    common = [key for key in old if key in new]
    if common != [key for key in new if key in old]:
        rows.append((" / ".join(top + ("order of %s" % called,)), " ".join(common), " ".join(key for key in new if key in old)))


def _names(entries, key):
    """Whether this key names every entry, each once."""
    names = [_name(entry, key) for entry in entries]
    return all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names)


def shown(value):
    """A value in one line of a diff, cut where it is long."""
    if value is None:
        return None
    words = value if isinstance(value, str) else text(value)
    words = words.replace("\n", "\\n")
    return words if len(words) <= LONG else "%s... (%d characters)" % (words[:LONG], len(words))


def as_texts(rows):
    """(before, after) of rows as the two texts of a diff: what differs stands in the same place of both."""
    sides = ([], [])
    for where, before, after in rows:
        for lines, value in zip(sides, (before, after)):  # noqa: B905 (as in Python 3.9)
            if value is not None:
                lines.append("%s: %s\n" % (where, value) if where else "%s\n" % value)
    return "".join(sides[0]), "".join(sides[1])
