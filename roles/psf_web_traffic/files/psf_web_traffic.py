# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A steady few requests a second over all routes of the reference service, so that there is something to observe.

Bounded: at most MAX_RATE a second, at most WORKERS at once (what is due while all are busy is left out, not queued), and
`--total` altogether. Only the standard library. Each minute it writes one JSON line with what was answered.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import random
import ssl
import sys
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

MAX_RATE = 50.0
MAX_TOTAL = 10000000
WORKERS = 8
TIMEOUT = 10
# A connection is made anew now and then, with the certificate as it then is.
REQUESTS_A_CONNECTION = 200
SUMMARY_SECONDS = 60
POPULAR = 8
PRODUCTS = 200
PAGES = ["/", "/products", "/products/:id", "/cart", "/checkout", "/account", "/a/page/that/is/not/known"]
# Median, in what a browser reports: milliseconds, and a score for CLS.
VITALS = {"LCP": 1700, "INP": 110, "FCP": 1000, "TTFB": 280, "CLS": 0.05}


def product(chance):
    """Few products are asked for often, as in a shop: most answers can come from a cache."""
    most = POPULAR if chance.random() < 0.95 else PRODUCTS
    return "p-%d" % chance.randint(1, most)


def vital(chance):
    name = chance.choice(sorted(VITALS))
    return {"name": name, "value": round(VITALS[name] * chance.lognormvariate(0, 0.5), 3), "route": chance.choice(PAGES)}


def order(chance):
    return {"product": product(chance), "quantity": chance.randint(1, 4), "payment": chance.choice(["card", "card", "invoice", "wallet"])}


# Weight, method, path, body: what people do, some of it wrong.
MIX = [
    (25, "GET", lambda chance: "/products?limit=%d" % chance.choice([10, 20, 50]), None),
    (45, "GET", lambda chance: "/products/" + product(chance), None),
    (2, "GET", lambda chance: "/products/p-%d" % chance.randint(PRODUCTS + 1, PRODUCTS + 50), None),
    (1, "GET", lambda chance: "/nowhere/%d" % chance.randint(1, 1000), None),
    (8, "POST", lambda _chance: "/orders", order),
    (1, "POST", lambda _chance: "/orders", lambda _chance: {"product": "p-1", "quantity": 0, "payment": "card"}),
    (2, "POST", lambda _chance: "/signups", lambda _chance: {}),
    (16, "POST", lambda _chance: "/vitals", vital),
]


def choose(chance):
    """(method, path, body as text or None)"""
    _weight, method, path, body = chance.choices(MIX, [row[0] for row in MIX])[0]
    return method, path(chance), json.dumps(body(chance)) if body else None


class Client:
    """Requests over a connection of each thread's own."""

    def __init__(self, args):
        self.args = args
        self.local = threading.local()
        self.counts = collections.Counter()
        self.lock = threading.Lock()

    def send(self, target, method, path, body):
        try:
            key = str(self.ask(target, method, path, body))
        except (OSError, http.client.HTTPException) as error:
            self.local.connections = {}
            key = type(error).__name__
        with self.lock:
            self.counts[key] += 1

    def ask(self, target, method, path, body):
        connections = self.local.__dict__.setdefault("connections", {})
        connection, used = connections.get(target, (None, REQUESTS_A_CONNECTION))
        if used >= REQUESTS_A_CONNECTION:
            if connection:
                connection.close()
            connection, used = self.connect(target), 0
        connections[target] = (connection, used + 1)
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def connect(self, target):
        parts = urllib.parse.urlsplit(target)
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
        context = ssl.create_default_context(cafile=self.args.ca)
        if self.args.certificate:
            context.load_cert_chain(self.args.certificate, self.args.key)
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT, context=context)

    def summary(self):
        with self.lock:
            counts, self.counts = self.counts, collections.Counter()
        return json.dumps({"event": "traffic", "answers": dict(sorted(counts.items()))}, sort_keys=True)


def run(args, client, chance, clock=time.monotonic, sleep=time.sleep, say=lambda text: print(text, flush=True),
        pool_of=ThreadPoolExecutor):
    """Send until the total is reached; returns how many were sent."""
    free = threading.Semaphore(WORKERS)
    sent, due, told = 0, clock(), clock()

    def one(target, request):
        try:
            client.send(target, *request)
        finally:
            free.release()

    with pool_of(WORKERS) as pool:
        while sent < args.total:
            now = clock()
            if now - told >= SUMMARY_SECONDS:
                told = now
                say(client.summary())
            if now < due:
                sleep(due - now)
                continue
            # What was missed is not made up for: no burst after a pause.
            due = max(due, now) + 1 / args.rate
            if free.acquire(blocking=False):
                sent += 1
                pool.submit(one, args.target[sent % len(args.target)], choose(chance))
            else:
                with client.lock:
                    client.counts["left out"] += 1
    say(client.summary())
    return sent


def options(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, required=True, help="requests a second, above 0 and at most %d" % MAX_RATE)
    parser.add_argument("--total", type=int, required=True, help="requests altogether, from 1 to %d" % MAX_TOTAL)
    parser.add_argument("--target", action="append", default=[], help="base URL of a service; may be given again")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--ca")
    parser.add_argument("--check", action="store_true", help="look at the options only")
    args = parser.parse_args(words)
    if not 0 < args.rate <= MAX_RATE:
        parser.error("--rate is %s; it must be above 0 and at most %d" % (args.rate, MAX_RATE))
    if not 0 < args.total <= MAX_TOTAL:
        parser.error("--total is %s; it must be from 1 to %d" % (args.total, MAX_TOTAL))
    if not args.target:
        parser.error("--target is missing: no service of this region is known (is its group psf_web empty?)")
    return args


def main():
    args = options(sys.argv[1:])
    if args.check:
        return
    sent = run(args, Client(args), random.Random())  # noqa: S311 (chooses products, not secrets)
    print(json.dumps({"event": "total reached", "sent": sent}), flush=True)
    # Ending would be a restart, and that a new total.
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
