# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of log lines, searched for personal data. Only counts and the streams leave this probe, never a line.

Right: to query Loki (the host's certificate).
`query` is a LogQL stream selector with filters, `lines` how many of the last are looked at, `window` how far back in seconds.
`patterns`: kind to regular expression; a kind "card" must pass Luhn's test too, a kind "iban" the test of ISO 13616.
`ignore`: regular expressions of hits that do not count.
One reading for each server: {"lines": number looked at, "hits": [{"name": kind, "count", "streams": [text]}]}.
"""

from __future__ import annotations

import re
import time

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"query": True, "lines": True, "window": True, "patterns": True, "ignore": False}
STREAMS = 5


def read(world, query, lines, window, patterns, ignore=()):
    try:
        compiled = {kind: re.compile(pattern) for kind, pattern in patterns.items()}
        ignored = [re.compile(pattern) for pattern in ignore]
    except (re.error, TypeError) as error:
        raise ReadError("patterns, ignore: not a regular expression: %s" % error) from error
    return [reading(row["host"], _sample, world, row["url"], query, lines, window, compiled, ignored) for row in world.servers("loki")]


def luhn(text):
    digits = [int(letter) for letter in text if letter.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) if index % 2 else digit for index, digit in enumerate(reversed(digits))]
    return 12 < len(digits) < 20 and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def iban(text):
    text = re.sub(r"\s", "", text).upper()
    number = "".join(str(int(letter, 36)) for letter in text[4:] + text[:4] if letter.isalnum())
    return 14 < len(text) < 35 and number.isdigit() and int(number) % 97 == 1


# A text without this letter holds no hit, which is faster to see than by the expression.
NEEDLES = {"email": "@"}
PROOFS = {"card": luhn, "iban": iban}


def _sample(world, url, query, lines, window, patterns, ignored):
    now = time.time()
    answer = world.ask_json(url + "/loki/api/v1/query_range", {
        "query": query, "limit": lines, "start": int((now - window) * 1e9), "end": int(now * 1e9), "direction": "backward"})
    looked, hits = 0, {kind: {"name": kind, "count": 0, "streams": []} for kind in patterns}
    for stream in answer["data"]["result"]:
        labels = ", ".join("%s=%s" % (key, stream["stream"][key]) for key in ("host", "service_name") if key in stream["stream"])
        for _moment, line in (row[:2] for row in stream["values"]):
            looked += 1
            for kind, pattern in patterns.items():
                if NEEDLES.get(kind, "") not in line:
                    continue
                proof = PROOFS.get(kind, bool)
                count = sum(1 for found in pattern.finditer(line) if proof(found.group(0))
                            and not any(row.search(found.group(0)) for row in ignored))
                hits[kind]["count"] += count
                if count and labels not in hits[kind]["streams"] and len(hits[kind]["streams"]) < STREAMS:
                    hits[kind]["streams"].append(labels)
    if not looked:
        raise ReadError("no line matches %s" % query)
    return {"lines": looked, "hits": [hits[kind] for kind in sorted(hits)]}
