"""Who is woken pastes what the runbook says: a query in it that is none, or that asks for a metric, a label or a stream that is not there,
costs the minutes that the runbook should save. Capitals stand for what one puts in (HOST, REGION)."""

import re
from collections.abc import Iterator

from dashboards import checks, logql, promql
from dashboards.checks import Found
from dashboards.load import Content
from dashboards.model import STREAM_LABELS, ContentError

QUERY = re.compile(r"^(sum|avg|max|min|count|topk|bottomk|rate|irate|increase|histogram_quantile|absent|changes|deriv|predict_linear|time)"
                   r"\b[^`]*\(|^[a-zA-Z_][\w:]*\w\s*[\[{]|^\{")
PUT_IN = re.compile(r"[A-Z][A-Z_]*\Z")
# Of what a Prometheus knows itself, without an exporter that was recorded.
BESIDE = frozenset({"target_info"})


def queries(text: str) -> Iterator[str]:
    """What stands in backquotes, or in a line of a block, and looks like a query."""
    fenced = False
    for line in text.splitlines():
        if line.startswith(("```", "~~~")):
            fenced = not fenced
            continue
        for part in [line] if fenced or line.startswith("    ") else re.findall(r"`([^`]+)`", line):
            if QUERY.match(part.strip()):
                yield part.strip()


def check(content: Content) -> Found:
    for loaded in content.systems:
        known = {name: own | {"region"} for name, own in checks.labels(content, loaded).items()}
        where = f"{loaded.system.id}: runbook.md"
        for query in queries(loaded.runbook):
            for text in _problems(query, known):
                yield where, f"`{query}` {text}"


def _problems(query: str, known: dict[str, set[str]]) -> list[str]:
    if query.startswith("{"):
        return _lines(query, "")
    try:
        used = promql.use(query, "")
    except ContentError as error:
        return _lines(query, str(error).removeprefix(": ").partition(f": {query}")[0])
    if any(not name and "__name__" not in query and not set(matchers) - set(STREAM_LABELS) for name, matchers in used.selectors):
        try:
            logql.use(query, "")
            return []
        except ContentError:  # it is PromQL after all
            pass
    found = []
    for name, matchers in used.selectors:
        if name in known:
            found += [f"selects {name} by {label}, which it does not have" for label in sorted(set(matchers) - known[name])]
        elif name and name not in BESIDE and not PUT_IN.match(name):
            found.append(f"uses {name}, which no metrics.py declares")
    return found + [text for text in promql.unknown_labels(query, "", known) if not PUT_IN.match(text.split(",", 1)[0].split()[-1])]


def _lines(query: str, no_promql: str) -> list[str]:
    """Of what is no PromQL."""
    try:
        used = logql.use(query, "")
    except ContentError as error:
        return [f"is neither LogQL nor PromQL: {str(error).removeprefix(': ') if query.startswith('{') else no_promql}"]
    other = {label for selector in used.selectors for label in selector} - set(STREAM_LABELS)
    return [f"selects streams by {label}; streams have {', '.join(STREAM_LABELS)}" for label in sorted(other)]
