"""As much of LogQL as an SLO needs: find the stream selector, see that brackets and quotes close and that the window is a range.

The full grammar is Loki's own; the bundle's rules are validated by Loki when they are deployed."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|[{}()\[\]]|["`]|[^{}()\[\]"`]+')
_PAIRS = {")": "(", "]": "[", "}": "{"}
_RANGE = re.compile(r"\[\s*\d+[smhdwy](?:\d+[smh])*\s*\]")
_COUNTS = re.compile(r"\b(count_over_time|sum_over_time)\b")
_RATES = re.compile(r"\b(rate|rate_counter)\b")
_BEFORE = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*\Z")
_WORDS = re.compile(r"(and|or|unless|by|without|bool|on|ignoring|group_left|group_right)")
FUNCTIONS = re.compile(r"\b(rate|count_over_time|bytes_rate|bytes_over_time|rate_counter|\w+_over_time)\s*\(")


def problem(query: str) -> str:  # noqa: PLR0911 (a return for each problem)
    """Why a metric query (the window put in) cannot be LogQL; empty when nothing is wrong."""
    open_: list[str] = []
    selectors = 0
    for match in _TOKEN.finditer(query):
        part = match[0]
        if part in ("(", "[", "{"):
            open_.append(part)
            selectors += part == "{"
            if part == "{" and (metric := _BEFORE.search(query, 0, match.start())) and not _WORDS.fullmatch(metric[0]):
                return f'{metric[0]!r} stands before a stream selector; LogQL has no names of metrics, only {{label="value"}}'
        elif part in _PAIRS:
            if not open_ or open_.pop() != _PAIRS[part]:
                return f"{part!r} at character {match.start() + 1} closes nothing that is open"
        elif part in ('"', "`"):
            return f"the quote at character {match.start() + 1} is not closed"
    if open_:
        return f"{open_[-1]!r} is not closed"
    if not selectors:
        return 'has no stream selector; write one such as {app="web"}'
    if not FUNCTIONS.search(query) or not _RANGE.search(query):
        return 'is not a metric query; write one such as sum(count_over_time({app="web"} |= "error" [{{.window}}]))'
    return ""


def selector(query: str) -> str:
    """The first stream selector of a query, with its braces."""
    depth_start = None
    for match in _TOKEN.finditer(query):
        if match[0] == "{":
            depth_start = match.start()
        elif match[0] == "}" and depth_start is not None:
            return query[depth_start : match.end()]
    return ""


def per_second(query: str) -> bool | None:
    """True when the query gives events per second, False when it gives events in the window, None when neither is plain."""
    rates, counts = bool(_RATES.search(query)), bool(_COUNTS.search(query))
    return None if rates == counts else rates
