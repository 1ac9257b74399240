"""Which series a query needs: found by walking its selectors and working the query out on candidates, no server asked.

The result is a pair of mixtures: what one good event adds to each series and what one bad event does. With them a test can make
any error ratio. Functions that follow no such mixture (quantiles, joins by label_replace, ...) raise Underivable."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser as p

from dashboards.slo.model import Slo, fill

Labels = frozenset[tuple[str, str]]
Series = tuple[str, Labels]
Vector = dict[Labels, float]

_COUNTER = {"rate", "irate", "increase"}
_SAMPLES = (
    "500",
    "200",
    "404",
    "GET",
    "error",
    "ok",
    "true",
    "0",
    "1",
    "x",
    "a",
    "other",
    "5xx",
    "2xx",
    "-",
    "0.5",
    "web",
    "a-1",
    "/",
    "/x",
)
_MOST_CANDIDATES = 12
_MOST_TOGETHER = 4


class Underivable(Exception):
    """The series cannot be told from the query; the message says why."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Series ('m{a="b"}') with what one good and one bad event add. gauge: values instead of increments. linear: whether a mix of
    both gives the ratio in between; if not, only all good and all bad can be tested."""

    good: Mapping[str, float]
    bad: Mapping[str, float]
    gauge: bool
    linear: bool = True

    @property
    def series(self) -> list[str]:
        return list(dict.fromkeys([*self.good, *self.bad]))


def mixture(slo: Slo) -> Mixture:
    """The mixture of an SLO: x-psf.proof if it is there, else derived. Raises Underivable."""
    if slo.proof is not None:
        return Mixture(slo.proof.good, slo.proof.bad, slo.proof.gauge)
    trees = [p.parse(fill(query, "1m")) for query in ((slo.ratio,) if slo.ratio else (slo.error, slo.total))]
    selectors: list[tuple[str, list[Any]]] = []
    functions: set[str] = set()
    grouped: set[str] = set()
    for tree in trees:
        _collect(tree, selectors, functions, grouped)
    if not selectors:
        raise Underivable("the query has no selector")
    counters = bool(functions & _COUNTER)
    if counters and any(name.endswith("_over_time") for name in functions):
        raise Underivable("the query mixes counters (rate) and values (_over_time)")
    candidates = _candidates(selectors, grouped)

    def ratio(levels: Mapping[Series, float]) -> float | None:
        vectors = [_value(tree, levels) for tree in trees]
        result = vectors[0] if len(vectors) == 1 else _binary("/", vectors[0], vectors[1], None)
        values = {round(value, 9) for value in _as_vector(result).values() if not math.isnan(value)}
        return values.pop() if len(values) == 1 else None

    found: dict[float, set[Series]] = {}
    for size in range(min(_MOST_TOGETHER, len(candidates)) + 1):
        for chosen in itertools.combinations(candidates, size):
            value = ratio({each: float(each in chosen) for each in candidates})
            if value in (0.0, 1.0):
                found.setdefault(value, set(chosen))
        if len(found) == 2:
            break
    if len(found) < 2:
        raise Underivable(f"no mix of {', '.join(map(_text, candidates))} makes the error ratio {'1' if 0.0 in found else '0'}")
    good, bad = found[0.0], found[1.0]
    used = [each for each in candidates if each in good or each in bad]

    def mixed(share: float) -> float | None:
        return ratio({each: (1 - share) * (each in good) + share * (each in bad) for each in used})

    if mixed(0) != 0 or mixed(1) != 1:
        raise Underivable("the query needs series beyond those that make the ratio 0 and 1")
    linear = all((value := mixed(share)) is not None and abs(value - share) < 1e-6 for share in (0.001, 0.3, 0.7))
    return Mixture(
        {_text(each): float(each in good) for each in used}, {_text(each): float(each in bad) for each in used}, not counters, linear
    )


def _text(series: Series) -> str:
    name, labels = series
    inner = ", ".join(f'{key}="{_escaped(value)}"' for key, value in sorted(labels))
    return f"{name}{{{inner}}}" if inner else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


# -- candidates --------------------------------------------------------------------------------------------------------
def _collect(node: Any, selectors: list[tuple[str, list[Any]]], functions: set[str], grouped: set[str]) -> None:
    if isinstance(node, p.VectorSelector):
        matchers = list(node.matchers.matchers)
        name = node.name or next((m.value for m in matchers if m.name == "__name__" and m.op == p.MatchOp.Equal), "")
        if not name:
            raise Underivable("a selector names no metric")
        if node.matchers.or_matchers:
            raise Underivable("a selector joins matchers by `or`")
        if (name, matchers) not in selectors:
            selectors.append((name, [m for m in matchers if m.name != "__name__"]))
    elif isinstance(node, p.MatrixSelector):
        _collect(node.vector_selector, selectors, functions, grouped)
    elif isinstance(node, p.AggregateExpr):
        if node.modifier is not None and node.modifier.type == p.AggModifierType.By:
            grouped.update(node.modifier.labels)
        _collect(node.expr, selectors, functions, grouped)
    elif isinstance(node, p.Call):
        functions.add(node.func.name)
        for argument in node.args:
            _collect(argument, selectors, functions, grouped)
    elif isinstance(node, p.BinaryExpr):
        _collect(node.lhs, selectors, functions, grouped)
        _collect(node.rhs, selectors, functions, grouped)
    elif isinstance(node, p.ParenExpr | p.UnaryExpr | p.SubqueryExpr):
        _collect(node.expr, selectors, functions, grouped)


def _candidates(selectors: list[tuple[str, list[Any]]], grouped: set[str]) -> list[Series]:
    """Series that at least one selector takes, with every way of being taken or not by the others."""
    matchers: dict[str, dict[str, list[Any]]] = {}
    for name, each in selectors:
        for matcher in each:
            matchers.setdefault(name, {}).setdefault(matcher.name, []).append(matcher)
    # A label by which something is grouped or matched elsewhere has one value everywhere, so that both sides meet.
    constant: dict[str, str] = {}
    for _name, each in selectors:
        for matcher in each:
            if matcher.op == p.MatchOp.Equal and matcher.value:
                constant.setdefault(matcher.name, matcher.value)
    result: list[Series] = []
    for name in dict.fromkeys(name for name, _each in selectors):
        own = matchers.get(name, {})
        options = [[(label, value) for value in _values(asked)] for label, asked in own.items()]
        fixed = [(label, constant.get(label, "x")) for label in grouped if label not in own and label != "le"]
        for chosen in itertools.product(*options):
            labels = frozenset([*((label, value) for label, value in chosen if value), *fixed])
            if any(metric == name and all(_matches(m, dict(labels)) for m in each) for metric, each in selectors):
                result.append((name, labels))
                if len(result) > _MOST_CANDIDATES:
                    raise Underivable(f"more than {_MOST_CANDIDATES} series would be needed")
    return result


def _values(matchers: list[Any]) -> list[str]:
    """Values of a label that tell its matchers apart, each with a different pattern of matches; "" is a missing label."""
    pool: list[str] = []
    for matcher in matchers:
        pool += [matcher.value] if matcher.op in (p.MatchOp.Equal, p.MatchOp.NotEqual) else _words(matcher.value)
    seen: dict[tuple[bool, ...], str] = {}
    for value in [*pool, *_SAMPLES]:
        seen.setdefault(tuple(_matches(matcher, {matcher.name: value}) for matcher in matchers), value)
    # A value is only of use if it is taken by something; the empty one stands for a label that is not there.
    taken = [value for pattern, value in seen.items() if any(pattern)]
    if not taken:
        raise Underivable(f"no value found for the label {matchers[0].name} that matches {matchers[0].value!r}")
    other = [value for pattern, value in seen.items() if not any(pattern)]
    return [*taken, *other[:1]]


def _words(pattern: str) -> list[str]:
    """Words that a regular expression may match: its alternatives with the usual wildcards filled in."""
    found = []
    inner = re.sub(r"\(\?[:P<>\w]*", "(", pattern)
    for part in [
        inner,
        *inner.strip("()^$").split("|"),
        *itertools.chain.from_iterable(
            (inner[: m.start()] + word + inner[m.end() :] for word in m[1].split("|")) for m in re.finditer(r"\(([^()]*)\)", inner)
        ),
    ]:
        text = part.strip("^$")
        for wildcard, word in (
            (r"\[0-9\]|\\d", "0"),
            (r"\[[^\]]*\]|\\w", "a"),
            (r"\\\.", "\0"),
            (r"\.[*+]\??", "x"),
            (r"[*+?]|\{[^}]*\}", ""),
            (r"\.", "0"),
            (r"[()]", ""),
            (r"\\", ""),
            ("\0", "."),
        ):
            text = re.sub(wildcard, word, text)
        found.append(text)
    return found


def _matches(matcher: Any, labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher.name, "")
    if matcher.op == p.MatchOp.Equal:
        return bool(value == matcher.value)
    if matcher.op == p.MatchOp.NotEqual:
        return bool(value != matcher.value)
    try:
        hit = re.fullmatch(matcher.value, value) is not None
    except re.error as error:
        raise Underivable(f"the regular expression {matcher.value!r} is not understood: {error}") from error
    return hit if matcher.op == p.MatchOp.Re else not hit


# -- working a query out -----------------------------------------------------------------------------------------------
def _as_vector(value: Vector | float) -> Vector:
    return {frozenset(): value} if isinstance(value, float) else value


def _value(node: Any, levels: Mapping[Series, float]) -> Vector | float:  # noqa: PLR0911 (a return for each kind of node)
    """The value of a query when each series grows by its level a second (counters) or has it as its value (gauges)."""
    if isinstance(node, p.NumberLiteral):
        return float(node.val)
    if isinstance(node, p.ParenExpr):
        return _value(node.expr, levels)
    if isinstance(node, p.UnaryExpr):
        return {labels: -value for labels, value in _as_vector(_value(node.expr, levels)).items()}
    if isinstance(node, p.VectorSelector):
        matchers = node.matchers.matchers
        name = node.name or next((m.value for m in matchers if m.name == "__name__"), "")
        return {
            labels: value
            for (metric, labels), value in levels.items()
            if metric == name and all(_matches(m, dict(labels)) for m in matchers if m.name != "__name__")
        }
    if isinstance(node, p.MatrixSelector):
        return _value(node.vector_selector, levels)
    if isinstance(node, p.SubqueryExpr):
        return _value(node.expr, levels)
    if isinstance(node, p.AggregateExpr):
        return _aggregate(node, _as_vector(_value(node.expr, levels)))
    if isinstance(node, p.BinaryExpr):
        return _binary(str(node.op), _value(node.lhs, levels), _value(node.rhs, levels), node.modifier)
    if isinstance(node, p.Call):
        return _call(node, levels)
    raise Underivable(f"{type(node).__name__} is not followed")


_EACH = {"sum_over_time": 60.0, "increase": 60.0}
_SAME = {"rate", "irate", "avg_over_time", "last_over_time", "min_over_time", "max_over_time", "sum_over_time", "increase", "abs", "sort"}


def _call(node: Any, levels: Mapping[Series, float]) -> Vector | float:
    name, arguments = node.func.name, list(node.args)
    if name == "vector":
        return _as_vector(_value(arguments[0], levels))
    if name == "scalar":
        values = list(_as_vector(_value(arguments[0], levels)).values())
        return values[0] if len(values) == 1 else math.nan
    if name in _SAME:
        return {labels: value * _EACH.get(name, 1.0) for labels, value in _as_vector(_value(arguments[0], levels)).items()}
    if name == "count_over_time":
        return dict.fromkeys(_as_vector(_value(arguments[0], levels)), 60.0)
    if name in ("clamp_max", "clamp_min"):
        limit = _value(arguments[1], levels)
        if isinstance(limit, float):
            pick = min if name == "clamp_max" else max
            return {labels: pick(value, limit) for labels, value in _as_vector(_value(arguments[0], levels)).items()}
    raise Underivable(f"the function {name} is not followed")


def _aggregate(node: Any, vector: Vector) -> Vector:
    modifier, operation = node.modifier, str(node.op)
    grouped: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        if modifier is None:
            key: Labels = frozenset()
        elif modifier.type == p.AggModifierType.By:
            key = frozenset(each for each in labels if each[0] in modifier.labels)
        else:
            key = frozenset(each for each in labels if each[0] not in modifier.labels)
        grouped.setdefault(key, []).append(value)
    apply: dict[str, Callable[[list[float]], float]] = {
        "sum": math.fsum,
        "avg": lambda values: math.fsum(values) / len(values),
        "min": min,
        "max": max,
        "count": lambda values: float(len(values)),
        "group": lambda values: 1.0,
    }
    if operation not in apply:
        raise Underivable(f"the aggregation {operation} is not followed")
    return {key: apply[operation](values) for key, values in grouped.items()}


def _divide(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 else math.copysign(math.inf, left)
    return left / right


_ARITHMETIC = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": _divide}
_COMPARE = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _binary(  # noqa: PLR0911 (a return for each case of matching)
    operation: str, left: Vector | float, right: Vector | float, modifier: Any
) -> Vector | float:
    def one(a: float, b: float, kept: float) -> float | None:
        if operation in _ARITHMETIC:
            return float(_ARITHMETIC[operation](a, b))
        if operation not in _COMPARE:
            raise Underivable(f"the operator {operation} is not followed")
        hit = _COMPARE[operation](a, b)
        return float(hit) if modifier is not None and modifier.return_bool else kept if hit else None

    def kept(items: Iterable[tuple[Labels, float | None]]) -> Vector:
        return {labels: value for labels, value in items if value is not None}

    if isinstance(left, float) and isinstance(right, float):
        value = one(left, right, left)
        return math.nan if value is None else value
    if isinstance(right, float):
        return kept((labels, one(value, right, value)) for labels, value in _as_vector(left).items())
    if isinstance(left, float):
        return kept((labels, one(left, value, value)) for labels, value in right.items())
    matching = modifier.matching if modifier is not None else None

    def key(labels: Labels) -> Labels:
        if matching is None:
            return labels
        included = matching.type == p.LabelModifierType.Include
        return frozenset(each for each in labels if (each[0] in matching.labels) == included)

    others: dict[Labels, list[float]] = {}
    for labels, value in right.items():
        others.setdefault(key(labels), []).append(value)
    if operation == "and":
        return {labels: value for labels, value in left.items() if key(labels) in others}
    if operation == "unless":
        return {labels: value for labels, value in left.items() if key(labels) not in others}
    if operation == "or":
        mine = {key(labels) for labels in left}
        return {**{labels: value for labels, value in right.items() if key(labels) not in mine}, **left}
    if modifier is not None and modifier.card != p.VectorMatchCardinality.OneToOne:
        raise Underivable("group_left and group_right are not followed")
    if len({key(labels) for labels in left}) < len(left) or any(len(values) > 1 for values in others.values()):
        raise Underivable("many series meet many")
    return kept((labels, one(value, others[key(labels)][0], value)) for labels, value in left.items() if key(labels) in others)
