"""An alert that was never seen to fire is a hope. Its proof gives every series that the expression reads, as a target would have them, and
what fires differs from what is silent."""

import re

from dashboards import promql, rules
from dashboards.checks import Found
from dashboards.load import Content, Loaded
from dashboards.model import Alert, ContentError, LogProof, Proof

SERIES = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?\s*)*)\})?\Z')
LABEL = re.compile(r'([a-zA-Z_]\w*)="')
TARGET = frozenset({"job", "instance", "region"})
# What Prometheus makes by itself while the test runs.
MADE = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


def check(content: Content) -> Found:
    for loaded in content.systems:
        for alert in loaded.alerts:
            where = f"{loaded.system.id}: alert {alert.name}: proof"
            if isinstance(alert.proof, LogProof):
                yield from _lines(alert.proof, where)
            else:
                yield from _series(loaded, alert, alert.proof, where)


def _lines(proof: LogProof, where: str) -> Found:
    if proof.firing == proof.silent:
        yield where, "the same lines fire and stay silent"
    if not proof.labels:
        yield where, "needs the labels of the stream that the lines belong to"


def _series(loaded: Loaded, alert: Alert, proof: Proof, where: str) -> Found:
    if proof.firing == proof.silent:
        yield where, "what fires is what stays silent"
    given: set[str] = set()
    for name, value in (*proof.firing.items(), *proof.silent.items()):
        match = SERIES.match(name)
        if not match:
            yield where, f'{name!r} is not a series; write name{{label="value"}}'
            continue
        given.add(match[1])
        # Series that a system makes for others have the labels that those sent.
        wanted = loaded.sample.labels.get(match[1], set()) & TARGET if loaded.system.passing else TARGET
        missing = wanted - set(LABEL.findall(match[2] or "")) - ({"instance"} if loaded.system.passing else set())
        if missing and ":" not in match[1]:
            yield where, f"{match[1]} lacks the label {', '.join(sorted(missing))}, which every target has"
        try:
            rules.expand(value, 2, where)
        except ContentError as error:
            yield where, str(error).removeprefix(f"{where}: ")
    recordings = {recording.record: recording.expr for recording in loaded.recordings}
    expr = promql.thresholds(alert.expr, loaded.thresholds(), where.removesuffix(": proof"))
    try:
        lacking = promql.missing(expr, where, given | MADE, recordings)
    except ContentError:
        return
    for name in sorted(lacking):
        yield where, f"gives no series {name}, which the expression reads"
