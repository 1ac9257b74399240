"""The bundle: every file that an estate's services need, with a manifest of what each is and its sha256.

Pure until the last step: all files are made and checked in memory, then written into a new directory that takes the old one's place,
so a reader sees the old bundle or the new one. Equal input gives equal bytes."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards import drills, grafana, naming, pages, promql, rules, slos
from dashboards.estate import Estate
from dashboards.load import Content, Loaded
from dashboards.model import TARGET_LABELS, ContentError, Loki, Prom, require
from dashboards.slo_metrics import RECORDED

FORMAT = 1
MANIFEST = "manifest.json"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of renameat2(2)
RECORDED_NAMES = frozenset(metric.name for metric in RECORDED)  # they have no label of a target


@dataclass(frozen=True)
class File:
    path: str
    kind: str
    owner: str
    text: str


def bundle(content: Content, estate: Estate) -> list[File]:
    """Every file of the bundle but the manifest, sorted by path. Raises ContentError."""
    present = content.only(estate.systems)
    _owners(present, estate)
    unknown = sorted(set(estate.thresholds) - set(content.by_id))
    require(not unknown, "estate: thresholds", f"there is no system {', '.join(unknown)}; known are {', '.join(content.by_id)}")
    files: list[File] = []
    shared = context(content, present)
    queries: list[dict[str, Any]] = []
    objectives: list[slos.SystemSlos] = []
    for loaded in present:
        files += _rules(loaded, estate)
        own = slos.of(loaded, estate)
        if own:
            objectives.append(own)
            files += [File(path, kind, loaded.system.id, text) for path, kind, text in own.files()]
        values = rules.threshold_values(loaded, estate)
        for dashboard in loaded.dashboards:
            data = grafana.render(loaded, dashboard, estate, shared)
            files.append(File(naming.dashboard_path(data["uid"]), "grafana_dashboard", loaded.system.id, grafana.dump(data)))
            page = pages.dashboard(loaded, dashboard, data, values)
            files.append(File(naming.dashboard_page(data["uid"]), "page", loaded.system.id, page))
            queries += _queries(loaded, dashboard, data)
        queries += _rule_queries(loaded, estate)
        if loaded.runbook:
            files.append(File(naming.runbook_path(loaded.system.id), "runbook", loaded.system.id, loaded.runbook))
            page = pages.runbook(loaded, values)
            files.append(File(naming.runbook_page(loaded.system.id), "page", loaded.system.id, page))
    inhibit = rules.inhibit_rules(content, present) + [row for own in objectives for row in own.inhibit_rules()]
    files.append(File("alertmanager/inhibit_rules.yml", "alertmanager", "observatory",
                      rules.dump({"inhibit_rules": inhibit, "time_intervals": []})))
    files.append(File("drills.json", "drills", "observatory", _json(drills.document(present))))
    files.append(File("queries.json", "queries", "observatory", _json(queries)))
    files.append(File("pages/index.html", "page", "observatory", pages.index(present, estate)))
    return sorted(files, key=lambda file: file.path)


def context(content: Content, present: Iterable[Loaded]) -> grafana.Context:
    """What every dashboard needs to know of the others: the labels of every series, and the dashboards of those present."""
    return grafana.Context(
        series={name: (*labels, *(() if name in RECORDED_NAMES else TARGET_LABELS)) for name,
                (_metric, labels) in content.series().items()},
        siblings={loaded.system.id: [(d.title, naming.dashboard_uid(loaded.system.id, d.key)) for d in loaded.dashboards]
                  for loaded in present})


def _rules(loaded: Loaded, estate: Estate) -> Iterable[File]:
    owner = loaded.system.id
    for source in ("prometheus", "loki"):
        groups = rules.groups(loaded, estate, source)
        if groups:
            yield File(naming.rules_path(owner, source), f"{source}_rules", owner, rules.dump({"groups": groups}))
    tests = rules.prometheus_tests(loaded, estate)
    if tests:
        yield File(naming.tests_path(owner, "prometheus"), "prometheus_tests", owner, rules.dump(tests))
    lines = rules.loki_tests(loaded, estate)
    if lines:
        yield File(naming.tests_path(owner, "loki"), "loki_tests", owner, _json(lines))


def _owners(present: tuple[Loaded, ...], estate: Estate) -> None:
    for loaded in present:
        for owner in {loaded.system.owner, *(alert.owner for alert in loaded.alerts if alert.owner)}:
            require(owner in estate.owners, f"systems/{loaded.system.id}", f"owner {owner!r} is not known to the estate; "
                    f"observatory_owners has {', '.join(estate.owners)}")


def runnable(expr: str, variables: Iterable[str]) -> str:
    """A panel's query as a service takes it: every variable matches all, Grafana's intervals are put in."""
    for name in sorted(variables, key=len, reverse=True):
        expr = expr.replace(f"${name}", ".*")
    return promql.plain(expr.replace("$__auto", "5m"))


def _queries(loaded: Loaded, dashboard: Any, data: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Every query of a dashboard, ready to run, for the search for dead panels."""
    names = [variable.name for variable in grafana.scope_variables(loaded, dashboard)]
    made = {panel["id"]: panel for panel in _flat(data["panels"])}
    for panel in dashboard.panels():
        for query, target in zip(panel.queries, made[naming.panel_id(panel.key)].get("targets", ()), strict=True):
            expr = target.get("expr") or target.get("service") or "dependencies"
            yield {"id": f"{data['uid']}/{panel.key}/{target['refId']}", "owner": loaded.system.id, "dashboard": data["uid"],
                   "panel": panel.key,
                   "title": panel.title, "datasource": query.source,
                   "expr": runnable(expr, names) if isinstance(query, (Prom, Loki)) else expr,
                   "instant": query.instant, "logs": panel.kind == "logs", "may_be_empty": query.may_be_empty or panel.may_be_empty or None}


def _rule_queries(loaded: Loaded, estate: Estate) -> Iterable[dict[str, Any]]:
    """Every expression of a rule: it must run; an alert that does not fire has no series, so those may be empty."""
    for source in ("prometheus", "loki"):
        for group in rules.groups(loaded, estate, source):
            for row in group["rules"]:
                name = row.get("alert") or row["record"]
                yield {"id": f"rule/{loaded.system.id}/{name}", "owner": loaded.system.id, "dashboard": None, "panel": None, "title": name,
                       "datasource": source, "expr": row["expr"], "instant": True, "logs": False,
                       "may_be_empty": "an alert that does not fire has no series" if "alert" in row else None}


def _flat(found: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for panel in found:
        yield panel
        yield from panel.get("panels", ())


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def manifest(files: list[File], estate: Estate) -> str:
    rows = [{"path": file.path, "kind": file.kind, "owner": file.owner, "sha256": hashlib.sha256(file.text.encode()).hexdigest()}
            for file in files]
    return _json({"format": FORMAT, "environment": estate.environment, "files": rows})


def write(files: list[File], estate: Estate, out: Path) -> bool:
    """Write the bundle. Returns whether anything differs from what was there; a directory that is no bundle is not touched."""
    text = manifest(files, estate)
    if out.exists():
        known = out / MANIFEST
        require(out.is_dir() and (known.is_file() or not any(out.iterdir())), str(out),
                "is there and is not a bundle; give another --out, or remove it")
        if known.is_file() and known.read_text(encoding="utf-8") == text and not damaged(out):
            return False
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        for file in files:
            path = work / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, encoding="utf-8")
        (work / MANIFEST).write_text(text, encoding="utf-8")
        work.chmod(0o755)
        if out.exists():
            _exchange(work, out)
        else:
            os.rename(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)  # after an exchange, what was there before
    return True


def _exchange(work: Path, out: Path) -> None:
    """Have two directories take each other's place, in one step where the kernel can (Linux): killed at any moment, there is one bundle."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2") and not libc.renameat2(AT_FDCWD, os.fsencode(work), AT_FDCWD, os.fsencode(out), RENAME_EXCHANGE):
        return
    old = work.with_name(f"{work.name}.old")
    os.rename(out, old)
    try:
        os.rename(work, out)
    except BaseException:
        os.rename(old, out)
        raise
    os.rename(old, work)


def damaged(directory: Path) -> list[str]:
    """What a bundle lacks or has too much, compared with its manifest: one sentence each."""
    try:
        data = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContentError(f"{directory / MANIFEST}: cannot be read: {error}") from error
    wanted = {row["path"]: row["sha256"] for row in data["files"]}
    found = {str(path.relative_to(directory)): path for path in directory.rglob("*") if path.is_file() and path.name != MANIFEST}
    problems = [f"{path} is missing" for path in sorted(set(wanted) - set(found))]
    problems += [f"{path} is not in the manifest" for path in sorted(set(found) - set(wanted))]
    problems += [f"{path} is not what the manifest says" for path, digest in sorted(wanted.items())
                 if path in found and hashlib.sha256(found[path].read_bytes()).hexdigest() != digest]
    return problems
