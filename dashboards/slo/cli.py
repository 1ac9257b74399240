"""`observatory slo`: SLO files in, rule files out. Nothing is written unless everything is right.

Reading and writing many files is spread over processes; the result does not depend on how many."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards.slo.model import load
from dashboards.slo.reader import SloError, block
from dashboards.slo.rules import Options, Template, assemble, fragment, inhibitions
from dashboards.slo.windows import Tier, load_windows

SUFFIXES = (".yml", ".yaml")
# Below this much text more processes cost more than they save.
WORTH_SPREADING = 100_000

DESCRIPTION = """\
Make Prometheus rules from SLO files in the format of Sloth (version: prometheus/v1), with our additions under x-psf.

  observatory slo --in slos.yml --out rules.yml
  observatory slo --in slos/ --out rules/              a file of rules for each file
  observatory slo --in slos/ --out rules.yml           all in one file
  observatory slo --in slos.yml --out rules.yml --sloth   the rules that Sloth makes, and nothing more
  observatory slo --in slos/ --out rules/ --tests tests/  with promtool tests that fire and silence every alert
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does with one file."""

    path: Path
    period: str
    catalog: dict[int, tuple[Tier, ...]] | None
    options: Options
    tests: bool
    inhibits: bool


@dataclass(frozen=True, slots=True)
class Made:
    """What came of one file: the texts of its groups, its ids, its tests, its inhibitions; or the error."""

    error: str = ""
    prometheus: str = ""
    loki: str = ""
    ids: tuple[str, ...] = ()
    tests: tuple[tuple[str, str, str], ...] = ()  # (id, rules, tests)
    inhibits: tuple[dict[str, list[str]], ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `observatory slo`."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--in", dest="source", required=True, metavar="FILE_OR_DIR", help="SLO file, directory of them (*.yml, *.yaml), or - for input"
    )
    parser.add_argument("--out", required=True, metavar="FILE_OR_DIR", help="rule file, directory, or - for output")
    parser.add_argument("--period", default="30d", help="period of SLOs that name none (default 30d); Sloth's tiers for 30d and 28d")
    parser.add_argument("--windows", metavar="FILE", help="burn-rate tiers of your own, in the format of Sloth (kind: AlertWindows)")
    parser.add_argument("--sloth", action="store_true", help="exactly Sloth's rules: two alerts, no for, no absence alert")
    parser.add_argument("--loki", metavar="FILE_OR_DIR", help="where rules of LogQL SLOs go (x-psf.source: loki)")
    parser.add_argument(
        "--loki-remote-write",
        action="store_true",
        help="Loki's ruler writes its recordings into Prometheus: record LogQL SLIs there, alert in Prometheus",
    )
    parser.add_argument("--tests", metavar="DIR", help="write for each SLO its rules and a promtool test into this directory")
    parser.add_argument("--inhibitions", metavar="FILE", help="write Alertmanager's inhibit_rules: a faster tier silences slower ones")
    parser.add_argument("--system", default="", help="label `system` of all alerts")
    parser.add_argument("--owner", default="", help="label `owner` of all alerts")
    parser.add_argument("--runbook-url", metavar="TEMPLATE", help="annotation; {alert}, {alert_lower}, {id}, {service}, {slo} are put in")
    parser.add_argument("--dashboard-url", metavar="TEMPLATE", help="annotation, as --runbook-url")
    parser.add_argument("--jobs", type=int, default=0, help="processes (default: one for each CPU where it pays, at most 4)")


def slo_command(arguments: argparse.Namespace) -> int:
    """Run the command: 0, or 1 with the reasons on stderr."""
    collects = gc.isenabled()
    gc.disable()  # what is made here is kept until the end, so looking for garbage only costs time
    try:
        _run(arguments)
    except (SloError, OSError, UnicodeError) as error:
        print(f"observatory slo: {error}", file=sys.stderr)
        print("observatory slo: nothing was written", file=sys.stderr)
        return 1
    finally:
        if collects:
            gc.enable()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="observatory slo")
    add_arguments(parser)
    return slo_command(parser.parse_args(arguments))


def _run(arguments: argparse.Namespace) -> None:
    catalog = None
    if arguments.windows:
        catalog = load_windows(Path(arguments.windows).read_text(encoding="utf-8"), arguments.windows)
    if arguments.sloth and (arguments.tests or arguments.inhibitions):
        raise SloError("--tests and --inhibitions need alerts with tiers; leave out --sloth")
    options = Options(
        arguments.sloth,
        arguments.system,
        arguments.owner,
        Template(arguments.runbook_url) if arguments.runbook_url else None,
        Template(arguments.dashboard_url) if arguments.dashboard_url else None,
        arguments.loki_remote_write,
    )
    source = Path(arguments.source)
    paths = _paths(source)
    made = _spread(
        [Job(path, arguments.period, catalog, options, bool(arguments.tests), bool(arguments.inhibitions)) for path in paths],
        arguments.jobs,
    )
    _refuse(paths, made, arguments)
    files: dict[Path, str] = {}
    _place(files, source, paths, [each.prometheus for each in made], arguments.out, keep_empty=not any(each.loki for each in made))
    if arguments.loki:
        _place(files, source, paths, [each.loki for each in made], arguments.loki)
    for each in made:
        for name, rules, tests in each.tests:
            files[Path(arguments.tests) / f"{name}.rules.yml"] = rules
            files[Path(arguments.tests) / f"{name}.test.yml"] = tests
    if arguments.inhibitions:
        files[Path(arguments.inhibitions)] = _inhibit_text(made)
    written = {target.resolve() for target in files}
    for path in paths:
        if path.resolve() in written:
            raise SloError(f"{path} would be overwritten by its own rules; choose another --out")
    _write(files)


def _paths(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    paths = sorted(path for path in source.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not paths:
        raise SloError(f"{source}: holds no file that ends in {' or '.join(SUFFIXES)}")
    return paths


def _make(job: Job) -> Made:
    """One file: read, checked, written as text."""
    try:
        text = sys.stdin.read() if str(job.path) == "-" else job.path.read_text(encoding="utf-8")
        slos = load(text, str(job.path), period=job.period, catalog=job.catalog)
        tests: tuple[tuple[str, str, str], ...] = ()
        if job.tests:
            import yaml  # noqa: PLC0415 (only here, and slow to load)

            from dashboards.slo.proof import proofs  # noqa: PLC0415

            tests = tuple(
                (
                    slo.id,
                    assemble(fragment([slo], job.options)),
                    yaml.dump(proofs(slo, f"{slo.id}.rules.yml"), sort_keys=False, width=10000),
                )
                for slo in slos
                if slo.source != "loki" and slo.alert
            )
        return Made(
            "",
            fragment(slos, job.options),
            fragment(slos, job.options, "loki") if any(slo.source == "loki" for slo in slos) else "",
            tuple(slo.id for slo in slos),
            tests,
            tuple(inhibitions(slos)) if job.inhibits else (),
        )
    except UnicodeDecodeError as error:
        return Made(f"{job.path}: is not UTF-8 text ({error.reason} at byte {error.start})")
    except (SloError, OSError) as error:
        return Made(str(error))


def _spread(jobs: list[Job], processes: int) -> list[Made]:
    """What comes of the jobs, in their order."""
    if processes < 1:
        size = sum(job.path.stat().st_size for job in jobs if job.path.exists()) if len(jobs) > 1 else 0
        processes = min(len(os.sched_getaffinity(0)), 4) if size > WORTH_SPREADING and hasattr(os, "fork") else 1
    processes = min(processes, len(jobs))
    if processes == 1:
        return [_make(job) for job in jobs]
    import multiprocessing  # noqa: PLC0415 (slow to load)

    with multiprocessing.get_context("fork").Pool(processes) as pool:
        return pool.map(_make, jobs, chunksize=max(1, len(jobs) // (processes * 4)))


def _refuse(paths: Sequence[Path], made: Sequence[Made], arguments: argparse.Namespace) -> None:
    errors = [each.error for each in made if each.error]
    seen: dict[str, Path] = {}
    for path, each in zip(paths, made, strict=True):
        for name in each.ids:
            if name in seen:
                errors.append(f"{path}: the id {name!r} (service and name) is there already, in {seen[name]}; ids must differ")
            seen.setdefault(name, path)
        if each.loki and not arguments.loki:
            errors.append(f"{path}: has LogQL SLOs, whose rules Loki's ruler takes; name a place for them with --loki")
    if errors:
        raise SloError("\n".join(errors))


def _place(files: dict[Path, str], source: Path, paths: Sequence[Path], bodies: Sequence[str], out: str, keep_empty: bool = True) -> None:
    """Which text goes where: file to file, directory to directory of the same names, or all into one file."""
    target = Path(out)
    if source.is_dir() and target.suffix not in SUFFIXES and out != "-" and not target.is_file():
        for path, body in zip(paths, bodies, strict=True):
            if body:
                files[target / path.relative_to(source)] = assemble(body)
        return
    if target.is_dir():
        target = target / source.name
    body = "".join(bodies)
    if body or keep_empty:
        files[target] = assemble(body)


def _inhibit_text(made: Iterable[Made]) -> str:
    """One list for all files: rules of the same pair of tiers are joined, with all labels that any of them compares."""
    joined: dict[tuple[str, str], set[str]] = {}
    for each in made:
        for rule in each.inhibits:
            joined.setdefault((rule["source_matchers"][-1], rule["target_matchers"][-1]), set()).update(rule["equal"])
    lines = ["inhibit_rules:" if joined else "inhibit_rules: []"]
    for (source, target), equal in joined.items():
        lines += [
            "  - source_matchers:",
            "      - 'sloth_id!=\"\"'",
            f"      - '{source}'",
            "    target_matchers:",
            "      - 'sloth_id!=\"\"'",
            f"      - '{target}'",
            "    equal:",
            *(f"      - {block(label, '')}" for label in sorted(equal)),
        ]
    return "\n".join(lines) + "\n"


def _write(files: dict[Path, str]) -> None:
    """All of them or none: each is written beside its place first, and moved when all are there."""
    moves: list[tuple[str, Path]] = []
    try:
        for path, text in files.items():
            if str(path) == "-":
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            moves.append((part, path))
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(part, 0o644)
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a directory; a file of that name is to be written")
    except BaseException:
        for part, _path in moves:
            with contextlib.suppress(OSError):
                os.unlink(part)
        raise
    for part, path in moves:
        os.replace(part, path)
    if Path("-") in files:
        sys.stdout.write(files[Path("-")])
