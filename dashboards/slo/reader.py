"""YAML in and out, fast and strict: documents with the line of every key, and text of rules without a YAML writer.

Reading goes through libyaml's composer with a small constructor of our own: it refuses double keys and strange tags, which
PyYAML's loaders take in silence, and keeps the nodes, so an error can name the line. Writing needs three forms of scalar only."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from dashboards.model import ContentError

Path = Sequence[str | int]

_CORE = "tag:yaml.org,2002:"
_STR, _MERGE = _CORE + "str", _CORE + "merge"
_MAP, _SEQ = _CORE + "map", _CORE + "seq"
_IMPLICIT = yaml.SafeLoader.yaml_implicit_resolvers
_SCALARS = {
    _CORE + "int": SafeConstructor.construct_yaml_int,
    _CORE + "float": SafeConstructor.construct_yaml_float,
    _CORE + "bool": SafeConstructor.construct_yaml_bool,
    _CORE + "null": SafeConstructor.construct_yaml_null,
}
_CONSTRUCTOR = SafeConstructor()


class SloError(ContentError):
    """An SLO that is refused. The message names file, key path, line, what is wrong and what would be right; one problem a line."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value (dict, list, str, int, float, bool, None) and the nodes that it came from."""

    file: str
    value: Any
    node: Any

    def error(self, path: Path, problem: str) -> SloError:
        """The error for the value at a path (("slos", 0, "objective")); for a key that is missing, the line of its parent."""
        line = self._line(path)
        key = path_text(path)
        return SloError(f"{self.file}: {key + ' ' if key else ''}(line {line}): {problem}")

    def _line(self, path: Path) -> int:
        node, line = self.node, self.node.start_mark.line
        for part in path:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(part)]
                if not found:
                    break
                line, node = found[-1][0].start_mark.line, found[-1][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line
            else:
                break
        return int(line) + 1


def path_text(path: Path) -> str:
    """("slos", 0, "sli") -> "slos[0].sli"."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class _Composer(CParser):
    """libyaml's composer, which asks us for the tag of every plain scalar."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            if implicit[0]:
                for tag, pattern in _IMPLICIT.get(value[:1], ()):
                    if pattern.match(value):
                        return str(tag)
            return _STR
        return _MAP if kind is yaml.MappingNode else _SEQ

    def descend_resolver(self, _node: Any, _index: Any) -> None: ...

    def ascend_resolver(self) -> None: ...


def documents(text: str, file: str) -> list[Document]:
    """The documents of a text that are not empty. Raises SloError with the line for YAML that is none."""
    found = []
    try:
        parser = _Composer(text)
        while parser.check_node():
            node = parser.get_node()
            if node is not None:
                value = _value(node, file, {})
                if value is not None:
                    found.append(Document(file, value, node))
    except RecursionError as error:
        raise SloError(f"{file}: is nested too deeply; an SLO file has about eight levels") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise SloError(f"{file}:{where} is not YAML: {reason}; check indentation, quotes and brackets there") from error
    except yaml.YAMLError as error:
        raise SloError(f"{file}: is not YAML: {' '.join(str(error).split())}; it must be UTF-8 text without control characters") from error
    return found


def _value(node: Any, file: str, made: dict[int, Any]) -> Any:
    """The Python value of a node. An alias is the same object; one that contains itself is refused."""
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.tag == _STR else _scalar_value(node, file)
    key = id(node)
    if key in made:
        if made[key] is made:
            raise _at(file, node, "an alias contains itself; write the value out")
        return made[key]
    made[key] = made
    if isinstance(node, yaml.SequenceNode):
        result: Any = [_value(child, file, made) for child in node.value]
    else:
        result = _mapping_value(node, file, made)
    made[key] = result
    return result


def _scalar_value(node: Any, file: str) -> Any:
    make = _SCALARS.get(node.tag)
    if make is not None:
        try:
            return make(_CONSTRUCTOR, node)
        except ValueError as error:
            raise _at(file, node, f"{node.value!r} is not a {node.tag.rpartition(':')[2]}: {error}") from error
    if node.tag in (_CORE + "timestamp", _CORE + "value", _MERGE):
        return node.value
    raise _at(file, node, f"the tag {node.tag!r} is not known here; use plain YAML")


def _mapping_value(node: Any, file: str, made: dict[int, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for name, child in node.value:
        if name.tag == _MERGE:
            sources = _value(child, file, made)
            for source in sources if isinstance(sources, list) else [sources]:
                if not isinstance(source, dict):
                    raise _at(file, child, "`<<` merges mappings; name an anchor of a mapping")
                merged = {**source, **merged}
            continue
        if not isinstance(name, yaml.ScalarNode):
            raise _at(file, name, "a key must be text")
        word = name.value
        if word in result:
            raise _at(file, name, f"the key {word!r} is there twice; the first is at line {_first(node, word)}; keep one of them")
        result[word] = _value(child, file, made)
    return {**merged, **result} if merged else result


def _first(node: Any, word: str) -> int:
    return next(int(name.start_mark.line) + 1 for name, _child in node.value if name.value == word)


def _at(file: str, node: Any, problem: str) -> SloError:
    return SloError(f"{file}: (line {node.start_mark.line + 1}): {problem}")


_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./:-]*[A-Za-z0-9_./-]\Z").match
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})
_BLOCK = re.compile(r"[!-~][\x20-~]*(?:\n[\x20-~]*[!-~])*\n?\Z").match
_SIMPLE = re.compile(r"[\x20-~]*\Z").match
_UNSAFE = re.compile(r"[^\x20-~]|[\"\\]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def scalar(text: str) -> str:
    """A string as a YAML scalar on one line: plain where every reader agrees that it is text, else in double quotes."""
    if _PLAIN(text) and text.lower() not in _WORDS:
        return text
    if _SIMPLE(text):
        return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text)
    return f'"{_UNSAFE.sub(_escape, text)}"'


def block(text: str, indent: str) -> str:
    """A string as a literal block under a key that is indented less than `indent`; in quotes where a block could not hold it."""
    if "\n" in text and _BLOCK(text):
        lines = text[:-1] if text[-1] == "\n" else text
        return ("|\n" if text[-1] == "\n" else "|-\n") + indent + lines.replace("\n", "\n" + indent)
    return scalar(text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
