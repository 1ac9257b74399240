# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML that services print of their own configuration: block mappings and lists, plain, quoted and block scalars, flow lists of
scalars, empty flow collections. Targets have no YAML parser; anything beyond this is refused, never guessed.
"""

from __future__ import annotations

import json
import re

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError

KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'\[\]{}&*!|>%@`#,-][^#]*?|-[^\s#][^#]*?)\s*:(?:\s+(.*))?\Z""", re.ASCII)
# A flow list of scalars on one line, as Prometheus prints source_labels.
FLOW_ITEM = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'\[\]{},:&*!|>%@`#][^"'\[\]{},:#]*)\s*(?:,|\Z)""", re.ASCII)
FLOW = re.compile(r"\[(?:%s)+\]\Z" % FLOW_ITEM.pattern.replace(r"\Z", r"(?=\])"), re.ASCII)
BLOCK = re.compile(r"^([|>])([+-]?)(\d?)([+-]?)\Z")
PLAIN = {"": None, "~": None, "null": None, "true": True, "false": False}


class _Lines:
    """Lines with their indentation, without comments and empty ones where no block scalar is read."""

    def __init__(self, text):
        self.rows = text.replace("\r\n", "\n").split("\n")
        self.at = 0

    def peek(self):
        """(indentation, text) of the next line that says something, or None."""
        while self.at < len(self.rows):
            row = self.rows[self.at]
            text = row.strip(" ")
            if text and not text.startswith("#") and text not in ("---", "..."):
                if "\t" in row[:len(row) - len(row.lstrip())]:
                    raise ReadError("YAML: line %d is indented by a tab" % (self.at + 1))
                return len(row) - len(row.lstrip(" ")), text
            self.at += 1
        return None


def load(text):
    if any(letter in text for letter in "\x85\u2028\u2029"):
        raise ReadError("YAML: a line break of Unicode's own is not read here")
    lines = _Lines(text)
    first = lines.peek()
    if first is None:
        return None
    value = _node(lines, first[0])
    if lines.peek() is not None:
        raise ReadError("YAML: line %d cannot be read" % (lines.at + 1))
    return value


def _node(lines, indent):
    _indent, text = lines.peek()
    if text == "-" or text.startswith("- "):
        return _list(lines, indent)
    if KEY.match(text):
        return _mapping(lines, indent)
    lines.at += 1
    return _scalar(lines, text, indent)


def _list(lines, indent):
    found = []
    while True:
        row = lines.peek()
        if row is None or row[0] != indent or not (row[1] == "-" or row[1].startswith("- ")):
            return found
        rest = row[1][1:].lstrip(" ")
        if not rest:
            lines.at += 1
            found.append(_below(lines, indent))
            continue
        # What follows the dash is a node of its own, as if the dash were a space.
        inner = indent + len(row[1]) - len(rest)
        lines.rows[lines.at] = " " * inner + rest
        found.append(_node(lines, inner))


def _mapping(lines, indent):
    found = {}
    while True:
        row = lines.peek()
        if row is None or row[0] != indent or row[1] == "-" or row[1].startswith("- "):
            return found
        match = KEY.match(row[1])
        if not match:
            raise ReadError("YAML: line %d is no key: %r" % (lines.at + 1, row[1][:60]))
        key, rest = _quoted(match.group(1)), match.group(2)
        if key in found:
            raise ReadError("YAML: line %d: the key %r is there twice" % (lines.at + 1, key))
        lines.at += 1
        found[key] = _below(lines, indent, listed=True) if not rest or rest.startswith("#") else _scalar(lines, rest, indent)


def _below(lines, indent, listed=False):
    """What is indented below a key (a list may stand at the key's own depth), or None."""
    row = lines.peek()
    if row is None or row[0] < indent or (row[0] == indent and not (listed and (row[1] == "-" or row[1].startswith("- ")))):
        return None
    return _node(lines, row[0])


def _scalar(lines, text, indent):
    block = BLOCK.match(text)
    if block:
        return _block(lines, indent, block.group(1), block.group(2) + block.group(4), block.group(3))
    if text[0] in "\"'":
        while not _closed(text):
            if lines.at >= len(lines.rows):
                raise ReadError("YAML: a quote does not end")
            following = lines.rows[lines.at].strip(" ")
            text = text[:-1] + following if text.endswith("\\") and text[0] == '"' else text + (" " + following if following else "\n")
            lines.at += 1
        return _quoted(text)
    if text[0] in "[{":
        if text in ("[]", "{}"):
            return [] if text == "[]" else {}
        if FLOW.match(text):
            items = [item.strip(" ") for item in FLOW_ITEM.findall(text[1:-1])]
            return [_quoted(item) if item[0] in "\"'" else _plain(item) for item in items]
        raise ReadError("YAML: flow style is not read here: %r" % text[:60])
    if text[0] in "&*!%@`":
        raise ReadError("YAML: %r is not read here" % text[:60])
    text = re.split(r"[ \t]+#", text)[0].rstrip(" \t")
    if re.search(r":( |\Z)", text):
        raise ReadError("YAML: a mapping inside a value is not read here: %r" % text[:60])
    while True:  # a plain scalar goes on where it is indented deeper
        row = lines.peek()
        if row is None or row[0] <= indent:
            return _plain(text)
        if KEY.match(row[1]):
            raise ReadError("YAML: line %d is indented below a value" % (lines.at + 1))
        text += " " + row[1]
        lines.at += 1


def _closed(text):
    pattern = r'"(?:[^"\\]|\\.)*"([ \t]+#.*)?\Z' if text[0] == '"' else r"'(?:[^']|'')*'([ \t]+#.*)?\Z"
    return re.match(pattern, text, re.DOTALL) is not None


def _quoted(text):
    if text[0] == "'":
        return re.match(r"'((?:[^']|'')*)'", text, re.DOTALL).group(1).replace("''", "'")
    if text[0] == '"':
        inner = re.match(r'"(?:[^"\\]|\\.)*"', text, re.DOTALL).group(0)
        try:
            return json.loads(inner, strict=False)
        except ValueError as error:
            raise ReadError("YAML: %s cannot be read" % inner[:60]) from error
    return text


def _plain(text):
    if text.lower() in PLAIN:
        return PLAIN[text.lower()]
    if re.match(r"^[-+]?(0|[1-9]\d*)\Z", text):
        return int(text)
    if re.match(r"^[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?\Z", text) and not re.match(r"^0\d", text):
        return float(text)
    return text


def _block(lines, indent, style, chomp, explicit):
    rows = []
    depth = indent + int(explicit) if explicit else None
    while lines.at < len(lines.rows):
        row = lines.rows[lines.at]
        here = len(row) - len(row.lstrip(" "))
        if row.strip() and depth is None:
            if here <= indent:
                break
            depth = here
        if row.strip() and here < depth:
            break
        rows.append(row[depth:] if depth is not None else "")
        lines.at += 1
    while rows and not rows[-1] and chomp != "+":
        rows.pop()
    text = "\n".join(rows) if style == "|" else " ".join(row for row in rows)
    return text if chomp == "-" or not text else text + "\n"
