"""What differs between two bundles, in the words of those who review it: dashboards, panels, queries, thresholds, alerts, rules.

Places on the page that follow from other changes (a panel that moves down because one was added above) are no change."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dashboards.model import ContentError, require
from dashboards.preview.bundle import ALERTS, Board, Bundle, Panel

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
NUMBER = re.compile(r"(?<![\w.$])\d+(?:\.\d+)?(?![\w.])")
WORD = re.compile(r"\s+|[A-Za-z_:$][\w:$]*|\d+(?:\.\d+)?|.", re.DOTALL)
# What a panel's JSON has that is said in other words, or follows from what is said.
SAID = frozenset({"id", "type", "title", "description", "gridPos", "targets", "datasource", "fieldConfig", "links", "panels", "collapsed"})
SAID_OF_A_QUERY = frozenset({"refId", "datasource", "expr", "service", "legendFormat", "editorMode"})
SAID_OF_A_RULE = frozenset({"alert", "record"})


@dataclass(frozen=True)
class Change:
    """One difference: what (a noun), and its old and new text; "" on the side where there is none."""

    what: str
    old: str
    new: str


@dataclass(frozen=True)
class PanelChange:
    status: str
    id: int
    title: str
    row: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class BoardChange:
    status: str
    uid: str
    title: str
    system: str
    changes: tuple[Change, ...] = ()
    panels: tuple[PanelChange, ...] = ()
    unchanged: int = 0  # panels


@dataclass(frozen=True)
class RuleChange:
    """A rule: kind alert or record; source prometheus or loki."""

    status: str
    kind: str
    name: str
    source: str
    system: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Difference:
    boards: tuple[BoardChange, ...] = ()
    rules: tuple[RuleChange, ...] = ()
    files: tuple[Change, ...] = ()  # of other files: the lines that were added and removed
    environments: tuple[str, str] = field(default=("", ""))

    def __bool__(self) -> bool:
        return bool(self.boards or self.rules or self.files)

    def counts(self) -> dict[str, dict[str, int]]:
        """Dashboards, panels, alerts, recordings and other files: how many were added, changed, removed."""
        panels = [panel for board in self.boards if board.status == CHANGED for panel in board.panels]
        kinds: dict[str, Sequence[Any]] = {
            "dashboard": self.boards,
            "panel": panels,
            "alert": [rule for rule in self.rules if rule.kind == "alert"],
            "recording": [rule for rule in self.rules if rule.kind == "record"],
        }
        words = (ADDED, CHANGED, REMOVED)
        found = {name: {word: sum(one.status == word for one in rows) for word in words} for name, rows in kinds.items()}
        found["file"] = {
            ADDED: sum(not one.old for one in self.files),
            CHANGED: sum(bool(one.old and one.new) for one in self.files),
            REMOVED: sum(not one.new for one in self.files),
        }
        return {name: row for name, row in found.items() if any(row.values())}


def compare(old: Bundle, new: Bundle) -> Difference:
    """Raises ContentError for a file of rules that cannot be read."""
    boards = [change for uid in dict.fromkeys([*new.boards, *old.boards]) if (change := _board(old.boards.get(uid), new.boards.get(uid)))]
    return Difference(
        boards=tuple(boards),
        rules=tuple(_rules(old.directory, new.directory)),
        files=tuple(_files(old, new)),
        environments=(old.environment, new.environment),
    )


# -- dashboards --------------------------------------------------------------------------------------------------------
def _board(old: Board | None, new: Board | None) -> BoardChange | None:
    if old is None or new is None:
        only = new or old
        assert only  # noqa: S101 (for the type checker)
        status = ADDED if new else REMOVED
        panels = tuple(PanelChange(status, panel.id, panel.title, title) for title, _id, _collapsed, some in only.rows for panel in some)
        return BoardChange(status, only.uid, only.title, only.system, (), panels)
    was, now = _rows_of(old), _rows_of(new)
    panels_found = []
    for key in dict.fromkeys([*new.panels, *old.panels]):
        if key not in old.panels:
            panels_found.append(PanelChange(ADDED, key, new.panels[key].title, now[key]))
        elif key not in new.panels:
            panels_found.append(PanelChange(REMOVED, key, old.panels[key].title, was[key]))
        else:
            changes = [*_moved(was[key], now[key]), *_panel(old.panels[key], new.panels[key])]
            if changes:
                panels_found.append(PanelChange(CHANGED, key, new.panels[key].title, now[key], tuple(changes)))
    changes = [*_frame(old, new), *_order(old, new, was, now)]
    if not changes and not panels_found:
        return None
    same = len(new.panels) - sum(panel.status != REMOVED for panel in panels_found)
    return BoardChange(CHANGED, new.uid, new.title, new.system, tuple(changes), tuple(panels_found), same)


def _rows_of(board: Board) -> dict[int, str]:
    return {panel.id: title for title, _id, _collapsed, panels in board.rows for panel in panels}


def _moved(old: str, new: str) -> Iterator[Change]:
    if old != new:
        yield Change("row", old, new)


def _frame(old: Board, new: Board) -> Iterator[Change]:
    """What a dashboard has besides its panels."""
    yield from _texts({"title": (old.title, new.title), "description": (old.data.get("description", ""), new.data.get("description", ""))})
    for name in ("time", "refresh", "tags", "timezone", "schemaVersion", "graphTooltip"):
        yield from _differ(name, old.data.get(name), new.data.get(name))
    for what, key in (("variable", "templating"), ("annotation", "annotations")):
        yield from _named(what, old.data.get(key, {}).get("list", ()), new.data.get(key, {}).get("list", ()), "name")
    yield from _named("link", old.data.get("links", ()), new.data.get("links", ()), "title")
    rows = [{title: collapsed for title, _id, collapsed, _panels in board.rows} for board in (old, new)]
    for title in dict.fromkeys([*rows[0], *rows[1]]):
        was, now = (("" if title not in side else "closed" if side[title] else "open") for side in rows)
        yield from _texts({f"row {title}": (was, now)})


def _order(old: Board, new: Board, was: Mapping[int, str], now: Mapping[int, str]) -> Iterator[Change]:
    """Rows whose panels that both have stand in another order."""
    for title in dict.fromkeys(now.values()):
        sides = [[key for key in rows if was.get(key) == title == now.get(key)] for rows in (was, now)]
        if sides[0] != sides[1]:
            yield Change(
                f"order of {title or 'panels'}",
                ", ".join(old.panels[key].title for key in sides[0]),
                ", ".join(new.panels[key].title for key in sides[1]),
            )


def _panel(old: Panel, new: Panel) -> Iterator[Change]:
    yield from _texts(
        {
            "title": (old.title, new.title),
            "type": (old.kind, new.kind),
            "description": tuple(ALERTS.sub("", one.data.get("description", "")).strip() for one in (old, new)),
            "alerts": (", ".join(old.alerts), ", ".join(new.alerts)),
            "size": tuple(f"{one.data['gridPos']['w']} wide, {one.data['gridPos']['h']} high" for one in (old, new)),
            "may be empty": (old.may_be_empty, new.may_be_empty),
        }
    )
    yield from _queries(old.data.get("targets", ()), new.data.get("targets", ()))
    fields = [one.data.get("fieldConfig", {}).get("defaults", {}) for one in (old, new)]
    yield from _field("", fields[0], fields[1])
    overrides = [_by_column(one.data.get("fieldConfig", {}).get("overrides", ())) for one in (old, new)]
    for name in dict.fromkeys([*overrides[0], *overrides[1]]):
        yield from _field(f"column {name} ", overrides[0].get(name, {}), overrides[1].get(name, {}))
    yield from _named("link", old.data.get("links", ()), new.data.get("links", ()), "title")
    yield from _texts({what: (_columns(old, what), _columns(new, what)) for what in ("columns", "hidden columns", "sorted by")})
    for key in sorted((set(old.data) | set(new.data)) - SAID):
        sides = [_rest(key, one.data.get(key)) for one in (old, new)]
        yield from _differ("" if key == "options" else key, *sides)


def _field(prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Unit, thresholds, mappings and the rest of a field, or of one column of it."""
    for key in sorted(set(old) | set(new)):
        sides = [side.get(key) for side in (old, new)]
        if key == "thresholds":
            yield from _texts({f"{prefix}thresholds": tuple(", ".join(map(_step, (side or {}).get("steps", ()))) for side in sides)})
            if all(sides):
                yield from _differ(f"{prefix}thresholds", *({k: v for k, v in (side or {}).items() if k != "steps"} for side in sides))
        elif key == "mappings":
            yield from _texts({f"{prefix}mappings": tuple(", ".join(map(_mapping, side or ())) for side in sides)})
        elif key == "links":
            yield from _named(f"{prefix}data link", sides[0] or (), sides[1] or (), "title")
        else:
            yield from _differ(prefix + key.removeprefix("custom."), *sides)


def _step(step: Mapping[str, Any]) -> str:
    return str(step["color"]) if step.get("value") is None else f"{step['color']} from {step['value']}"


def _mapping(mapping: Mapping[str, Any]) -> str:
    options = mapping.get("options", {})
    if mapping.get("type") == "value":
        return ", ".join(f"{value} is {result.get('text', value)} ({result.get('color', 'as it is')})" for value, result in options.items())
    return _words(options)


def _columns(panel: Panel, what: str) -> str:
    """What a table shows, as its transformation organize says, in order; what it hides; how it is sorted."""
    if what == "sorted by":
        rows = panel.data.get("options", {}).get("sortBy") or ()
        return ", ".join(f"{row['displayName']}{', the largest first' if row.get('desc') else ''}" for row in rows)
    steps = [item.get("options", {}) for item in panel.data.get("transformations", ()) if item["id"] == "organize"]
    names: list[str] = []
    for step in steps:
        excluded = [name for name, gone in step.get("excludeByName", {}).items() if gone]
        if what == "hidden columns":
            names += [name for name in excluded if name not in ("Time", "__name__")]
        else:
            order = step.get("indexByName", {})
            shown = sorted(step.get("renameByName", {}), key=lambda name: order.get(name, len(order)))
            names += [step["renameByName"][name] for name in shown if name not in excluded]
    return ", ".join(names)


def _rest(key: str, value: Any) -> Any:
    """Without what is said in other words."""
    if key == "options" and isinstance(value, dict):
        return {name: inner for name, inner in value.items() if name != "sortBy"}
    if key == "transformations":
        return [item if item["id"] != "organize" else {"id": "organize"} for item in value or ()]
    return value


def _by_column(overrides: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in overrides:
        found.setdefault(str(item["matcher"].get("options")), {}).update({prop["id"]: prop["value"] for prop in item["properties"]})
    return found


def _queries(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    """Queries that are equal are paired first, then those of one name: a query put before others changes none of them."""
    rest_old, rest_new = list(old), list(new)
    pairs: list[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]] = []
    for alike in (lambda a, b: _text_of(a) == _text_of(b), lambda a, b: a["refId"] == b["refId"]):
        for query in list(rest_new):
            match = next((other for other in rest_old if alike(other, query)), None)
            if match is not None:
                rest_old.remove(match)
                rest_new.remove(query)
                pairs.append((match, query))
    pairs += [(query, None) for query in rest_old] + [(None, query) for query in rest_new]
    for was, now in sorted(pairs, key=lambda pair: str((pair[1] or pair[0] or {}).get("refId"))):
        name = f"query {(now or was or {}).get('refId')}"
        yield from _texts({name: (_text_of(was) if was else "", _text_of(now) if now else "")})
        if was and now:
            yield from _texts(
                {
                    f"{name} legend": (was.get("legendFormat", ""), now.get("legendFormat", "")),
                    f"{name} source": (was["datasource"]["type"], now["datasource"]["type"]),
                }
            )
            for key in sorted((set(was) | set(now)) - SAID_OF_A_QUERY):
                yield from _differ(f"{name} {key}", was.get(key), now.get(key))


def _text_of(query: Mapping[str, Any]) -> str:
    return str(query.get("expr") or query.get("service") or "dependencies")


# -- values in words ---------------------------------------------------------------------------------------------------
def _texts(pairs: Mapping[str, tuple[str, ...]]) -> Iterator[Change]:
    for what, (old, new) in pairs.items():
        if old != new:
            yield Change(what, old, new)


def _differ(what: str, old: Any, new: Any) -> Iterator[Change]:
    """Each leaf that differs, by its way: `legend.displayMode`."""
    if old == new or not (old or new or isinstance(old or new, (bool, int))):
        return
    if all(isinstance(side, dict) or side is None for side in (old, new)):
        for key in dict.fromkeys([*(old or {}), *(new or {})]):
            yield from _differ(f"{what}.{key}" if what else str(key), (old or {}).get(key), (new or {}).get(key))
    else:
        yield Change(what, _words(old), _words(new))


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items())
    return ", ".join(map(_words, value)) if isinstance(value, list) else str(value)


def _named(what: str, old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]], key: str) -> Iterator[Change]:
    """Of lists of things with names: each that came, went or differs."""
    was, now = ({str(item.get(key)): item for item in side} for side in (old, new))
    for name in dict.fromkeys([*now, *was]):
        if name in was and name in now:
            yield from _differ(f"{what} {name}", was[name], now[name])
        else:
            yield Change(f"{what} {name}", _short(was.get(name)), _short(now.get(name)))


def _short(item: Mapping[str, Any] | None) -> str:
    """What a variable, a link or an annotation is, in a few words."""
    if item is None:
        return ""
    query = item.get("query") if isinstance(item.get("query"), str) else ""
    return str(item.get("definition") or item.get("url") or item.get("expr") or query or item.get("type") or "there")


# -- rules -------------------------------------------------------------------------------------------------------------
Rules = dict[tuple[str, str, str, str, int], Mapping[str, Any]]


def _rules(old: Path, new: Path) -> Iterator[RuleChange]:
    """Rules by source, system, kind and name; several of one name (an objective's severities) in their order."""
    same = {path for path in rule_files(old) & rule_files(new) if (old / path).read_bytes() == (new / path).read_bytes()}
    was, now = read_rules(old, rule_files(old) - same), read_rules(new, rule_files(new) - same)
    for key in sorted(set(was) | set(now)):
        source, system, kind, name, _number = key
        if key in was and key in now:
            changes = tuple(_rule(was[key], now[key]))
            if changes:
                yield RuleChange(CHANGED, kind, name, source, system, changes)
        else:
            only, added = (now[key], True) if key in now else (was[key], False)
            text = [("expression", str(only["expr"])), ("for", str(only.get("for", "")))]
            yield RuleChange(
                ADDED if added else REMOVED,
                kind,
                name,
                source,
                system,
                tuple(Change(what, "" if added else words, words if added else "") for what, words in text if words),
            )


def _rule(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    was, now = str(old["expr"]), str(new["expr"])
    if was != now:
        same = NUMBER.sub("#", was) == NUMBER.sub("#", now)
        numbers = [(a, b) for a, b in zip(NUMBER.findall(was), NUMBER.findall(now), strict=False) if a != b]
        if same and len(numbers) == 1:
            yield Change("threshold", *numbers[0])
        yield Change("expression", was, now)
    for key in sorted((set(old) | set(new)) - SAID_OF_A_RULE - {"expr"}):
        for change in _differ(key, old.get(key), new.get(key)):
            yield Change(change.what.removeprefix("annotations.").replace("labels.", "label "), change.old, change.new)


def rule_files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for source in ("prometheus", "loki") for path in (directory / source / "rules").glob("*.yml")}


def read_rules(directory: Path, files: Iterable[str]) -> Rules:
    """The rules of some files of a bundle. Raises ContentError."""
    found: Rules = {}
    for name in sorted(files):
        path, source = directory / name, name.split("/")[0]
        try:
            data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            rows = [rule for group in data["groups"] for rule in group["rules"]]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            words = " ".join(str(error).split())
            raise ContentError(f"{path}: cannot be read as groups of rules: {words}; render the bundle again") from error
        for rule in rows:
            kind = "alert" if "alert" in rule else "record"
            require(kind in rule and "expr" in rule, str(path), "has a rule without alert, record or expr; render the bundle again")
            labels = rule.get("labels") or {}
            number = 0
            while (key := (source, str(labels.get("system") or path.stem.split("-slo-")[0]), kind, str(rule[kind]), number)) in found:
                number += 1
            found[key] = rule
    return found


# -- other files -------------------------------------------------------------------------------------------------------
def _files(old: Bundle, new: Bundle) -> Iterator[Change]:
    """Runbooks and what Alertmanager gets: how many lines came and went."""
    patterns = ("runbooks/*.md", "alertmanager/*.yml")
    sides = [
        {str(path.relative_to(one.directory)): path for pattern in patterns for path in one.directory.glob(pattern)} for one in (old, new)
    ]
    for name in sorted(set(sides[0]) | set(sides[1])):
        was, now = ([] if name not in side else side[name].read_text(encoding="utf-8").splitlines() for side in sides)
        if was != now:
            lines = [line for line in difflib.unified_diff(was, now, lineterm="", n=0) if line[:3] not in ("---", "+++")]
            counts = [sum(line.startswith(sign) for line in lines) for sign in "-+"]
            yield Change(name, f"{counts[0]} lines" if name in sides[0] else "", f"{counts[1]} lines" if name in sides[1] else "")


def marked(old: str, new: str) -> tuple[list[tuple[bool, str]], list[tuple[bool, str]]]:
    """Both texts in pieces, each with whether it differs; of texts that have little in common, each is one piece."""
    was, now = WORD.findall(old), WORD.findall(new)
    matcher = difflib.SequenceMatcher(None, was, now, autojunk=False)
    if matcher.ratio() < 0.4:
        return [(bool(new), old)] if old else [], [(bool(old), new)] if new else []
    sides: tuple[list[tuple[bool, str]], list[tuple[bool, str]]] = ([], [])
    for kind, a, b, c, d in matcher.get_opcodes():
        for side, words in zip(sides, (was[a:b], now[c:d]), strict=True):
            if words:
                side.append((kind != "equal", "".join(words)))
    return sides
