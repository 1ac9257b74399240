# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call evaluates many controls: probes read, at the same time and each only once; then each control is judged.

A plan: {"host", "region", "controls": [{"id", "mode", "check", "per", "params", "overridden", "reason", "machine"}], "context"}.
`params` are effective values; `kinds` name to type; a control with a `reason` does not apply, nor does one of the `machine` to a
container. Its results are as docs/adr/0014-controls.md has them.
A probe that hangs is left behind after its time (its thread ends with the process) and what needs it is an error, as is all that raises.
"""

from __future__ import annotations

import json
import queue
import threading
import time

from ansible_collections.psf.observatory.plugins.module_utils.governance import control, expect, mask, registry
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World

ERROR, NOT_APPLICABLE, MANUAL = expect.ERROR, "not_applicable", "manual"
EVIDENCE = 8192
READINGS = 8 << 20
TEXT = 1000
BELOW = "this host is a container: its kernel and its clock are those of the machine below, where this is judged"


class Reads:
    """What the probes gave, by what was asked; (readings, error, seconds, collected at)."""

    def __init__(self, probes, world, timeout, threads, clock=time.monotonic):
        self.probes = probes
        self.world = world
        self.timeout = timeout
        # Probes that wait until what was just started has settled.
        self.longer = dict.fromkeys(registry.SETTLING, timeout + world.settle)
        self.threads = threads
        self.clock = clock
        self.done = {}

    def run(self, calls):
        """Every call ({key: (probe, arguments)}) at most `threads` at a time, none for longer than its time."""
        answers, waiting, running = queue.Queue(), list(calls.items()), {}
        while waiting or running:
            while waiting and len(running) < self.threads:
                key, (name, arguments) = waiting.pop(0)
                seconds = self.longer.get(name, self.timeout)
                running[key] = (self.clock() + seconds, seconds)
                threading.Thread(target=self._call, args=(answers, key, name, arguments), daemon=True).start()
            try:
                key, answer = answers.get(timeout=max(min(running.values())[0] - self.clock(), 0.01))
            except queue.Empty:
                answer = None
            if answer is not None:
                if running.pop(key, None) is not None:
                    self.done[key] = answer
                continue
            for key in [key for key, (deadline, _seconds) in running.items() if self.clock() >= deadline]:
                _deadline, seconds = running.pop(key)
                self.done[key] = ([], "the probe did not end within %g s" % seconds, seconds, utc())

    def _call(self, answers, key, name, arguments):
        started, readings, error = self.clock(), [], ""
        try:
            readings = self.probes[name](self.world, **arguments)
            readings = checked(readings)
        except ReadError as problem:
            error = str(problem)
        except MemoryError:
            error = "the answer does not fit into memory"
        except Exception as problem:
            error = "%s: %s" % (type(problem).__name__, problem)
        answers.put((key, ([] if error else readings, error, self.clock() - started, utc())))


def checked(readings):
    """Readings as JSON knows them, bounded; a probe that gives something else is wrong."""
    for row in readings:
        if not isinstance(row, dict) or not row.get("name") or ("data" in row) == ("error" in row):
            raise ReadError("the probe gave %r, which is no reading" % (row,))
    text = json.dumps(readings)
    if len(text) > READINGS:
        raise ReadError("the probe read more than %d bytes" % READINGS)
    return readings


def utc(moment=None):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def assess(plan, credentials=None, timeout=20, threads=8, evidence=EVIDENCE, settle=0, world=None, probes=None, judges=None):
    """{"results", "controls", "host", "region", "started", "finished"}; never raises for what the world is like."""
    probes, judges = probes or registry.PROBES, judges or registry.JUDGES
    world = world or World(plan["context"], credentials, timeout=timeout / 2.0, settle=settle)
    started = utc()
    asked, calls = {}, {}
    if world.container():
        plan = dict(plan, controls=[dict(row, reason=row.get("reason") or BELOW) if row.get("machine") else row
                                    for row in plan["controls"]])
    for row in plan["controls"]:
        if row.get("reason") or row["mode"] == "manual":
            continue
        try:
            arguments = expect.resolve(row["check"].get("with") or {}, names(row, plan["context"]))
        except expect.Unreadable as error:
            asked[row["id"]] = str(error)
            continue
        key = json.dumps([row["check"]["probe"], arguments], sort_keys=True)
        asked[row["id"]] = (key,)
        calls[key] = (row["check"]["probe"], arguments)
    reads = Reads(probes, world, timeout, threads)
    reads.run(calls)
    results = []
    for row in plan["controls"]:
        results += _results(row, plan, asked.get(row["id"]), reads.done, judges, evidence)
    return {"results": results, "controls": [row["id"] for row in plan["controls"]], "host": plan["host"], "region": plan["region"],
            "started": started, "finished": utc()}


def names(row, context):
    """What $name may mean for a control."""
    kinds = row.get("kinds") or {}
    return dict({name: control.comparable(value, kinds.get(name)) for name, value in row["params"].items()}, context=context)


def _results(row, plan, asked, done, judges, limit):
    subject = {"type": row["per"], "name": plan["region"] if row["per"] == "region" else plan["host"], "region": plan["region"]}
    if row.get("reason"):
        return [result(row, subject, NOT_APPLICABLE, message=row["reason"])]
    if row["mode"] == "manual":
        return [result(row, subject, MANUAL, expected=row["check"]["attest"], message="a person attests to this")]
    if not isinstance(asked, tuple):
        return [result(row, subject, ERROR, message="could not be asked: %s" % asked)]
    readings, error, seconds, collected = done[asked[0]]
    if row["check"].get("only"):
        # What could not be read stays: nobody knows whether it would have been meant.
        readings = [reading for reading in readings if "error" in reading
                    or expect.chosen(reading["data"], expect.resolve(row["check"]["only"], names(row, plan["context"])))]
    if error or not readings or not row["check"].get("subject"):
        groups = [(subject, readings)]
    else:
        kind, place = row["check"]["subject"], subject["name"]
        groups = [({"type": kind, "name": "%s/%s" % (place, reading["name"]), "region": plan["region"]}, [reading])
                  for reading in readings]
    return [_judged(row, about, some, error, seconds, collected, plan, judges, limit) for about, some in groups]


def _judged(row, subject, readings, error, seconds, collected, plan, judges, limit):
    started = time.monotonic()
    offending = []
    if error:
        status, expected, actual, message = ERROR, "", "not read: " + error, "could not be read: " + error
    else:
        try:
            known = names(row, plan["context"])
            if row["check"].get("judge"):
                verdict = judges[row["check"]["judge"]](readings, known)
            else:
                verdict = expect.judge(readings, expect.resolve(row["check"]["expect"], known))
            status, expected, actual, message, offending = verdict
        except expect.Unreadable as problem:
            status, expected, actual, message = ERROR, "", "not judged", "could not be judged: %s" % problem
        except Exception as problem:
            status, expected, actual = ERROR, "", "not judged"
            message = "could not be judged: %s: %s" % (type(problem).__name__, problem)
    return result(row, subject, status, expected, actual, message, {
        "collected_at": collected, "collector": row["check"]["probe"], "data": bounded(readings, limit, offending)},
        (seconds + time.monotonic() - started) * 1000)


def result(row, subject, status, expected="", actual="", message="", evidence=None, milliseconds=0.0):
    return {
        "control": row["id"], "subject": subject, "status": status, "expected": _short(expected), "actual": _short(actual),
        "message": _short(message), "evidence": evidence or {"collected_at": utc(), "collector": "none", "data": None},
        "parameters": row["params"], "overridden": row["overridden"], "duration_ms": round(milliseconds, 2)}


def _short(words):
    words = mask.text(words)
    return words if len(words) <= TEXT else words[:TEXT - 3] + "..."


def bounded(readings, limit, first=()):
    """The readings masked and at most `limit` bytes of JSON: lists and texts are cut, those of the names in `first` come first."""
    items, letters = 200, 2000
    data = sorted(readings, key=lambda row: row["name"] not in first) if first else readings
    if len(json.dumps(data)) > limit:
        # Thousands of objects are not masked one by one to be thrown away; texts stay whole until they are masked.
        data = _cut(data, items, 1 << 62)
    data = mask.data(data)
    while len(json.dumps(data)) > limit:
        if items <= 1 and letters <= 20:
            return {"cut": "larger than %d bytes" % limit, "readings": len(readings)}
        items, letters = max(items // 2, 1), max(letters // 2, 20)
        data = _cut(data, items, letters)
    return data


def _cut(value, items, letters):
    if isinstance(value, dict):
        kept = {key: _cut(item, items, letters) for key, item in list(value.items())[:max(items, 12)]}
        return dict(kept, **{"...": "%d more" % (len(value) - len(kept))}) if len(kept) < len(value) else kept
    if isinstance(value, list):
        kept = [_cut(item, items, letters) for item in value[:items]]
        return [*kept, "... %d more" % (len(value) - items)] if len(value) > items else kept
    return value[:letters] + "..." if isinstance(value, str) and len(value) > letters + 3 else value
