"""Refuse a grafana.ini with a section or a key that the release does not have: Grafana itself ignores them without a word.

    check_settings.py CONF GRAFANA_INI [ALLOWED...]

CONF is the directory conf/ of the release: what stands in its defaults.ini and sample.ini, commented out or not, is known. ALLOWED are
further names, as section.key. Sections whose keys are made by the user (feature_toggles, plugin.<id>) are taken as they are. Where the
release has true or false, so must the file. Ends with 1 and one line for each thing that is wrong.
"""

import difflib
import os
import re
import sys

SECTION = re.compile(r"^\s*\[([^\]]+)\]\s*$")
KEY = re.compile(r"^\s*(?:[;#]\s?)?([A-Za-z][\w.-]*)\s*=\s*(.*)$")
OWN = re.compile(r"^\s*([A-Za-z][\w.-]*)\s*=\s*(.*)$")
COMMENT = re.compile(r"^\s*[;#]")
FREE = ("feature_toggles", "plugin.")
BOOLEANS = ("true", "false")


def names_of(path, commented):
    """Section to key to value, as the file has it."""
    found, section = {"": {}}, ""
    pattern = KEY if commented else OWN
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            head = SECTION.match(line)
            key = pattern.match(line)
            if head:
                section = head.group(1).strip()
                found.setdefault(section, {})
            elif key and (commented or not COMMENT.match(line)):
                found[section].setdefault(key.group(1), key.group(2).strip())
            elif not commented and line.strip() and not COMMENT.match(line):
                raise ValueError("%s, line %d: neither a section nor key = value" % (os.path.basename(path), number))
    return found


def problems(known, own, allowed):
    for section, keys in own.items():
        if section not in known:
            if keys and not section.startswith(FREE[:2]) and not all("%s.%s" % (section, key) in allowed for key in keys):
                yield "[%s]: this Grafana has no such section%s" % (section, near(section, known))
            continue
        for key, value in keys.items():
            if section == FREE[0] or section.startswith(FREE[1]) or "%s.%s" % (section, key) in allowed:
                continue
            if key not in known[section]:
                yield "[%s] %s: this Grafana has no such key there%s" % (section, key, near(key, known[section]))
            elif known[section][key] in BOOLEANS and value not in BOOLEANS and not value.startswith("$"):
                yield "[%s] %s: %r is neither true nor false" % (section, key, value)


def near(name, known):
    found = difflib.get_close_matches(name, list(known), 1)
    return "; did you mean %s?" % found[0] if found else ""


def main(conf, path, allowed):
    known = {}
    for name in ("defaults.ini", "sample.ini"):
        if os.path.exists(os.path.join(conf, name)):
            for section, keys in names_of(os.path.join(conf, name), True).items():
                for key, value in keys.items():
                    known.setdefault(section, {}).setdefault(key, value)
    if len(known) < 2:
        return ["%s: there are no settings of Grafana in it" % conf]
    try:
        return list(problems(known, names_of(path, False), set(allowed)))
    except ValueError as error:
        return [str(error)]


if __name__ == "__main__":
    wrong = main(sys.argv[1], sys.argv[2], sys.argv[3:])
    sys.stderr.write("".join(line + "\n" for line in wrong))
    sys.exit(1 if wrong else 0)
