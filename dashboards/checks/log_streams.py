"""Loki finds streams by four labels only; what the agent reads out of a line (severity_text, trace_id) lies beside the line and is asked
for after a |. A selector by it, {severity_text="ERROR"}, is good LogQL and finds nothing, ever."""

from collections.abc import Iterator

from dashboards import expressions, logql
from dashboards.checks import Found
from dashboards.load import Content, Loaded
from dashboards.model import STREAM_LABELS, ContentError, LogProof


def check(content: Content) -> Found:
    for loaded in content.systems:
        for where, expr in _queries(loaded):
            try:
                selectors = logql.use(expr, where).selectors
            except ContentError:  # logql_parses tells
                continue
            for label in sorted({label for selector in selectors for label in selector} - set(STREAM_LABELS)):
                yield where, f"selects streams by {label}; streams have {', '.join(STREAM_LABELS)}; write {{...}} | {label}=... instead"
        for alert in loaded.alerts:
            if isinstance(alert.proof, LogProof):
                for label in sorted(set(alert.proof.labels) - set(STREAM_LABELS)):
                    yield f"{loaded.system.id}: alert {alert.name}: proof", (
                        f"its stream has the label {label}; streams have {', '.join(STREAM_LABELS)}")


def _queries(loaded: Loaded) -> Iterator[tuple[str, str]]:
    if loaded.system.logs:
        yield f"{loaded.system.id}: system: logs", loaded.system.logs
    for row in expressions.of(loaded):
        if row.source == "loki":
            yield row.where, row.expr
