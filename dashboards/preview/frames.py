"""From a service's answer to what a page draws: series on one time grid, table rows, buckets, lines, spans, a graph.

Names of series and the joining of tables follow Grafana (legend formats, the transformations merge and organize)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.preview.bundle import Panel, Target
from dashboards.preview.queries import Window

Frame = dict[str, Any]
PLACE = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}")
MOST_SERIES = 200
MOST_SPANS = 400
MOST_EXEMPLARS = 100
MICRO = 1e6
NOT_RECORDED = "not recorded"  # how the error of a recording begins that lacks an answer
OVERRIDDEN = ("unit", "decimals", "links", "mappings", "thresholds", "custom.cellOptions")  # what a column may have of its own


def number(text: object) -> float | None:
    """A sample's value with six digits; None for what cannot be drawn (NaN, infinity)."""
    try:
        value = float(str(text))
    except ValueError:
        return None
    return float(f"{value:.6g}") if math.isfinite(value) else None


def exact(text: object) -> float | None:
    """A value with all its digits, as tables of times need it."""
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def legend(labels: Mapping[str, str], template: str, others: Sequence[Mapping[str, str]] = ()) -> str:
    """A series' name. "__auto": its metric's name and the labels by which it differs from the others. "none" where the labels that the
    template names are all empty."""
    if template and template != "__auto":
        return PLACE.sub(lambda match: labels.get(match[1], ""), template).strip() or "none"
    differ = {
        key: value
        for key, value in labels.items()
        if key != "__name__" and (len(others) < 2 or any(other.get(key) != value for other in others))
    }
    words = ", ".join(f'{key}="{value}"' for key, value in sorted(differ.items()))
    name = labels.get("__name__", "")
    return f"{name}{{{words}}}" if words else name or "value"


# -- time series -------------------------------------------------------------------------------------------------------
def series(target: Target, answer: Any, at: Window) -> list[Frame]:
    """A range or instant answer as series on the window's grid: name, labels, values (None where there is no sample)."""
    rows = answer["result"]
    if answer.get("resultType") == "scalar":
        rows = [{"metric": {}, "value": rows}]
    labels = [row.get("metric", {}) for row in rows]
    found = []
    for row, own in zip(rows, labels, strict=True):
        samples = row["values"] if "values" in row else [row["value"]]
        if target.mode == "instant":
            values: list[float | None] = [number(samples[-1][1])]
        else:
            values = [None] * at.points
            for moment, value in samples:
                index = round((float(moment) - at.start) / at.step)
                if 0 <= index < at.points:
                    values[index] = number(value)
        found.append({"name": legend(own, target.legend, labels), "labels": own, "values": values, "ref": target.ref})
    return found


def drawn(found: list[Frame], at: Window, calcs: Sequence[str]) -> Frame:
    """Series sorted by name in the order of their queries, each with what the legend and the big number show."""
    for one in found:
        one["calc"] = {calc: reduce(one["values"], calc) for calc in {"lastNotNull", *calcs}}
    found.sort(key=lambda one: (one["ref"], natural(one["name"])))
    return {"start": at.start, "step": at.step, "series": found[:MOST_SERIES], "left_out": max(0, len(found) - MOST_SERIES)}


def natural(text: str) -> list[tuple[int, float, str]]:
    """A key that sorts p5 before p50, and 9 before 10."""
    return [(0, float(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", text) if part]


def reduce(values: Sequence[float | None], calc: str) -> float | None:
    """One number of a series, by the name of Grafana's reducer. None: no sample."""
    there = [value for value in values if value is not None]
    if calc == "last":
        return values[-1] if values else None
    if calc == "count":
        return float(len(there))
    if not there:
        return None
    if calc == "mean":
        return math.fsum(there) / len(there)
    known = {
        "lastNotNull": there[-1],
        "first": there[0],
        "firstNotNull": there[0],
        "min": min(there),
        "max": max(there),
        "range": max(there) - min(there),
        "diff": there[-1] - there[0],
    }
    return math.fsum(there) if calc in ("sum", "total") else known.get(calc, there[-1])


def exemplars(answer: Any) -> list[Frame]:
    """Dots on a chart: seconds, value, trace; the largest ones, as those are looked for."""
    found: list[Frame] = []
    for row in answer if isinstance(answer, list) else []:
        for item in row.get("exemplars", ()):
            value = number(item.get("value"))
            trace = item.get("labels", {}).get("trace_id") or item.get("labels", {}).get("traceID")
            if value is not None and trace:
                found.append({"t": float(item["timestamp"]), "v": value, "trace": str(trace)})
    return sorted(found, key=lambda one: -one["v"])[:MOST_EXEMPLARS]


# -- heat map ----------------------------------------------------------------------------------------------------------
def heatmap(found: list[Frame], at: Window) -> Frame:
    """Cumulative buckets by `le` as counts a bucket: bounds (upper, "+Inf" last), values[bucket][time]."""
    bounds = sorted(
        ((float(str(one["labels"]["le"]).replace("+Inf", "inf")), one) for one in found if "le" in one["labels"]), key=lambda pair: pair[0]
    )
    below: list[float | None] = [0.0] * at.points
    rows = []
    for _bound, one in bounds:
        row: list[float | None] = []
        for index, value in enumerate(one["values"]):
            before = below[index]
            row.append(None if value is None else number(max(0.0, value - (before or 0.0))))
            below[index] = value if value is not None else before
        rows.append(row)
    used = [index for index, row in enumerate(rows) if any(row)]
    if not used:
        return {"start": at.start, "step": at.step, "bounds": [], "values": []}
    first, last = max(used[0] - 1, 0), min(used[-1] + 2, len(rows))
    return {
        "start": at.start,
        "step": at.step,
        "bounds": [str(one["labels"]["le"]) for _bound, one in bounds][first:last],
        "values": rows[first:last],
        "below": str(bounds[first - 1][1]["labels"]["le"]) if first else "",
    }


# -- table -------------------------------------------------------------------------------------------------------------
def table(panel: Panel, answers: Sequence[tuple[Target, Any]], at: Window) -> Frame:
    """Columns and rows as Grafana's table format with the transformations merge and organize makes them."""
    frames = []
    for target, answer in answers:
        name = "Value" if len(answers) == 1 else f"Value #{target.ref}"
        rows = [
            {"Time": at.end, **row.get("metric", {}), name: exact((row["value"] if "value" in row else row["values"][-1])[1])}
            for row in answer["result"]
        ]
        labels = sorted({key for row in rows for key in row} - {"Time", name})
        frames.append((["Time", *labels, name], rows))
    names = list(dict.fromkeys(key for columns, _rows in frames for key in columns))
    names = [key for key in names if not key.startswith("Value")] + [key for key in names if key.startswith("Value")]
    shown = [(key, key) for key in names]
    rows = [row for _columns, some in frames for row in some]
    for step in panel.data.get("transformations", ()):
        if step["id"] == "merge":
            rows = merge(frames)
        elif step["id"] == "organize":
            options = step["options"]
            order = options.get("indexByName") or {}
            names.sort(key=lambda key: order.get(key, len(order)))  # those that are not named stay behind, as they were
            shown = [(key, options["renameByName"].get(key, key)) for key in names if not options["excludeByName"].get(key)]
    defaults = panel.data.get("fieldConfig", {}).get("defaults", {})
    columns = []
    for key, title in shown:
        column: Frame = {"name": title, "number": key.startswith("Value"), "links": []}
        if column["number"]:
            column["unit"] = defaults.get("unit", "short")
            column["links"] = defaults.get("links", [])
        for override in panel.data.get("fieldConfig", {}).get("overrides", ()):
            if override["matcher"] == {"id": "byName", "options": title}:
                column |= {item["id"]: item["value"] for item in override["properties"] if item["id"] in OVERRIDDEN}
        columns.append(column)
    return {"columns": columns, "rows": [[row.get(key) for key, _title in shown] for row in rows]}


def merge(frames: Sequence[tuple[list[str], list[Frame]]]) -> list[Frame]:
    """Grafana's merge: rows that agree in every column that all frames have become one, unless another column of both differs.
    A row that fits several is put into each of them."""
    filled = [(columns, rows) for columns, rows in frames if rows]
    if not filled:
        return []
    shared = set.intersection(*(set(columns) for columns, _rows in filled))
    found: list[Frame] = []
    by_key: dict[tuple[Any, ...], list[Frame]] = {}
    for columns, rows in filled:
        for row in rows:
            own = {key: row.get(key) for key in columns}
            key = tuple(row.get(name) for name in sorted(shared))
            fitting = [
                earlier
                for earlier in by_key.setdefault(key, [])
                if all(earlier.get(name) is None or earlier[name] == value for name, value in own.items())
            ]
            for earlier in fitting:
                earlier.update(own)
            if not fitting:
                by_key[key].append(own)
                found.append(own)
    return found


# -- logs, traces, graph -----------------------------------------------------------------------------------------------
def logs(answer: Any) -> Frame:
    """Lines, the latest first: milliseconds, text, labels."""
    lines = [
        {"t": int(moment) // 1_000_000, "n": int(moment), "line": text, "labels": stream.get("stream", {})}
        for stream in answer["result"]
        for moment, text, *_more in stream.get("values", ())
    ]
    lines.sort(key=lambda line: -line["n"])
    return {"lines": [{key: line[key] for key in ("t", "line", "labels")} for line in lines]}


def traces(answer: Any) -> Frame:
    """Traces, the latest first, each with its spans in the order of the tree."""
    found = [trace(item) for item in answer if item.get("spans")]
    found.sort(key=lambda one: -one["start"])
    return {"traces": found}


def trace(data: Mapping[str, Any]) -> Frame:
    """A trace: start and duration in seconds; spans [service, operation, start after the trace's (s), duration (s), depth, failed]."""
    spans = sorted(data["spans"], key=lambda span: (span["startTime"], -span["duration"]))
    services = {key: item.get("serviceName", "") for key, item in data.get("processes", {}).items()}
    known = {span["spanID"] for span in spans}
    children: dict[str, list[Mapping[str, Any]]] = {}
    for span in spans:
        above = next(
            (item["spanID"] for item in span.get("references") or () if item["spanID"] in known and item["spanID"] != span["spanID"]), ""
        )
        children.setdefault(above, []).append(span)
    start = min(span["startTime"] for span in spans)
    rows: list[list[Any]] = []
    waiting = [(span, 0) for span in reversed(children.get("", ()))]
    while waiting:
        span, depth = waiting.pop()
        rows.append(
            [
                services.get(span["processID"], ""),
                span["operationName"],
                (span["startTime"] - start) / MICRO,
                span["duration"] / MICRO,
                depth,
                failed(span),
            ]
        )
        waiting += [(child, depth + 1) for child in reversed(children.get(span["spanID"], ()))]
    first = rows[0] if rows else ["", "", 0, 0, 0, False]
    end = max(span["startTime"] + span["duration"] for span in spans)
    return {
        "id": data["traceID"],
        "start": start / MICRO,
        "duration": (end - start) / MICRO,
        "service": first[0],
        "operation": first[1],
        "count": len(spans),
        "errors": sum(1 for row in rows if row[5]),
        "spans": rows[:MOST_SPANS],
    }


def failed(span: Mapping[str, Any]) -> bool:
    tags = {tag["key"]: tag["value"] for tag in span.get("tags") or ()}
    return tags.get("error") in (True, "true") or tags.get("otel.status_code") == "ERROR"


def graph(answer: Any) -> Frame:
    """Services and the calls between them."""
    edges = [{"from": str(row["parent"]), "to": str(row["child"]), "count": number(row["callCount"])} for row in answer]
    return {"nodes": sorted({name for edge in edges for name in (edge["from"], edge["to"])}), "edges": edges}


# -- alerts ------------------------------------------------------------------------------------------------------------
def alerts(answer: Any, at: Window) -> dict[str, Frame]:
    """By alert: whether it fires now, its severity, and when it fired in the window ([start, end] in seconds)."""
    found: dict[str, Frame] = {}
    for row in answer["result"]:
        labels = row["metric"]
        one = found.setdefault(labels.get("alertname", ""), {"severity": labels.get("severity", ""), "firing": 0, "spans": []})
        begin = last = None
        for moment in (float(sample[0]) for sample in row["values"]):
            if begin is None or last is None or moment - last > 1.5 * at.step:
                if begin is not None:
                    one["spans"].append([begin, last])
                begin = moment
            last = moment
        if last is not None:
            one["spans"].append([begin, last])
            one["firing"] += last >= at.end - 1.5 * at.step
    return found


# -- a panel -----------------------------------------------------------------------------------------------------------
def frame(panel: Panel, answers: Sequence[tuple[Target, Any]], at: Window) -> Frame:
    """What the page draws for a panel, with `empty` when there is nothing to draw."""
    options = panel.data.get("options", {})
    calcs = [*options.get("reduceOptions", {}).get("calcs", ()), *options.get("legend", {}).get("calcs", ())]
    answers = [(target, answer) for target, answer in answers if answer is not None]
    if panel.kind == "table":
        made = table(panel, answers, at)
        return made | {"empty": not made["rows"]}
    if panel.kind == "logs":
        made = logs(_joined(answers))
        return made | {"empty": not made["lines"]}
    if panel.kind == "traces":
        made = traces([row for _target, answer in answers for row in answer])
        return made | {"empty": not made["traces"]}
    if panel.kind == "nodeGraph":
        made = graph([row for _target, answer in answers for row in answer])
        return made | {"empty": not made["edges"]}
    found = [one for target, answer in answers for one in series(target, answer, at)]
    if panel.kind == "heatmap":
        made = heatmap(found, at)
        return made | {"empty": not made["bounds"]}
    made = drawn(found, at, calcs)
    return made | {"empty": not any(value is not None for one in made["series"] for value in one["values"])}


def _joined(answers: Sequence[tuple[Target, Any]]) -> Frame:
    return {"result": [row for _target, answer in answers for row in answer["result"]]}
