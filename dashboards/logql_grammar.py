"""LogQL's tokens and grammar (logql.lark), and what Loki refuses beyond them. The only importer of lark.

The facts are those of Loki 3.7: its documentation, its source, and its answers to tests/dashboards/logql_corpus.yml.
Not read, since Loki has them switched off unless told otherwise: `variants` and `approx_topk`; nor numbers in hexadecimal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

__all__ = ["SyntaxProblem", "Token", "Tree", "child", "nodes", "parse", "strings", "token", "tokens", "tokens_of"]

# Words that are never names of labels; the case of their letters does not matter.
WORDS = {word: word.upper() for word in (
    "by", "without", "bool", "on", "ignoring", "group_left", "group_right", "offset", "or", "and", "unless", "unwrap", "json", "logfmt",
    "regexp", "pattern", "unpack", "line_format", "label_format", "decolorize", "drop", "keep", "variants", "of")}
RANGE_FUNCTIONS = frozenset({
    "count_over_time", "rate", "rate_counter", "bytes_over_time", "bytes_rate", "avg_over_time", "sum_over_time", "min_over_time",
    "max_over_time", "stdvar_over_time", "stddev_over_time", "quantile_over_time", "first_over_time", "last_over_time", "absent_over_time"})
AGGREGATIONS = frozenset({"sum", "avg", "count", "max", "min", "stddev", "stdvar", "bottomk", "topk", "sort", "sort_desc"})
CONVERSIONS = frozenset({"bytes", "duration", "duration_seconds"})
# Words that are functions before "(", "by (" or "without (", and names of labels anywhere else.
FUNCTIONS = {**dict.fromkeys(RANGE_FUNCTIONS, "RANGE_OP"), **dict.fromkeys(AGGREGATIONS, "VECTOR_OP"),
             **dict.fromkeys(CONVERSIONS, "CONVERSION"),
             "label_replace": "LABEL_REPLACE", "vector": "VECTOR", "ip": "IP"}
SIGNS = {"{": "LBRACE", "}": "RBRACE", "(": "LPAR", ")": "RPAR", ",": "COMMA", "=": "EQ", "!=": "NEQ", "=~": "RE", "!~": "NRE", "!>": "NPA",
         "|": "PIPE", "|=": "PIPE_EXACT", "|~": "PIPE_MATCH", "|>": "PIPE_PATTERN", ">": "GT", ">=": "GTE", "<": "LT", "<=": "LTE",
         "==": "CMP_EQ",
         "+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV", "%": "MOD", "^": "POW"}
UNWRAPPED = frozenset({"avg_over_time", "sum_over_time", "max_over_time", "min_over_time", "stddev_over_time", "stdvar_over_time",
                       "quantile_over_time", "rate", "rate_counter", "absent_over_time", "first_over_time", "last_over_time"})
PLAIN = frozenset({"bytes_over_time", "bytes_rate", "count_over_time", "rate", "absent_over_time"})
GROUPED = frozenset({"avg_over_time", "stddev_over_time", "stdvar_over_time", "quantile_over_time", "max_over_time", "min_over_time",
                     "first_over_time", "last_over_time"})
WITH_NUMBER = frozenset({"topk", "bottomk"})
# What Grafana puts in before it asks Loki: a duration in a range, a number elsewhere.
VARIABLES = frozenset({"$__auto", "$__interval", "$__range", "$__rate_interval"})
NUMBER_VARIABLES = frozenset({"$__interval_ms", "$__range_s", "$__range_ms"})

TOKEN = re.compile(r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    |(?P<range>\[[^\]]*\])
    |(?P<flag>--(?:strict|keep-empty)(?![A-Za-z-]))
    |(?P<number>-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<variable>\$__\w+)
    |(?P<sign>=~|!=|!~|!>|\|=|\|~|\|>|>=|<=|==|[{}(),=|><+\-*/%^])""", re.VERBOSE)
CALL = re.compile(r"\s*(?:\(|(?:by|without)\s*\()", re.IGNORECASE)
DURATION = re.compile(r"(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?\Z|(?:0)\Z")
GO_DURATION = re.compile(r"-?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+\Z")
DURATION_RUN = re.compile(r"[0-9.nuµmshdwy]*")
BYTES_RUN = re.compile(r"[0-9.BikKMGTP]*")
BYTES = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:B|[kKMGTP](?:B|iB|i)?)\Z")
ESCAPE = re.compile(r"\\([abfnrtv\\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|\\")
NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


class SyntaxProblem(Exception):
    """What is wrong, and at which character of the text (from 1)."""

    def __init__(self, text: str, position: int = 1) -> None:
        super().__init__(text)
        self.position = position


def duration(text: str) -> bool:
    """Whether it is a duration between brackets: 5m, 1h30m, 1d."""
    return bool(text) and bool(DURATION.match(text))


def unquoted(token: str, position: int = 1) -> str:
    """What a string token says. Backquotes keep it as it is."""
    if token[0] == "`":
        return token[1:-1]

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code is None:
            raise SyntaxProblem(f"the string {token} has an escape that LogQL does not know at "
                                f"{token[match.start() + 1:match.start() + 3]}; "
                                "write the backslash twice, or use backquotes", position + match.start())
        return NAMED.get(code) or chr(int(code, 8) if code[0] in "01234567" else int(code[1:], 16))
    return ESCAPE.sub(one, token[1:-1]) if "\\" in token else token[1:-1]


def tokens(text: str) -> Iterator[Token]:
    """Cut a query into tokens. Raises SyntaxProblem."""
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise SyntaxProblem(_unreadable(text, position), position + 1)
        kind, value = str(match.lastgroup), match[0]
        if kind == "number" and value[0] == "-" and not _with_unit(text, match):
            kind, value = "sign", "-"
        if kind == "number":
            kind, value = _number(text, match)
        elif kind == "word":
            kind = _word(text, match)
        elif kind == "sign":
            kind = SIGNS[value]
        elif kind == "variable":
            if value not in NUMBER_VARIABLES:
                raise SyntaxProblem(f"{value} stands where no variable can; durations such as {', '.join(sorted(VARIABLES))} go between [ "
                                    f"and ]",
                                    position + 1)
            kind = "NUMBER"
        elif kind == "range":
            inner = value[1:-1]
            if not duration(inner) and inner not in VARIABLES:
                raise SyntaxProblem(f"{value} is not a range; write [5m] or [$__auto]", position + 1)
        elif kind == "string":
            unquoted(value, position + 1)
        if kind != "space":
            yield Token(kind.upper(), value, start_pos=position)
        position += len(value)


def _word(text: str, match: re.Match[str]) -> str:
    word = match[0].lower()
    if word in FUNCTIONS:
        return FUNCTIONS[word] if CALL.match(text, match.end()) else "IDENT"
    return WORDS.get(word, "IDENT")


def _with_unit(text: str, match: re.Match[str]) -> bool:
    return _number(text, match)[0] == "DURATION"


def _number(text: str, match: re.Match[str]) -> tuple[str, str]:
    """A number, or with its unit a duration or a size."""
    for kind, run, good in (("DURATION", DURATION_RUN, lambda found: duration(found) or GO_DURATION.match(found)),
                            ("BYTES", BYTES_RUN, BYTES.match)):
        rest = run.match(text, match.end())
        if rest and rest[0] and good(match[0] + rest[0]):
            return kind, match[0] + rest[0]
    return "NUMBER", match[0]


def _unreadable(text: str, position: int) -> str:
    char = text[position]
    if char in "\"`[":
        return f"the {char} is never closed"
    return "a string is written with \" or `, not with '" if char == "'" else f"{char!r} is nothing that LogQL has"


class _Tokens(Lexer):
    def __init__(self, conf: Any) -> None:
        pass

    def lex(self, data: str) -> Iterator[Token]:  # type: ignore[override]
        return tokens(data)


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("logql.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Tokens, start="query", maybe_placeholders=False)


@cache
def _shown() -> dict[str, str]:
    shown = {name: f'"{sign}"' for sign, name in SIGNS.items()} | {name: word for word, name in WORDS.items()}
    return shown | {"IDENT": "a label", "STRING": "a string", "NUMBER": "a number", "DURATION": "a duration", "BYTES": "a size",
                    "RANGE": "a range [5m]",
                    "FLAG": "a flag", "RANGE_OP": "a function over a range", "VECTOR_OP": "an aggregation", "CONVERSION": "a conversion",
                    "LABEL_REPLACE": "label_replace", "VECTOR": "vector", "IP": "ip", "$END": "the end"}


def parse(text: str) -> Tree[Token]:
    """The tree of a query. Raises SyntaxProblem where Loki would refuse it."""
    try:
        tree = _parser().parse(text)
    except UnexpectedToken as error:
        shown = _shown()
        wanted = ", ".join(sorted({shown.get(name, name) for name in error.expected} - {"the end"}) + (["the end"]
                                                                                                       if "$END" in error.expected else []))
        if error.token.type == "$END":
            raise SyntaxProblem(f"it ends where one of these must follow: {wanted}", len(text) + 1) from error
        raise SyntaxProblem(f"{error.token} stands where one of these must: {wanted}", (error.token.start_pos or 0) + 1) from error
    for node in nodes(tree):
        check = _CHECKS.get(node.data)
        if check:
            check(node)
    return tree


def nodes(tree: Tree[Token]) -> Iterator[Tree[Token]]:
    """Every node, from the top, left before right."""
    yield from tree.iter_subtrees_topdown()  # type: ignore[no-untyped-call]  # lark gives it no types


# -- what the grammar cannot say -----------------------------------------------------------------------------------------
def strings(node: Tree[Token]) -> list[str]:
    """The strings directly under a node."""
    return [unquoted(child) for child in node.children if isinstance(child, Token) and child.type == "STRING"]


def token(node: Tree[Token], *kinds: str) -> Token | None:
    """The first token of these kinds directly under a node."""
    return next((child for child in node.children if isinstance(child, Token) and child.type in kinds), None)


def tokens_of(node: Tree[Token], kind: str) -> list[Token]:
    """All tokens of a kind directly under a node."""
    return [child for child in node.children if isinstance(child, Token) and child.type == kind]


def child(node: Tree[Token], *names: str) -> Tree[Token] | None:
    """The first subtree of these names directly under a node."""
    return next((below for below in node.children if isinstance(below, Tree) and below.data in names), None)


def _at(node: Tree[Token]) -> int:
    first = next(node.scan_values(lambda value: isinstance(value, Token)), None)
    return int(first.start_pos or 0) + 1 if first is not None else 1


LOOK = re.compile(r"\(\?(?:[=!>]|<[=!])")
BACKREFERENCE = re.compile(r"\\[1-9]|\(\?P=|\\k")
POSSESSIVE = re.compile(r"[*+?}][+*]")
POSIX = re.compile(r"\[:\^?[a-z]+:\]")
PROPERTY = re.compile(r"\\[pP](?:\{\^?\w+\}|\w)")


def regex(pattern: str, position: int) -> re.Pattern[str]:
    """A regular expression as Loki's engine (RE2) reads it: no look-around, no back reference."""
    bare = re.sub(r"\\\\", "", pattern)
    for wrong, name in ((LOOK, "look-around"), (BACKREFERENCE, "a back reference")):
        if wrong.search(bare):
            raise SyntaxProblem(f"the regular expression {pattern!r} has {name}, which Loki's engine does not know", position)
    if POSSESSIVE.search(re.sub(r"\\.|\[[^\]]*\]", "x", bare)):
        raise SyntaxProblem(f"the regular expression {pattern!r} repeats a repetition", position)
    python = PROPERTY.sub(r"\\w", POSIX.sub("a", pattern)).replace(r"\z", r"\Z").replace("(?<", "(?P<").replace(r"\Q", "").replace(r"\E",
                                                                                                                                   "")
    # RE2 allows flags anywhere, and (?U) and (?s) alone.
    python = re.sub(r"\(\?([imsU]+)\)", "", python)
    python = re.sub(r"\(\?([imsU]+)?(?:-[imsU]+)?:", "(?:", python)
    try:
        return re.compile(python)
    except re.error as error:
        raise SyntaxProblem(f"{pattern!r} is not a regular expression: {error}", position) from error


def _matcher(node: Tree[Token]) -> None:
    operator = token(node, "RE", "NRE")
    if operator is not None:
        regex(strings(node)[0], _at(node))


def _selector(node: Tree[Token]) -> None:
    for below in node.children:
        if isinstance(below, Tree):
            operator, value = str(below.children[1]), strings(below)[0]
            if (operator == "=" and value) or (operator == "!=" and not value):
                return
            if operator in ("=~", "!~") and bool(regex(value, _at(node)).fullmatch("")) == (operator == "!~"):
                return
            # A variable of Grafana matches something or other.
            if "$" in value.rstrip("$"):
                return
    raise SyntaxProblem('the selector matches every stream; it needs a label with = or =~ whose value cannot be empty, such as {app=~".+"}',
                        _at(node))


CAPTURE = re.compile(r"<[A-Za-z_][A-Za-z0-9_]*>")


def _captures(pattern: str, position: int, named: bool) -> None:
    """A pattern of `pattern` and `|>`: captures are <name> and <_>, never two together."""
    found = CAPTURE.findall(pattern)
    if re.search(f"{CAPTURE.pattern}{CAPTURE.pattern}", pattern):
        raise SyntaxProblem(f"the pattern {pattern!r} has two captures with nothing between them", position)
    names = [name for name in found if name != "<_>"]
    if named and not names:
        raise SyntaxProblem(f"the pattern {pattern!r} captures nothing; write <name> where a label is", position)
    if named and len(set(names)) != len(names):
        raise SyntaxProblem(f"the pattern {pattern!r} has a capture twice", position)
    if not named and names:
        raise SyntaxProblem(f"the pattern {pattern!r} names a capture; in a line filter only <_> is known", position)


def _line_filter(node: Tree[Token]) -> None:
    operator = node.children[0]
    assert isinstance(operator, Token)  # noqa: S101 (the grammar's first child)
    for needle in node.children[1:]:
        if isinstance(needle, Tree) and token(needle, "IP") is None:
            text = strings(needle)[0]
            if operator.type in ("PIPE_MATCH", "NRE"):
                regex(text, _at(needle))
            elif operator.type in ("PIPE_PATTERN", "NPA"):
                _captures(text, _at(needle), named=False)
        elif isinstance(needle, Tree) and operator.type not in ("PIPE_EXACT", "NEQ"):
            raise SyntaxProblem("ip() goes with |= and != only", _at(needle))


def _regexp(node: Tree[Token]) -> None:
    found = regex(strings(node)[0], _at(node))
    if not found.groupindex:
        raise SyntaxProblem("the regular expression names no group; write (?P<name>...) where a label is", _at(node))


def _pattern(node: Tree[Token]) -> None:
    _captures(strings(node)[0], _at(node), named=True)


TEMPLATE_WORDS = frozenset({
    "if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "and", "or", "not", "eq", "ne", "lt", "le",
    "gt", "ge",
    "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery", "call", "true", "false", "nil",
    "ToLower", "ToUpper", "Replace", "Trim", "TrimLeft", "TrimRight", "TrimPrefix", "TrimSuffix", "TrimSpace", "regexReplaceAll",
    "regexReplaceAllLiteral", "count", "urldecode", "urlencode", "bytes", "duration", "duration_seconds", "unixEpochMillis",
    "unixEpochNanos",
    "toDateInZone", "unixToTime", "alignLeft", "alignRight", "b64enc", "b64dec", "lower", "upper", "title", "trunc", "substr", "contains",
    "hasPrefix", "hasSuffix", "indent", "nindent", "replace", "repeat", "trim", "trimAll", "trimSuffix", "trimPrefix", "int", "float64",
    "add",
    "sub", "mul", "div", "mod", "addf", "subf", "mulf", "divf", "max", "min", "maxf", "minf", "ceil", "floor", "round", "fromJson", "date",
    "toDate", "now", "unixEpoch", "default", "__line__", "__timestamp__"})
ACTION = re.compile(r"\{\{(?:\"(?:[^\"\\]|\\.)*\"|`[^`]*`|(?!\}\}).)*\}\}", re.DOTALL)
TEMPLATE_WORD = re.compile(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[.$][\w.]*|\d[\w.]*|([A-Za-z_]\w*)")


def template(text: str, position: int) -> None:
    """A template of line_format or label_format: actions that close, with functions that Loki has."""
    depth = 0
    for action in ACTION.findall(text):
        inner = action[2:-2]
        if inner.strip().strip("-").strip().startswith("/*"):
            continue
        words = [match[1] for match in TEMPLATE_WORD.finditer(inner) if match[1]]
        unknown = [word for word in words if word not in TEMPLATE_WORDS]
        if unknown:
            raise SyntaxProblem(f"the template {text!r} calls {unknown[0]}, which is no function of Loki's templates", position)
        if not words and not re.search(r"[.$\"`\d]", inner):
            raise SyntaxProblem(f"the template {text!r} has an empty {{{{ }}}}", position)
        depth += bool(words) and words[0] in ("if", "range", "with", "block", "define")
        depth -= bool(words) and words[0] == "end"
        if depth < 0:
            break
    if "{{" in ACTION.sub("", text) or depth:
        raise SyntaxProblem(f"the template {text!r} opens what it does not close", position)


def _template(node: Tree[Token]) -> None:
    for text in strings(node):
        template(text, _at(node))


# The way to a value: of an object's field or an array's element; and the key of a logfmt pair.
JSON_PATH = re.compile(r"""(?:[A-Za-z_]\w*|\[(?:\d+|"(?:[^"\\]|\\.)*")\])(?:\.[A-Za-z_]\w*|\[(?:\d+|"(?:[^"\\]|\\.)*")\])*\Z""")
LOGFMT_KEY = re.compile(r'[^\s="]+\Z')


def _extractions(form: re.Pattern[str], example: str) -> Callable[[Tree[Token]], None]:
    def check(node: Tree[Token]) -> None:
        for extraction in node.find_data("extraction"):
            for path in strings(extraction):
                if not form.match(path):
                    raise SyntaxProblem(f"{path!r} is no way to a value; write one such as {example}", _at(extraction))
    return check


def _label_format(node: Tree[Token]) -> None:
    names = [str(below.children[0]) for below in node.children if isinstance(below, Tree)]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise SyntaxProblem(f"label_format sets {double[0]} twice", _at(node))


def _range_aggregation(node: Tree[Token]) -> None:
    function = str(node.children[0]).lower()
    number = token(node, "NUMBER")
    if (number is not None) != (function == "quantile_over_time"):
        raise SyntaxProblem(f"{function} {'takes no number' if number is not None else 'needs a number first, such as 0.95'}", _at(node))
    if child(node, "grouping") is not None and function not in GROUPED:
        raise SyntaxProblem(f"{function} takes no by or without; put a sum by (...) around it", _at(node))
    unwrapped = any(True for _ in node.find_data("unwrap"))
    if unwrapped and function not in UNWRAPPED:
        raise SyntaxProblem(f"{function} counts lines and takes no unwrap; use sum_over_time or another", _at(node))
    if not unwrapped and function not in PLAIN:
        raise SyntaxProblem(f"{function} needs a label to unwrap; write | unwrap LABEL before the range", _at(node))


def _vector_aggregation(node: Tree[Token]) -> None:
    function = str(node.children[0]).lower()
    number = token(node, "NUMBER")
    if (number is not None) != (function in WITH_NUMBER):
        raise SyntaxProblem(f"{function} {'takes no number' if number is not None else 'needs a number first, such as 10'}", _at(node))
    if number is not None and not re.match(r"0*[1-9]\d*\Z", number) and number not in NUMBER_VARIABLES:
        raise SyntaxProblem(f"{function} needs a whole number above 0, not {number}", _at(node))
    grouping = child(node, "grouping")
    if grouping is not None and function in ("sort", "sort_desc") and child(grouping, "labels") is not None:
        raise SyntaxProblem(f"{function} takes no by or without", _at(node))


def _label_replace(node: Tree[Token]) -> None:
    regex(strings(node)[3], _at(node))


def _binary(node: Tree[Token]) -> None:
    operator = token(node, "OR", "AND", "UNLESS")
    if operator is not None and any(isinstance(side, Tree) and side.data == "number" for side in node.children):
        raise SyntaxProblem(f"{operator} joins series; a number has none", _at(node))


_CHECKS = {"json": _extractions(JSON_PATH, 'a.b[0]["c"]'), "logfmt": _extractions(LOGFMT_KEY, "key"),
           "matcher": _matcher, "selector": _selector, "line_filter": _line_filter, "regexp": _regexp, "pattern": _pattern,
           "line_format": _template, "relabel": _template, "label_format": _label_format, "range_aggregation": _range_aggregation,
           "vector_aggregation": _vector_aggregation, "label_replace": _label_replace, "binary": _binary}
