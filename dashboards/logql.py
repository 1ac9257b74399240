"""LogQL: what is LogQL and what is not, what a query uses, and selectors put into its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from dashboards import logql_grammar as grammar
from dashboards.logql_grammar import Token, Tree
from dashboards.model import ContentError
from dashboards.promql import TOKEN

SELECTOR_LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)")
SET_OPERATORS = frozenset({"and", "unless"})
KEEPS_LABELS = frozenset({"topk", "bottomk", "sort", "sort_desc"})


@dataclass
class Use:
    """What a query uses. selectors: label to (operator, value), one of each stream selector; functions: those over ranges, as they stand;
    ranges: their windows ("5m", "$__auto"); grouped: labels named in by, without, on, ignoring and group_left; unwrapped: labels read as
    numbers; metric: whether the result is numbers, not lines."""

    selectors: list[dict[str, tuple[str, str]]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)
    unwrapped: set[str] = field(default_factory=set)
    metric: bool = False


@lru_cache(maxsize=4096)
def _tree(expr: str) -> Tree[Token]:
    return grammar.parse(expr)


def parse(expr: str, where: str) -> Tree[Token]:
    """The tree of a query. Raises ContentError with the character at which it stops being LogQL, and what could stand there."""
    try:
        return _tree(expr)
    except grammar.SyntaxProblem as error:
        raise ContentError(f"{where}: is not LogQL: at character {error.position}: {error}: {expr}") from error


def use(expr: str, where: str) -> Use:
    """Walk a query. Raises ContentError when it does not parse."""
    tree = parse(expr, where)
    found = Use(metric=grammar.child(tree, "log") is None)
    for node in grammar.nodes(tree):
        if node.data == "selector":
            matchers = [below for below in node.children if isinstance(below, Tree)]
            found.selectors.append({str(one.children[0]): (str(one.children[1]), grammar.strings(one)[0]) for one in matchers})
        elif node.data == "range_aggregation":
            found.functions.append(str(node.children[0]).lower())
        elif node.data == "log_range":
            window = grammar.token(node, "RANGE")
            if window is not None:
                found.ranges.append(str(window)[1:-1])
        elif node.data == "labels":
            found.grouped.update(map(str, grammar.tokens_of(node, "IDENT")))
        elif node.data == "unwrap":
            found.unwrapped.add(str(grammar.token(node, "IDENT")))
    return found


def result_labels(expr: str, where: str) -> set[str] | None:
    """The labels that a series of the result can have; None when the streams and the lines decide."""
    tree = parse(expr, where).children[0]
    return _labels(tree) if isinstance(tree, Tree) else None


def _labels(node: Tree[Token]) -> set[str] | None:  # noqa: PLR0911 (one return a kind of node)
    inner = [below for below in node.children if isinstance(below, Tree) and below.data not in ("grouping", "matching", "labels")]
    if node.data == "vector_aggregation" and str(node.children[0]).lower() in KEEPS_LABELS:
        return _labels(inner[0])
    if node.data in ("vector_aggregation", "range_aggregation"):
        grouping = grammar.child(node, "grouping")
        if grouping is not None:
            names = _names(grammar.child(grouping, "labels"))
            if grammar.token(grouping, "BY") is not None:
                return names
            return _without(_labels(inner[0]), names)
        return None if node.data == "range_aggregation" else set()
    if node.data == "label_replace":
        return _with(_labels(inner[0]), {grammar.strings(node)[0]})
    if node.data == "binary":
        return _binary(node, inner[0], inner[1])
    return set() if node.data in ("number", "vector") else None


def _binary(node: Tree[Token], left: Tree[Token], right: Tree[Token]) -> set[str] | None:
    """Of the result of an operator between two sides."""
    if right.data == "number" or any(str(child).lower() in SET_OPERATORS for child in node.children):
        return _labels(left)
    if left.data == "number":
        return _labels(right)
    if grammar.token(node, "OR") is not None:
        sides = [_labels(left), _labels(right)]
        return None if None in sides else set().union(*(side for side in sides if side))
    matching = grammar.child(node, "matching")
    groups = [_names(below) for below in matching.children if isinstance(below, Tree)] if matching is not None else []
    if matching is not None and (side := grammar.token(matching, "GROUP_LEFT", "GROUP_RIGHT")) is not None:
        many = _labels(left if side.type == "GROUP_LEFT" else right)
        return _with(many, set().union(*groups))
    if matching is not None and grammar.token(matching, "ON") is not None:
        return groups[0] if groups else set()
    return _labels(left)


def _with(labels: set[str] | None, more: set[str]) -> set[str] | None:
    return None if labels is None else labels | more


def _without(labels: set[str] | None, less: set[str]) -> set[str] | None:
    return None if labels is None else labels - less


def _names(node: Tree[Token] | None) -> set[str]:
    return set(map(str, grammar.tokens_of(node, "IDENT"))) if node is not None else set()


def scoped(expr: str, selectors: Mapping[str, str]) -> str:
    """Put matchers (label to operator and quoted value) into every stream selector that does not match the label already."""
    out: list[str] = []
    tokens = [match[0] for match in TOKEN.finditer(expr)]
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token != "{":  # noqa: S105 (a brace)
            out.append(token)
            continue
        if "}" not in tokens[index:]:
            raise ContentError(f"is not LogQL: a {{ is never closed: {expr}")
        end = tokens.index("}", index)
        body = "".join(tokens[index:end]).strip().rstrip(",")
        matched = set(SELECTOR_LABEL.findall(body))
        parts = [body, *(f"{label}{matcher}" for label, matcher in selectors.items() if label not in matched)]
        out.append("{" + ", ".join(part for part in parts if part) + "}")
        index = end + 1
    return "".join(out)
