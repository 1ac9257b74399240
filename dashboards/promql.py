"""PromQL as a tree: which series and labels an expression uses, how far it looks back; and selectors put into its text.

promql-parser is the grammar; this is its only importer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from string import Template
from typing import Any

import promql_parser as grammar

from dashboards.model import ContentError

# What Grafana puts in for its own variables; any value will do for the grammar.
GRAFANA = {"$__rate_interval": "1m", "$__interval": "1m", "$__range_s": "3600", "$__range": "1h"}
COUNTER_FUNCTIONS = frozenset({"rate", "irate", "increase", "resets"})
GAUGE_FUNCTIONS = frozenset({"delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing", "holt_winters"})
TOKEN = re.compile(r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?P<comment>\#[^\n]*)|(?P<range>\[[^\]]*\])
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<other>.)""", re.VERBOSE | re.DOTALL)


# Functions that Prometheus has only behind a flag of its own, or only from a release on that is newer than the packages of distributions.
EXPERIMENTAL = frozenset({
    "double_exponential_smoothing", "info", "mad_over_time", "sort_by_label", "sort_by_label_desc", "first_over_time",
    "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time", "limitk", "limit_ratio",
    "histogram_quantiles"})


@dataclass
class Use:
    """What an expression uses. selectors: (series, {label: (operator, value)}), the series "" where no name is given for good;
    functions: (function, series) of range vectors, the series "" where a subquery is over more than a selector; ranges: look-back windows
    in seconds; result: "vector", "scalar", "matrix" or "string"."""

    selectors: list[tuple[str, dict[str, tuple[str, str]]]] = field(default_factory=list)
    functions: list[tuple[str, str]] = field(default_factory=list)
    ranges: list[float] = field(default_factory=list)
    quantiles_without_le: list[str] = field(default_factory=list)
    windows: list[tuple[str, float]] = field(default_factory=list)  # (function, its range in seconds)
    result: str = "vector"

    def names(self) -> set[str]:
        return {name for name, _matchers in self.selectors}


def plain(expr: str) -> str:
    """The expression as Prometheus itself would read it: Grafana's variables replaced."""
    for name, value in GRAFANA.items():
        expr = expr.replace(name, value)
    return expr


def thresholds(expr: str, values: Mapping[str, float], where: str) -> str:
    """Put thresholds in for $name. An unknown name is refused."""
    try:
        return Template(expr).substitute({name: number(value) for name, value in values.items()})
    except (KeyError, ValueError) as error:
        raise ContentError(f"{where}: {error} in {expr!r} is not one of its thresholds ({', '.join(values) or 'it has none'})") from error


def number(value: float) -> str:
    """A number as people write it: 0.9, 5, 86400."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def parse(expr: str, where: str) -> Any:
    try:
        return grammar.parse(plain(expr))
    except ValueError as error:
        raise ContentError(f"{where}: is not PromQL: {error}: {expr}") from error


@lru_cache(maxsize=8192)
def use(expr: str, where: str) -> Use:
    """Walk an expression. Raises ContentError when it does not parse. What it gives is shared: read it, do not change it."""
    found = Use()
    tree = parse(expr, where)
    try:
        _walk(tree, found)
    except ContentError as error:
        raise ContentError(f"{where}: is not PromQL: {error}: {expr}") from error
    found.result = _kind(tree)
    return found


def _kind(node: Any) -> str:
    while isinstance(node, (grammar.ParenExpr, grammar.UnaryExpr)):
        node = node.expr
    if isinstance(node, (grammar.MatrixSelector, grammar.SubqueryExpr)):
        return "matrix"
    return "string" if isinstance(node, grammar.StringLiteral) else "scalar" if _number(node) else "vector"


def _name(node: Any) -> str:
    """The name that a selector gives for good; "" for a pattern, or none."""
    named = [str(m.value) for m in node.matchers.matchers if m.name == "__name__" and m.op == grammar.MatchOp.Equal]
    return str(node.name or (named[0] if named else ""))


def _range(node: Any) -> tuple[str, float] | None:
    """Of a range: the series of its selector ("" for a subquery over more than that), and its length in seconds."""
    while isinstance(node, grammar.ParenExpr):
        node = node.expr
    if isinstance(node, grammar.MatrixSelector):
        return _name(node.vector_selector), _seconds(node.range)
    if not isinstance(node, grammar.SubqueryExpr):
        return None
    inner = node.expr
    while isinstance(inner, grammar.ParenExpr):
        inner = inner.expr
    return _name(inner) if isinstance(inner, grammar.VectorSelector) else "", _seconds(node.range)


def _seconds(value: Any) -> float:
    return float(value.total_seconds()) if hasattr(value, "total_seconds") else float(value)


def _walk(node: Any, found: Use) -> None:  # noqa: PLR0912 (one branch a kind of node)
    if isinstance(node, grammar.VectorSelector):
        if node.matchers.or_matchers:
            raise ContentError("`or` between matchers is not Prometheus'; write two selectors with or between them")
        matchers = {m.name: (str(m.op), m.value) for m in node.matchers.matchers if m.name != "__name__"}
        found.selectors.append((_name(node), matchers))
    elif isinstance(node, grammar.MatrixSelector):
        found.ranges.append(_seconds(node.range))
        _walk(node.vector_selector, found)
    elif isinstance(node, grammar.SubqueryExpr):
        found.ranges.append(_seconds(node.range))
        _walk(node.expr, found)
    elif isinstance(node, grammar.Call):
        name = node.func.name
        if name in EXPERIMENTAL:
            raise ContentError(f"{name}() is experimental or new; not every Prometheus that this goes to has it")
        for argument in node.args:
            if over := _range(argument):
                found.functions.append((name, over[0]))
                found.windows.append((name, over[1]))
            _walk(argument, found)
        if name == "histogram_quantile" and not _by_le(node.args[1]):
            found.quantiles_without_le.append(str(node))
    elif isinstance(node, grammar.AggregateExpr):
        if str(node.op) in EXPERIMENTAL:
            raise ContentError(f"{node.op}() is experimental or new; not every Prometheus that this goes to has it")
        if node.param is not None:
            _walk(node.param, found)
        _walk(node.expr, found)
    elif isinstance(node, grammar.BinaryExpr):
        _walk(node.lhs, found)
        _walk(node.rhs, found)
    elif isinstance(node, (grammar.ParenExpr, grammar.UnaryExpr)):
        _walk(node.expr, found)


def _by_le(node: Any) -> bool:
    """Whether a histogram_quantile's argument keeps le and rates its buckets. Sums and means keep the shape of a distribution."""
    while isinstance(node, grammar.ParenExpr):
        node = node.expr
    if isinstance(node, grammar.AggregateExpr):
        if str(node.op) not in ("sum", "avg"):
            return False
        modifier = node.modifier
        by = modifier is not None and "by" in str(modifier.type).lower() and "le" in modifier.labels
        without = modifier is not None and "without" in str(modifier.type).lower() and "le" not in modifier.labels
        return (by or without) and _by_le(node.expr)
    if isinstance(node, grammar.BinaryExpr):
        return _by_le(node.lhs)
    if not isinstance(node, grammar.Call) or node.func.name not in ("rate", "increase", "irate"):
        return False
    over = _range(node.args[0])
    return over is not None and over[0].endswith("_bucket")


# Aggregations that give the series themselves, not one a group.
CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


def result_labels(expr: str, where: str, known: Mapping[str, set[str]]) -> set[str] | None:
    """The labels that a series of the result can have. `known` says which a stored series has; None where a series is not known.
    Raises ContentError when it does not parse."""
    return _labels(parse(expr, where), known)


def _labels(node: Any, known: Mapping[str, set[str]]) -> set[str] | None:
    if isinstance(node, grammar.VectorSelector):
        name = _name(node)
        return set(known[name]) if name in known else None
    if isinstance(node, grammar.MatrixSelector):
        return _labels(node.vector_selector, known)
    if isinstance(node, (grammar.SubqueryExpr, grammar.ParenExpr, grammar.UnaryExpr)):
        return _labels(node.expr, known)
    if isinstance(node, grammar.Call):
        return _labels_of_call(node, known)
    if isinstance(node, grammar.AggregateExpr):
        return _labels_of_aggregate(node, known)
    return _labels_of_binary(node, known) if isinstance(node, grammar.BinaryExpr) else set()


def _labels_of_call(node: Any, known: Mapping[str, set[str]]) -> set[str] | None:
    name, arguments = node.func.name, list(node.args)
    if name in ("absent", "absent_over_time"):
        selector = getattr(arguments[0], "vector_selector", arguments[0])
        matchers = selector.matchers.matchers if isinstance(selector, grammar.VectorSelector) else []
        return {m.name for m in matchers if m.op == grammar.MatchOp.Equal and m.name != "__name__"}
    vectors = [argument for argument in arguments if not isinstance(argument, (grammar.NumberLiteral, grammar.StringLiteral))]
    if name in ("vector", "scalar", "time", "pi") or not vectors:
        return set()
    found = _labels(vectors[0], known)
    if found is None:
        return None
    if name == "histogram_quantile":
        return found - {"le"}
    return found | {arguments[1].val} if name in ("label_replace", "label_join") else found


def _labels_of_aggregate(node: Any, known: Mapping[str, set[str]]) -> set[str] | None:
    found = _labels(node.expr, known)
    if str(node.op) in CHOOSING:
        return found
    named = set(node.modifier.labels) if node.modifier is not None else set()
    if node.modifier is not None and node.modifier.type == grammar.AggModifierType.Without:
        return None if found is None else found - named
    kept = named if found is None else named & found
    return kept | {node.param.val} if str(node.op) == "count_values" else kept


def _labels_of_binary(node: Any, known: Mapping[str, set[str]]) -> set[str] | None:  # noqa: PLR0911 (one return a kind of operator)
    left, right = _labels(node.lhs, known), _labels(node.rhs, known)
    operator, modifier = str(node.op), node.modifier
    if operator == "or":
        return None if left is None or right is None else left | right
    if operator in ("and", "unless") or _number(node.rhs):
        return left
    if _number(node.lhs):
        return right
    if modifier is None or modifier.matching is None:
        return left
    named, included = set(modifier.matching.labels), set(modifier.group_labels or ())
    if modifier.card == grammar.VectorMatchCardinality.ManyToOne:
        return None if left is None else left | included
    if modifier.card == grammar.VectorMatchCardinality.OneToMany:
        return None if right is None else right | included
    if modifier.matching.type == grammar.LabelModifierType.Include:
        return named if left is None else named & left
    return None if left is None else left - named


COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


def compared(expr: str, where: str) -> list[float]:
    """The plain numbers that the expression compares with, in their order. Raises ContentError when it does not parse."""
    found: list[float] = []
    rest = [parse(expr, where)]
    while rest:
        node = rest.pop(0)
        if isinstance(node, grammar.BinaryExpr) and str(node.op) in COMPARISONS:
            for side in (node.lhs, node.rhs):
                sign, inner = 1, side
                while isinstance(inner, (grammar.ParenExpr, grammar.UnaryExpr)):
                    sign, inner = (-sign if isinstance(inner, grammar.UnaryExpr) else sign), inner.expr
                if isinstance(inner, grammar.NumberLiteral):
                    found.append(sign * float(inner.val))
        rest += _below(node)
    return found


def unknown_labels(expr: str, where: str, known: Mapping[str, set[str]]) -> list[str]:
    """What the expression says of labels that the series there cannot have, one sentence each: in by, on, group_left and their like, and
    as the source of label_replace. `known` as in result_labels. Raises ContentError when it does not parse."""
    found: list[str] = []
    _unknown(parse(expr, where), known, found)
    return list(dict.fromkeys(found))


def _unknown(node: Any, known: Mapping[str, set[str]], found: list[str]) -> None:
    def check(labels: Iterable[str], has: set[str] | None, what: str) -> None:
        for label in sorted(labels):
            if has is not None and label not in has:
                found.append(f"{what} {label}, which its series do not have ({', '.join(sorted(has)) or 'they have no labels'})")
    if isinstance(node, grammar.AggregateExpr) and node.modifier is not None:
        check(node.modifier.labels, _labels(node.expr, known), "groups by")
    elif isinstance(node, grammar.BinaryExpr) and (modifier := node.modifier) is not None and (matching := modifier.matching) is not None:
        left, right = _labels(node.lhs, known), _labels(node.rhs, known)
        either = None if left is None or right is None else left | right
        if matching.type == grammar.LabelModifierType.Include:
            check(matching.labels, left, "matches on")
            check(matching.labels, right, "matches on")
        else:
            check(matching.labels, either, "ignores")
        check(modifier.group_labels or (), right if modifier.card == grammar.VectorMatchCardinality.ManyToOne else left, "takes over")
    elif isinstance(node, grammar.Call) and node.func.name in ("label_replace", "label_join"):
        sources = node.args[3:4] if node.func.name == "label_replace" else node.args[3:]
        check([source.val for source in sources if source.val], _labels(node.args[0], known), f"{node.func.name} reads")
    for child in _below(node):
        _unknown(child, known, found)


def _below(node: Any) -> list[Any]:
    """The nodes right under one."""
    if isinstance(node, grammar.Call):
        return list(node.args)
    if isinstance(node, grammar.BinaryExpr):
        return [node.lhs, node.rhs]
    return [child for child in (getattr(node, name, None) for name in ("expr", "vector_selector", "param")) if child is not None]


def missing(expr: str, where: str, given: AbstractSet[str], recordings: Mapping[str, str]) -> set[str]:
    """Series without which the expression has no result when only `given` exist: of the sides of an `or`, one is enough. Recordings stand
    for what they are made of. Raises ContentError when it does not parse."""
    return _missing(parse(expr, where), where, given, recordings)


def _missing(node: Any, where: str, given: AbstractSet[str], recordings: Mapping[str, str]) -> set[str]:
    def below(inner: Any) -> set[str]:
        return _missing(inner, where, given, recordings)
    if isinstance(node, grammar.VectorSelector):
        name = _name(node)
        if name in given or not name:
            return set()
        if name in recordings:
            rest = {record: text for record, text in recordings.items() if record != name}
            return missing(recordings[name], where, given, rest)
        return {name}
    if isinstance(node, grammar.BinaryExpr):
        left, right = below(node.lhs), below(node.rhs)
        return set() if str(node.op) == "or" and not (left and right) else left | right
    return set().union(*(below(child) for child in _below(node)))


def _number(node: Any) -> bool:
    """Whether it is a number, not series."""
    while isinstance(node, (grammar.ParenExpr, grammar.UnaryExpr)):
        node = node.expr
    if isinstance(node, grammar.BinaryExpr):
        return _number(node.lhs) and _number(node.rhs)
    return isinstance(node, grammar.NumberLiteral) or (isinstance(node, grammar.Call) and node.func.name in ("scalar", "time", "pi"))


def scoped(expr: str, selectors: Callable[[str], Mapping[str, str]]) -> str:
    """Put matchers into every selector of the text. `selectors(name)` gives label to operator and quoted value
    ('=~"$region"') for a series, nothing for a name that is none. A label that is matched already is left alone."""
    out: list[str] = []
    tokens = list(_tokens(expr))
    index = 0
    while index < len(tokens):
        kind, text = tokens[index]
        index += 1
        out.append(text)
        if kind != "name" or _called(tokens, index) or not (wanted := dict(selectors(text))):
            continue
        if index < len(tokens) and tokens[index][1] == "{":
            end = next(i for i in range(index, len(tokens)) if tokens[i][1] == "}")
            inner = tokens[index + 1:end]
            matched = {text for kind, text in inner if kind == "name"}
            body = "".join(text for _kind, text in inner).strip().rstrip(",")
            index = end + 1
        else:
            matched, body = set(), ""
        parts = [body] if body else []
        parts += [f"{label}{matcher}" for label, matcher in wanted.items() if label not in matched]
        if parts:
            out.append("{" + ", ".join(parts) + "}")
    return "".join(out)


def _called(tokens: list[tuple[str, str]], index: int) -> bool:
    while index < len(tokens) and tokens[index][1].isspace():
        index += 1
    return index < len(tokens) and tokens[index][1] == "("


def _tokens(expr: str) -> Iterator[tuple[str, str]]:
    for match in TOKEN.finditer(expr):
        yield match.lastgroup or "other", match[0]
