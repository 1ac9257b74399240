"""The command `observatory`: systems, check, render, record, slo, preview. Errors say what would be right, and end with status 1."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from dashboards import checks, estate, load, record, render
from dashboards.model import ContentError
from dashboards.preview import cli as preview_cli
from dashboards.slo import SloError
from dashboards.slo import cli as slo_cli


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="observatory", description="Dashboards, alerts, SLOs and runbooks as code.",
                                  epilog="A system is a folder under dashboards/systems; docs/adding-a-system.md says what is in it.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    verbs.add_parser("systems", help="list the systems: dashboards, alerts, metrics, owner").set_defaults(run=systems)

    verb = verbs.add_parser("check", help="run every law over all systems, or check a bundle against its manifest")
    verb.add_argument("--bundle", type=Path, metavar="DIR", help="also hold this bundle against its manifest")
    verb.set_defaults(run=check)

    verb = verbs.add_parser("render", help="write the bundle for an estate")
    verb.add_argument("--estate", type=Path, required=True, metavar="FILE",
                      help="the estate file (JSON); - reads it from standard input and keeps it beside the bundle, as DIR.estate.json")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle; replaced as a whole, or not at all")
    verb.set_defaults(run=write)

    verb = verbs.add_parser("record", help="record what a system exposes into its metrics.sample, from a running Prometheus",
                            description="Log in by OBSERVATORY_USERNAME and OBSERVATORY_PASSWORD in the environment.")
    verb.add_argument("--system", required=True, action="append", metavar="ID")
    verb.add_argument("--prometheus", required=True, metavar="URL")
    verb.add_argument("--ca", default="", metavar="FILE", help="certificate of the authority that signed the server's")
    verb.set_defaults(run=recorded)

    verb = verbs.add_parser("slo", help="make rules from SLO files in Sloth's format; works alone")
    slo_cli.add_arguments(verb)
    verb.set_defaults(run=slo_cli.slo_command)

    verb = verbs.add_parser("preview", help="look at the dashboards of a bundle, with live or recorded data")
    preview_cli.add_arguments(verb)
    verb.set_defaults(run=preview_cli.run)
    return top


def systems(_options: argparse.Namespace) -> int:
    rows = [("SYSTEM", "DASHBOARDS", "ALERTS", "METRICS", "OWNER", "TITLE")]
    rows += [(item.system.id, str(len(item.dashboards)), str(len(item.alerts)), str(len(item.metrics)), item.system.owner,
              item.system.title)
             for item in load.everything().systems]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for item in load.everything().systems:
        if item.sample.unrecorded:
            count = sum(1 for metric in item.metrics if item.sample.unrecorded & set(metric.series()))
            print(f"\n{item.system.id}: {count} of {len(item.metrics)} metrics are not recorded: {item.system.unrecorded}")
    return 0


def check(options: argparse.Namespace) -> int:
    content = load.everything()
    problems = [str(problem) for problem in checks.run(content)]
    if options.bundle:
        problems += [f"{options.bundle}: {problem}" for problem in render.damaged(options.bundle)]
    for problem in problems:
        print(problem)
    alerts = sum(len(loaded.alerts) for loaded in content.systems)
    print(f"{len(problems)} problems: {len(checks.laws())} laws, {len(content.systems)} systems, {alerts} alerts", file=sys.stderr)
    return 1 if problems else 0


def write(options: argparse.Namespace) -> int:
    started = time.monotonic()
    content = load.everything()
    passed = options.out.with_name(f"{options.out.name}.checked")
    lawful(content, passed)
    text = sys.stdin.read() if str(options.estate) == "-" else ""
    found = estate.loads(text, "standard input") if text or str(options.estate) == "-" else estate.read(options.estate)
    files = render.bundle(content, found)
    changed = render.write(files, found, options.out)
    if text:
        options.out.with_name(f"{options.out.name}.estate.json").write_text(text, encoding="utf-8")
    passed.write_text(checks.digest(), encoding="utf-8")
    print(f"{'written' if changed else 'unchanged'}: {len(files)} files, {options.out}, {time.monotonic() - started:.1f} s")
    return 0


def lawful(content: load.Content, passed: Path) -> None:
    """Hold the content against its laws, unless `passed` says that this very content passed these very laws. Raises ContentError."""
    if passed.is_file() and passed.read_text(encoding="utf-8") == checks.digest():
        return
    problems = checks.run(content)
    if problems:
        raise ContentError("the content breaks its laws; nothing was written:\n  " + "\n  ".join(map(str, problems)))


def recorded(options: argparse.Namespace) -> int:
    server = record.Server(options.prometheus.rstrip("/"), os.environ.get("OBSERVATORY_USERNAME", ""),
                           os.environ.get("OBSERVATORY_PASSWORD", ""),
                           options.ca)
    folders = [load.SYSTEMS / name for name in options.system]
    for folder in folders:
        print(f"recorded {record.write(load.one(folder), server)}")
        again = load.one(folder)
        if again.sample.unrecorded:
            print(f"  but for {len(again.sample.unrecorded)} series of {again.system.title}, which is not there: they stay as they were")
        elif again.system.unrecorded:
            print(f"  all of {again.system.title} is recorded now: take `unrecorded` out of {folder / 'system.py'}")
    return 0


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        return int(options.run(options))
    except (ContentError, SloError, OSError) as error:
        print(f"observatory: {error}", file=sys.stderr)
        return 1
