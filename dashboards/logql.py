"""LogQL: a grammar that says what is LogQL and what is not, and selectors put into the text of a query."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dashboards.promql import TOKEN

SELECTOR_LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)")


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
        end = tokens.index("}", index)
        body = "".join(tokens[index:end]).strip().rstrip(",")
        matched = set(SELECTOR_LABEL.findall(body))
        parts = [body, *(f"{label}{matcher}" for label, matcher in selectors.items() if label not in matched)]
        out.append("{" + ", ".join(part for part in parts if part) + "}")
        index = end + 1
    return "".join(out)
