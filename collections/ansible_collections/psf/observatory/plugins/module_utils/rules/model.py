# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as declared: what a group must have, and what differs between two sets of groups, rule by rule.

A group: {"file": "node.yml", "name": "node", "interval": "1m", "rules": [{"alert" or "record", "expr", "for", ...}]}, keys and
values as in a rule file; `file` is the base name of the file that holds it.
"""

from __future__ import annotations

import re

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

DURATION = re.compile(r"^(?=.)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?\Z")
ORDER = ("alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations")
OWN = ("rules", "file", "name")
SECONDS = (31536000, 604800, 86400, 3600, 60, 1, 0.001)


def duration(value):
    """Seconds of a duration in Prometheus' words ("1h30m", "0"); raises ValueError."""
    text = str(value)
    if text == "0":
        return 0
    found = DURATION.match(text)
    if not found:
        raise ValueError("%r is not a duration; write it like 5m or 1h30m" % text)
    return sum(int(number) * unit for number, unit in zip(found.groups(), SECONDS) if number)  # noqa: B905 (Python 3.9)


def name_of(rule):
    return rule.get("alert") or rule.get("record") or ""


def check(groups):
    """Refuse what no service could load; the service's own tools see the rest. Raises ConcernError with file, group and rule."""
    seen = set()
    for group in groups:
        where = "%s: group %s" % (group.get("file"), group.get("name"))
        if not group.get("name"):
            raise ConcernError("%s: a group has no name" % group.get("file"))
        if (group["file"], group["name"]) in seen:
            raise ConcernError("%s: there are two groups of this name in the file" % where)
        seen.add((group["file"], group["name"]))
        rules = group.get("rules") or []
        for option, holder in [("interval", group)] + [(key, rule) for rule in rules for key in ("for", "keep_firing_for")]:
            if holder.get(option) is not None:
                try:
                    duration(holder[option])
                except ValueError as error:
                    raise ConcernError("%s: %s%s: %s" % (where, "rule %s: " % name_of(holder) if holder is not group else "",
                                                         option, error)) from error
        for index, rule in enumerate(rules):
            if bool(rule.get("alert")) == bool(rule.get("record")):
                raise ConcernError("%s: rules[%d]: needs alert or record, and not both" % (where, index))
            if not isinstance(rule.get("expr"), str) or not rule["expr"].strip():
                raise ConcernError("%s: rule %s: expr is %r, not an expression" % (where, name_of(rule), rule.get("expr")))


def _text(rule):
    """A rule as lines for a diff, in the order in which people write rules."""
    lines = []
    for key in [key for key in ORDER if key in rule] + sorted(key for key in rule if key not in ORDER):
        value = rule[key]
        if isinstance(value, dict):
            lines += ["%s.%s: %s" % (key, inner, value[inner]) for inner in sorted(value)]
        else:
            lines.append("%s: %s" % (key, str(value).strip()))
    return "\n".join(lines) + "\n"


def _flat(rule):
    flat = {}
    for key, value in rule.items():
        if isinstance(value, dict):
            flat.update(("%s.%s" % (key, inner), text) for inner, text in value.items())
        else:
            flat[key] = value
    return flat


def changed_keys(before, after):
    """The keys that differ between two rules, in order: ["expr", "labels.severity"]."""
    old, new = _flat(before), _flat(after)
    return [key for key in list(new) + [key for key in old if key not in new] if old.get(key) != new.get(key)]


def _pairs(before, after):
    """Rules of the same name, paired: equal ones first, the rest in order; None where one side has no more."""
    old, new = list(before), list(after)
    for rule in list(new):
        if rule in old:
            old.remove(rule)
            new.remove(rule)
    while old or new:
        yield old.pop(0) if old else None, new.pop(0) if new else None


def differences(found, wanted):
    """What differs, as rows (verb, target, detail, before, after, rule); rule is the wanted one, or None where it goes.

    Verbs: add rule, change rule, remove rule, set group (its own options, or the order of its rules).
    """
    old = {(group["file"], group["name"]): group for group in found}
    new = {(group["file"], group["name"]): group for group in wanted}
    for key in list(new) + [key for key in old if key not in new]:
        here, there = old.get(key, {}), new.get(key, {})
        where = "%s/%s" % (key[0].rsplit(".", 1)[0], key[1])
        before, after = here.get("rules") or [], there.get("rules") or []
        names, moved = [], False
        for rule in after + before:
            if name_of(rule) not in names:
                names.append(name_of(rule))
        for name in names:
            for was, shall in _pairs([r for r in before if name_of(r) == name], [r for r in after if name_of(r) == name]):
                moved = True
                verb = "add rule" if was is None else "remove rule" if shall is None else "change rule"
                detail = ", ".join(changed_keys(was, shall)) if was and shall else ""
                yield verb, "%s/%s" % (where, name), detail, was and _text(was), shall and _text(shall), shall
        own = [key for key in sorted(set(here) | set(there)) if key not in OWN and here.get(key) != there.get(key)]
        if here and there and (own or (not moved and before != after)):
            yield "set group", where, ", ".join(own) or "order of rules", None, None, None


def shape(groups):
    """What a service must say that it has loaded, comparable with `shape_loaded`; expressions are left out, which services
    print in their own way."""
    return {(group["file"], group["name"]): [
        (name_of(rule), "alert" in rule, duration(rule.get("for") or 0),
         _strings(dict(group.get("labels") or {}, **(rule.get("labels") or {}))),
         _strings(rule.get("annotations")) if "alert" in rule else ()) for rule in group.get("rules") or []] for group in groups}


def shape_loaded(groups):
    """The same of the answer of a rules API (Prometheus' /api/v1/rules); `file` is reduced to its base name."""
    return {(group["file"].rsplit("/", 1)[-1], group["name"]): [
        (rule["name"], rule["type"] == "alerting", rule.get("duration") or 0, _strings(rule.get("labels")),
         _strings(rule.get("annotations")) if rule["type"] == "alerting" else ()) for rule in group["rules"]] for group in groups}


def _strings(mapping):
    return tuple(sorted((str(key), str(value)) for key, value in (mapping or {}).items()))


def mismatch(wanted, loaded):
    """Why a service does not have exactly the wanted groups, in a few words; "" when it has. Both as `shape` gives them."""
    for key in wanted:
        where = "%s of %s" % (key[1], key[0])
        if key not in loaded:
            return "group %s is not loaded" % where
        if wanted[key] != loaded[key]:
            differing = [row[0] for one, other in ((wanted, loaded), (loaded, wanted)) for row in one[key] if row not in other[key]]
            return "group %s is loaded with other rules than declared (%s)" % (
                where, ", ".join(sorted(set(differing))[:5]) or "their order")
    for key in loaded:
        if key not in wanted:
            return "group %s of %s is loaded, but not declared" % (key[1], key[0])
    return ""
