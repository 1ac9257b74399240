"""`observatory preview`: the pages of a bundle, served with live data or written with recorded data."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboards.model import ContentError, require
from dashboards.preview import bundle as bundles
from dashboards.preview import charts, compare, queries, review, summary, tape
from dashboards.preview.ask import Estate
from dashboards.preview.bundle import ALERTS_FRAME, Board, Bundle
from dashboards.preview.pages import Pages
from dashboards.preview.queries import Window
from dashboards.preview.server import Server
from dashboards.preview.sources import Login, Service, Source
from dashboards.preview.tape import Tape

ADDRESS = "127.0.0.1:8300"
MARK = "observatory-preview"  # file in a directory that we may replace
POINTS = 400
DESCRIPTION = """\
Look at the dashboards of a bundle without Grafana, by one page each and an index; or at what differs between two bundles.

  observatory preview --bundle DIR --prometheus URL --loki URL --jaeger URL --serve        live, at http://127.0.0.1:8300/
  observatory preview --bundle DIR --prometheus URL --loki URL --jaeger URL --out DIR      recorded now, to be read from anywhere
  observatory preview --bundle DIR --prometheus eu=URL --prometheus us=URL ... --serve     several regions, to choose from
  observatory preview --diff OLD NEW --prometheus URL ... --out DIR                        what differs, drawn side by side
  observatory preview --diff OLD NEW --recorded DIR --out DIR                              the same, from what --out recorded before

Log in by OBSERVATORY_USERNAME and OBSERVATORY_PASSWORD in the environment, by --cert and --key, or by both.
Whoever reaches the server sees what the services show to you: it listens on loopback unless told otherwise.
"""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.description = DESCRIPTION
    verb.formatter_class = argparse.RawDescriptionHelpFormatter
    verb.add_argument("--bundle", type=Path, metavar="DIR", help="what `observatory render` wrote")
    verb.add_argument(
        "--diff", type=Path, nargs=2, metavar=("OLD", "NEW"), help="two bundles: pages of what differs, and summary.md for a comment"
    )
    for name in ("prometheus", "loki", "jaeger"):
        verb.add_argument(
            f"--{name}", action="append", default=[], metavar="[PLACE=]URL", help=f"address of {name.capitalize()}; again for each region"
        )
    verb.add_argument("--recorded", type=Path, metavar="DIR", help="in place of addresses: what an earlier --out recorded")
    verb.add_argument("--ca", default="", metavar="FILE", help="certificate of the authority that signed the servers'")
    verb.add_argument("--cert", default="", metavar="FILE", help="client certificate")
    verb.add_argument("--key", default="", metavar="FILE", help="its key")
    verb.add_argument("--serve", nargs="?", const=ADDRESS, default="", metavar="ADDRESS:PORT", help=f"serve the pages (default {ADDRESS})")
    verb.add_argument(
        "--out", type=Path, metavar="DIR", help="write the pages with data recorded now; a directory of this command is replaced"
    )
    verb.add_argument("--since", default="", metavar="TIME", help="recorded time, such as 6h (default: each dashboard's own)")
    verb.add_argument(
        "--variable", action="append", default=[], metavar="NAME=VALUE", help="recorded value of a variable (default: all); again for each"
    )
    verb.add_argument("--scrape-interval", type=int, default=15, metavar="SECONDS", help="how often Prometheus scrapes (default 15)")


def run(options: argparse.Namespace) -> int:
    require(bool(options.bundle) != bool(options.diff), "preview", "give --bundle DIR, or --diff OLD NEW")
    require(options.scrape_interval > 0, "--scrape-interval", "must be a number of seconds, 1 or more")
    login = Login(
        os.environ.get("OBSERVATORY_USERNAME", ""), os.environ.get("OBSERVATORY_PASSWORD", ""), options.ca, options.cert, options.key
    )
    given = places(options, login)
    old_tape = tape.read(options.recorded) if options.recorded else None
    if old_tape:
        require(not any(given.values()), "--recorded", "takes the place of addresses; give one or the other")
        require(not options.serve, "--serve", "shows live data; --recorded is for --out")
        require(not (options.since or options.variable), "--recorded", "has its own time and variables; leave out --since and --variable")
    if options.diff:
        return differ(options, given, old_tape)
    require(options.serve or options.out, "preview", "give --serve to look now, or --out DIR to write pages")
    address = endpoint(options.serve) if options.serve else None
    found = bundles.read(options.bundle)
    estate = Estate(old_tape.places() if old_tape else given, options.scrape_interval)
    pages = Pages(found, charts.library(), list(estate.places))
    if options.out:
        record(pages, estate, options, old_tape)
    if address:
        serve(pages, estate, address)
    return 0


def endpoint(text: str) -> tuple[str, int]:
    host, _colon, port = text.rpartition(":")
    require(port.isdigit() and int(port) < 65536, "--serve", f"{text!r} is not ADDRESS:PORT, such as {ADDRESS}")
    return host.strip("[]") or "127.0.0.1", int(port)


def places(options: argparse.Namespace, login: Login) -> dict[str, dict[str, Service]]:
    """Place to its services, the places in the order in which they are named."""
    found: dict[str, dict[str, Service]] = {}
    for name in ("prometheus", "loki", "jaeger"):
        for text in getattr(options, name):
            place, equals, url = text.partition("=")
            if not equals or "/" in place:
                place, url = "", text
            of_place = found.setdefault(place, {})
            require(
                name not in of_place,
                f"--{name}",
                f"given twice for {place or 'the one place'}; name the places: --{name} eu=URL --{name} us=URL",
            )
            of_place[name] = Source(name, url, login)
    require(len(found) < 2 or "" not in found, "preview", "name the place of every URL (eu=URL), or of none")
    return found or {"": {}}


def serve(pages: Pages, estate: Estate, address: tuple[str, int]) -> None:
    server = Server(address, pages, estate, quiet=True)
    if address[0] not in ("127.0.0.1", "::1", "localhost"):
        print(f"observatory: whoever reaches {server.url} sees what the services show to you", file=sys.stderr)
    print(f"{len(pages.bundle.boards)} dashboards: {server.url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()


# -- recorded ----------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new directory, which takes the place of the old one when all went well. Only a directory of this command is replaced."""
    require(
        not out.exists() or (out / MARK).is_file() or (out.is_dir() and not any(out.iterdir())),
        f"--out {out}",
        "is there and was not written by this command; give another, or remove it",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        yield work
        (work / MARK).write_text("", encoding="utf-8")
        work.chmod(0o755)
        shutil.rmtree(out, ignore_errors=True)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def record(pages: Pages, estate: Estate, options: argparse.Namespace, played: Tape | None) -> None:
    """Write every page with its data, and the services' answers themselves, so that they can be drawn again."""
    with replacing(options.out) as work:
        started = time.monotonic()
        chosen = played.variables if played else values(pages.bundle, options.variable)
        place = next(iter(estate.places))
        kept = played or Tape(variables=chosen, at=int(time.time()))
        if not played:
            recorders = {name: kept.recorder(place, name, service) for name, service in estate.places[place].items()}
            estate = Estate({place: recorders}, estate.scrape)
        for name in ("dashboards", "runbooks"):
            (work / name).mkdir()
        alerts: dict[str, object] = {}
        first: dict[str, Any] = {}
        for uid, board in pages.bundle.boards.items():
            at = window_of(board, options, played)
            kept.windows[uid] = at
            data = recorded(board, estate, chosen, at) | {"at": kept.at}
            (work / "dashboards" / f"{uid}.html").write_text(pages.dashboard(uid, data), encoding="utf-8")
            alerts[board.system] = next((frame for frame in data["frames"] if ALERTS_FRAME in frame), {ALERTS_FRAME: {}})
            if not first:
                shown = {panel.id for panel in board.rows[0][3]} if board.rows else set()
                first = data | {"frames": [frame for frame in data["frames"] if "id" not in frame or frame["id"] in shown]}
        (work / "index.html").write_text(pages.index(first | {"alerts": alerts}), encoding="utf-8")
        for system, text in pages.bundle.runbooks.items():
            (work / "runbooks" / f"{system}.html").write_text(text, encoding="utf-8")
        kept.write(work / tape.FILE)
    print(f"{len(pages.bundle.boards)} dashboards, recorded in {time.monotonic() - started:.1f} s: {options.out / 'index.html'}")


def values(bundle: Bundle, given: list[str]) -> dict[str, list[str]]:
    known = {name for board in bundle.boards.values() for name in board.names()}
    found: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        require(equals and name in known, "--variable", f"{text!r} is not NAME=VALUE of a variable; there are {', '.join(sorted(known))}")
        found.setdefault(name, []).append(value)
    return found


def window_of(board: Board, options: argparse.Namespace, played: Tape | None) -> Window:
    """The time that is drawn: that of the recording, that of --since, or the dashboard's own."""
    if played:
        own = board.data.get("time", {})
        return played.windows.get(board.uid) or queries.window(own.get("from", "now-1h"), own.get("to", "now"), POINTS, now=played.at)
    span = board.data.get("time", {})
    if options.since and not queries.RELATIVE.match(f"now-{options.since}"):
        raise ContentError(f"--since: {options.since!r} is not a time such as 30m, 6h or 2d")
    first, last = (f"now-{options.since}", "now") if options.since else (span.get("from", "now-1h"), span.get("to", "now"))
    return queries.window(first, last, POINTS, options.scrape_interval)


def recorded(board: Board, estate: Estate, chosen: dict[str, list[str]], at: Window) -> dict[str, Any]:
    """A dashboard's data for its page, of the first place."""
    selected = queries.selection(board, {name: value for name, value in chosen.items() if name in board.names()})
    place = next(iter(estate.places))
    lines = [
        *estate.frame(board, selected, at, place),
        *estate.panels(board, [key for key, panel in board.panels.items() if panel.targets], selected, at, place),
    ]
    return {
        "at": int(time.time()),
        "place": place,
        "variables": {name: list(value) for name, value in selected.items()},
        "frames": [{"window": {"start": at.start, "end": at.end, "step": at.step}}, *lines],
    }


# -- what differs ------------------------------------------------------------------------------------------------------
def differ(options: argparse.Namespace, given: dict[str, dict[str, Service]], played: Tape | None) -> int:
    """Write what differs between two bundles: pages, drawn where there are data, and a summary in Markdown."""
    require(options.out and not options.serve, "--diff", "writes pages that can be kept: give --out DIR, and no --serve")
    old, new = (bundles.read(directory) for directory in options.diff)
    chosen = played.variables if played else values(new, options.variable)
    found = compare.compare(old, new)
    estate = Estate(played.places(), options.scrape_interval) if played else None
    if not estate and any(given.values()):
        estate = Estate(given, options.scrape_interval)
    place = next(iter(estate.places)) if estate else ""
    head = {"at": played.at if played else int(time.time()), "place": place, "variables": {}, "frames": []}
    with replacing(options.out) as work:
        pages = Pages(new, charts.library(), [place])
        full = review.write(work, pages, found, old, new, estate, chosen, lambda board: window_of(board, options, played), head)
    words = summary.counted(full).replace("**", "") if full else "nothing differs"
    print(f"{words}: {options.out / 'index.html'}, {options.out / review.SUMMARY}")
    return 0
