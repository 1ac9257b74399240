"""promtool tests for every SLO: what fires each alert, what leaves it silent, and that it resolves.

What is asked is `max by (tier) (ALERTS{...})` of the SLO, so an answer is complete: tiers that are not named must be silent.
promtool evaluates every rule of the file in every test, so many SLOs in one rule file cost the square of their number: give each
SLO a rule file of its own.
- everything fails after an hour without errors: the fastest tier fires within the time that its factor promises, and resolves
- for each tier: errors just fast enough for it and not for a faster one
- errors within the budget, then no traffic at all: silent
- nothing is counted: the absence alert, which resolves when counting starts
- few events, all failed: pages stay silent (min_events)
- the budget is used up (calendar months, budget_alert)"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.slo.model import Slo
from dashboards.slo.reader import SloError
from dashboards.slo.rules import ABSENT, EXHAUSTED, groups
from dashboards.slo.series import Mixture, Underivable, mixture
from dashboards.slo.windows import DAY, Tier, number

EVENTS = 600.0  # a minute
STEP = 60  # seconds between samples and evaluations
LONGEST_MONTH_TEST = 3 * DAY  # a budget of more failing time than this is not played through

TestFile = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Phase:
    """So many minutes with a share of bad events (0 to 1; None: no series at all) and so many events a minute."""

    minutes: int
    bad: float | None
    events: float = EVENTS


def proofs(slos: Slo | Iterable[Slo], rule_file: str) -> TestFile:
    """A promtool test file for the rules that `groups` makes by default. `rule_file` is written as rule_files, relative to the test.

    LogQL SLOs have none here (see loki_proofs). Raises SloError where the series cannot be derived and x-psf.proof is not given."""
    tests: list[dict[str, Any]] = []
    order: list[str] = []
    for slo in [slos] if isinstance(slos, Slo) else slos:
        tests += proof_tests(slo)
        order += [group["name"] for group in groups(slo)]
    # Without an order promtool evaluates the groups of one moment in any, and alerts may see the recordings of the moment before.
    return {"rule_files": [rule_file], "evaluation_interval": "1m", "group_eval_order": order, "tests": tests}


def proof_tests(slo: Slo) -> list[dict[str, Any]]:
    """The tests of one SLO."""
    if slo.source == "loki" or not slo.alert:
        return []
    try:
        made = mixture(slo)
    except Underivable as error:
        raise SloError(
            f"{slo.file}: slo {slo.id}: its proof cannot be derived: {error}; say which series one good and one bad event add to:\n"
            "      x-psf:\n        proof:\n          good: {'requests_total{code=\"200\"}': 1}\n"
            "          bad: {'requests_total{code=\"500\"}': 1}"
        ) from error
    return _Proofs(slo, made).all()


class _Proofs:
    """The tests of one SLO, from its mixture of series."""

    def __init__(self, slo: Slo, made: Mixture):
        self.slo, self.made = slo, made
        self.events = max(EVENTS, float(slo.min_events))
        off = {severity for severity, alert in (("page", slo.page), ("ticket", slo.ticket)) if alert.disabled}
        self.tiers = [tier for tier in slo.tiers if tier.severity not in off]
        if self.tiers and min(tier.short for tier in self.tiers) < 2 * STEP:
            raise SloError(
                f"{slo.file}: slo {slo.id}: a window shorter than 2m cannot be proven at one sample a minute; lengthen shortWindow"
            )

    def all(self) -> list[dict[str, Any]]:
        tests = []
        if self.tiers:
            tests += [self.failure(), self.within(), *self.burns()]
            if self.slo.min_events and any(tier.severity == "page" for tier in self.tiers):
                tests.append(self.few())
        if self.slo.absent != "off":
            tests.append(self.absence())
        if self.slo.budget_alert:
            tests += self.exhausted()
        return tests

    # -- situations ----------------------------------------------------------------------------------------------------
    def failure(self) -> dict[str, Any]:
        tier = max(self.tiers, key=lambda each: (each.factor, -each.hold))
        before, fails = tier.long // STEP, self.detection(tier)
        calm = max(each.short for each in self.tiers if each.severity == tier.severity) // STEP + 3
        phases = [Phase(before, 0.0, self.events), Phase(fails, 1.0, self.events), Phase(calm + 1, 0.0, self.events)]
        of = f'sloth_severity="{tier.severity}"'
        return self.test(
            f"everything fails: {tier.name} within {fails}m",
            phases,
            [(before - 1, "", []), (before + fails, f'tier="{tier.name}"', [tier.name]), (before + fails + calm, of, [])],
        )

    def detection(self, tier: Tier) -> int:
        """Minutes until a tier fires when everything fails from now on: the long window must fill, the alert must hold, and both the
        sample and the evaluation may be a minute late."""
        return math.ceil(tier.factor * self.slo.budget * tier.long / STEP) + tier.hold // STEP + 3

    def within(self) -> dict[str, Any]:
        """Silent with errors within the budget for as long as any tier could want, and then without any traffic."""
        slowest = min(tier.factor for tier in self.tiers)
        ratio = slowest * self.slo.budget / 2 if self.made.linear else 0.0
        end = max(tier.hold for tier in self.tiers) // STEP + 6
        calm, idle = Phase(end + 1, ratio, self.events), self.slo.absent_for // STEP + 10
        if self.made.gauge:
            return self.test("errors within the budget: silent", [calm], [(end, "", [])])
        return self.test(
            "errors within the budget, then no traffic: silent", [calm, Phase(idle + 1, 0.0, 0.0)], [(end, "", []), (end + idle, "", [])]
        )

    def burns(self) -> list[dict[str, Any]]:
        """For each tier errors that set it off, and not a faster one."""
        factors = sorted({tier.factor for tier in self.tiers})
        tests = []
        for factor, faster in zip(factors, [*factors[1:], 1 / self.slo.budget], strict=True):
            ratio = self.slo.budget * (factor + faster) / 2 if self.made.linear else 1.0
            firing = [tier for tier in self.tiers if tier.factor == factor] if self.made.linear else self.tiers
            silent = [tier.name for tier in self.tiers if tier.factor > factor] if self.made.linear else []
            end = max(tier.hold for tier in firing) // STEP + 6
            names = [tier.name for tier in firing]
            what = f"the budget burns {number(round(ratio / self.slo.budget, 2))} times too fast: {', '.join(names)}"
            tests.append(self.test(what, [Phase(end + 1, ratio, self.events)], [(end, f'tier=~"{"|".join([*names, *silent])}"', names)]))
            if not self.made.linear:
                break
        return tests

    def few(self) -> dict[str, Any]:
        pages = [tier for tier in self.tiers if tier.severity == "page"]
        end = max(tier.hold for tier in pages) // STEP + 6
        rate = self.slo.min_events / (max(tier.long for tier in pages) / STEP) / 2
        return self.test("few events, all failed: no page", [Phase(end + 1, 1.0, rate)], [(end, 'sloth_severity="page"', [])])

    def absence(self) -> dict[str, Any]:
        gone = self.slo.absent_for // STEP + 4
        return self.test(
            "nothing is counted", [Phase(gone, None), Phase(6, 0.0, self.events)], [(gone - 1, "", ["absent"]), (gone + 5, "", [])]
        )

    def exhausted(self) -> list[dict[str, Any]]:
        of = 'tier="budget"'
        if not self.slo.period.month:
            return [self.test("the budget is used up", [Phase(11, 1.0, self.events)], [(10, of, ["budget"])])]
        # promtool's clock starts with January 1970, a month of 31 days.
        minutes = self.slo.budget * 31 * DAY / STEP
        if minutes * STEP > LONGEST_MONTH_TEST:
            return []
        late, early = math.ceil(minutes * 1.1) + 10, math.floor(minutes * 0.9)
        return [
            self.test("the budget of the month is used up", [Phase(late + 1, 1.0, self.events)], [(early, of, []), (late, of, ["budget"])])
        ]

    # -- promtool's form -----------------------------------------------------------------------------------------------
    def test(self, what: str, phases: Sequence[Phase], asked: Sequence[tuple[int, str, Sequence[str]]]) -> dict[str, Any]:
        slo = self.slo
        names = f"{slo.alert}({ABSENT}|{EXHAUSTED})?"
        checks = []
        for minute, more, firing in asked:
            of = f'alertname=~"{names}", alertstate="firing", sloth_id="{slo.id}"' + (f", {more}" if more else "")
            checks.append(
                {
                    "expr": f"max by (tier) (ALERTS{{{of}}})",
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": f'{{tier="{name}"}}', "value": 1} for name in sorted(firing)],
                }
            )
        return {
            "interval": "1m",
            "name": f"{slo.id}: {what}",
            "promql_expr_test": checks,
            "input_series": [{"series": name, "values": self.values(name, phases)} for name in self.made.series],
        }

    def values(self, name: str, phases: Sequence[Phase]) -> str:
        """promtool's notation of a series through the phases, one sample a minute from minute 0."""
        good, bad = self.made.good.get(name, 0.0), self.made.bad.get(name, 0.0)
        parts, level = [], 0.0
        for index, phase in enumerate(phases):
            count = phase.minutes
            if phase.bad is None:
                parts.append(f"_x{count}")
                continue
            share = (1 - phase.bad) * good + phase.bad * bad
            if self.made.gauge:
                parts.append(f"{_plain(share)}+0x{count - 1}")
                continue
            step = round(share * phase.events, 6)
            start = level if index == 0 else level + step
            parts.append(f"{_plain(start)}+{_plain(step)}x{count - 1}")
            level = start + step * (count - 1)
        return " ".join(parts)


def _plain(value: float) -> str:
    """A number as promtool's notation of series reads it: no exponent."""
    return f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def loki_proofs(slo: Slo, rule_groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the bundle's loki_tests need for the LogQL alerts of an SLO (its groups for Loki): the lines that fire each tier, from
    x-psf.proof. Raises SloError when it is not given."""
    rules = [rule for group in rule_groups for rule in group["rules"] if "alert" in rule]
    if not rules:
        return []
    if slo.proof is None:
        raise SloError(
            f"{slo.file}: slo {slo.id}: lines for a proof cannot be derived from LogQL; give them:\n"
            "      x-psf:\n        proof:\n          stream: {service_name: web}\n          good: ['{\"status\": 200}']\n"
            "          bad: ['{\"status\": 500}']"
        )
    streams = {"labels": dict(slo.proof.stream)}
    good, bad = {**streams, "lines": list(slo.proof.good_lines)}, {**streams, "lines": list(slo.proof.bad_lines)}
    return [
        {
            "alert": rule["alert"],
            "expr": rule["expr"],
            "for": rule.get("for", "0s"),
            "fires": [] if rule["labels"]["tier"] == "absent" else [bad],
            "silent": [good],
        }
        for rule in rules
    ]
