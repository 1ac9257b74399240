"""From an SLO to rules: recordings and meta recordings exactly as Sloth 0.16.0 makes them, and alerts as it does (`sloth`) or ours.

Ours: one alert for each pair of windows, so that the labels say which one fired (tier, short, long) and a faster one can inhibit
the slower; `for`; an alert when the SLI cannot be measured; severity, system, owner; links. All in data; `render` is the text.

LogQL. Loki's ruler can record only by remote write into a Prometheus. Without that (the default) each alert asks Loki for both
windows itself, pages every minute and tickets every five, and there are no recordings and no error budget. With
`loki_remote_write` the recordings are Loki rules under Sloth's names, and budget, meta recordings and alerts are Prometheus rules as for
any other SLO.

Calendar months (UTC). A range in PromQL has a fixed length, so the samples are marked with their month instead: a recording copies
the error ratio of the shortest window with the label calendar_month (count_values makes "202611" from year() and month()), and the
mean of the current month is taken over the samples of the last 32 days that carry the current month. Sloth's burn rate is that mean
over the budget, and what remains is 1 - burn rate x the share of the month that has passed. Time that was not measured, and time without
traffic, counts as the mean of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import promql_parser

from dashboards.slo import logql
from dashboards.slo.model import Alerting, Slo, fill
from dashboards.slo.reader import SloError, block, scalar
from dashboards.slo.windows import DAY, NAMES, Tier, duration, number

Link = Callable[[Slo, str], str]
Backend = Literal["prometheus", "loki"]

# The release of Sloth whose format this is; consumers of sloth_slo_info read it.
SLOTH_VERSION = "v0.16.0"
SLOTH_TITLE = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is too fast."
SUBJECT = "{{ $labels.sloth_service }} {{ $labels.sloth_slo }}: "
SEVERITY = {"page": "critical", "ticket": "warning"}
RATIO = "slo:sli_error:ratio_rate"
MEASURED = "slo:sli_error_measured:ratio_rate"
MONTH_RATIO = "slo:sli_error:ratio_month"
BUDGET, BURN, REMAINING = "slo:error_budget:ratio", "slo:period_burn_rate:ratio", "slo:period_error_budget_remaining:ratio"
THIS_MONTH = 'count_values("calendar_month", year() * 100 + month())'
MONTH_PASSED = "(day_of_month() - 1 + time() % 86400 / 86400) / days_in_month()"
ABSENT, EXHAUSTED = "Absent", "BudgetExhausted"  # suffixes of the names of these alerts


@dataclass(frozen=True, slots=True)
class Options:
    """How rules are made. sloth: as Sloth does, and nothing more. system, owner: labels of all alerts ("" for none). The links get
    the SLO and the alert's name and return a URL, in which Prometheus' templates may stand."""

    sloth: bool = False
    system: str = ""
    owner: str = ""
    runbook_url: Link | None = None
    dashboard_url: Link | None = None
    loki_remote_write: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A link made from text in which {alert}, {alert_lower}, {id}, {service} and {slo} are put in."""

    text: str

    def __call__(self, slo: Slo, alert: str) -> str:
        text = self.text
        for key, value in (
            ("{alert}", alert),
            ("{alert_lower}", alert.lower()),
            ("{id}", slo.id),
            ("{service}", slo.service),
            ("{slo}", slo.name),
        ):
            text = text.replace(key, value)
        return text


Rule = dict[str, Any]
Group = dict[str, Any]


def groups(slo: Slo, options: Options = Options(), backend: Backend = "prometheus") -> list[Group]:
    """The rule groups of one SLO as Prometheus (or Loki's ruler) reads them; empty where it has none for that backend."""
    if options.sloth:
        _refuse_sloth(slo)
    made: list[tuple[str, int, list[Rule]]] = []
    if slo.source == "loki" and not options.loki_remote_write:
        if backend == "loki":
            alerts = _loki_alerts(slo, options)
            made = [
                (f"sloth-slo-alerts-{severity}-{slo.id}", interval, alerts[severity])
                for severity, interval in (("page", 60), ("ticket", 300))
            ]
    elif backend == "loki":
        if slo.source == "loki":
            made = [(f"sloth-slo-sli-recordings-{slo.id}", 60, _window_rules(slo))]
    else:
        sli = ([] if slo.source == "loki" else _window_rules(slo)) + _period_rules(slo, options.sloth)
        alerts_here = _sloth_alerts(slo) if options.sloth else _alerts(slo, options)
        made = [
            (f"sloth-slo-sli-recordings-{slo.id}", 0, sli),
            (f"sloth-slo-meta-recordings-{slo.id}", 0, _meta_rules(slo)),
            (f"sloth-slo-alerts-{slo.id}", 0, alerts_here),
        ]
    return [
        {"name": name, **({"interval": duration(interval)} if interval else {}), "rules": rules} for name, interval, rules in made if rules
    ]


def alert_names(slo: Slo, options: Options = Options()) -> list[str]:
    """The names of the alerts of an SLO, each once; each needs a section in a runbook."""
    found = [
        rule["alert"]
        for backend in ("prometheus", "loki")
        for group in groups(slo, options, backend)
        for rule in group["rules"]
        if "alert" in rule
    ]
    return list(dict.fromkeys(found))


def _refuse_sloth(slo: Slo) -> None:
    reason = "LogQL queries" if slo.source == "loki" else "calendar months" if slo.period.month else ""
    if reason:
        raise SloError(f"{slo.file}: slo {slo.id}: Sloth has no {reason}; leave out --sloth, or this SLO")


def _selector(slo: Slo) -> str:
    return f'{{sloth_id="{slo.id}", sloth_service="{slo.service}", sloth_slo="{slo.name}"}}'


# -- recordings --------------------------------------------------------------------------------------------------------
def _windows(tiers: Sequence[Tier]) -> list[int]:
    return sorted({window for tier in tiers for window in (tier.short, tier.long)})


def _base(slo: Slo) -> str:
    """The window from which long periods are made: the short one of the fastest tier."""
    return duration(slo.tiers[0].short)


def _window_rules(slo: Slo) -> list[Rule]:
    rules = []
    for window in _windows(slo.tiers):
        text = duration(window)
        labels = {"sloth_id": slo.id, "sloth_service": slo.service, "sloth_slo": slo.name, "sloth_window": text, **slo.labels}
        expr = f"({fill(slo.ratio, text)})" if slo.ratio else f"({fill(slo.error, text)})\n/\n({fill(slo.total, text)})\n"
        rules.append({"record": RATIO + text, "expr": expr, "labels": labels})
    return rules


def _period_rules(slo: Slo, sloth: bool) -> list[Rule]:
    """The error ratio over the period, from the recordings of the shortest window."""
    of = _selector(slo)
    base = _base(slo)
    labels = {**slo.identity, "sloth_window": slo.period.text, **slo.labels}
    period = slo.period.text
    if sloth or not (slo.period.month or slo.min_events):
        series = f"{RATIO}{base}{of}[{period}]"
        return [
            {
                "record": RATIO + period,
                "expr": f"sum_over_time({series})\n/ ignoring (sloth_window)\ncount_over_time({series})\n",
                "labels": labels,
            }
        ]
    # Without traffic the ratio is 0/0, and one NaN in a range makes its sum NaN. So only what was measured is copied and summed.
    sample = MEASURED + base
    copy = {"record": sample, "expr": f"{RATIO}{base}{of} >= 0", "labels": {**labels, "sloth_window": base, **slo.labels}}
    if not slo.period.month:
        series = f"{sample}{of}[{period}]"
        return [copy, {"record": RATIO + period, "expr": f"sum_over_time({series})\n/\ncount_over_time({series})\n", "labels": labels}]
    copy["expr"] = f"({copy['expr']})\n* on () group_left (calendar_month)\n{THIS_MONTH}\n"
    return [
        copy,
        {
            "record": MONTH_RATIO,
            "labels": labels,
            "expr": (
                f"max without (calendar_month) (\n  sum_over_time({sample}{of}[32d])\n  /\n  count_over_time({sample}{of}[32d])\n"
                f"  and on (calendar_month)\n  {THIS_MONTH}\n)\n"
            ),
        },
    ]


def _meta_rules(slo: Slo) -> list[Rule]:
    of = _selector(slo)
    labels = {**slo.identity, **slo.labels}
    objective = number(slo.objective / 100)
    over = f"\n/ on(sloth_id, sloth_slo, sloth_service) group_left\n{BUDGET}{of}\n"
    month = slo.period.month
    remaining = f"1 - {BURN}{of}"
    return [
        {"record": "slo:objective:ratio", "expr": f"vector({objective})", "labels": labels},
        {"record": BUDGET, "expr": f"vector(1-{objective})", "labels": labels},
        {
            "record": "slo:time_period:days",
            "expr": "days_in_month()" if month else f"vector({number(slo.period.seconds / DAY)})",
            "labels": labels,
        },
        {"record": "slo:current_burn_rate:ratio", "expr": f"{RATIO}{_base(slo)}{of}{over}", "labels": labels},
        {"record": BURN, "expr": f"{MONTH_RATIO if month else RATIO + slo.period.text}{of}{over}", "labels": labels},
        {
            "record": REMAINING,
            "expr": f"1 - {BURN}{of} \n* on () group_left ()\n({MONTH_PASSED})\n" if month else remaining,
            "labels": labels,
        },
        {
            "record": "sloth_slo_info",
            "expr": "vector(1)",
            "labels": {
                **labels,
                "sloth_version": SLOTH_VERSION,
                "sloth_mode": "cli-gen-prom",
                "sloth_spec": "prometheus/v1",
                "sloth_objective": format(Decimal(number(slo.objective)), "f"),
            },
        },
    ]


# -- alerts ------------------------------------------------------------------------------------------------------------
def _sloth_alerts(slo: Slo) -> list[Rule]:
    of = _selector(slo)
    rules: list[Rule] = []
    for severity, alert in (("page", slo.page), ("ticket", slo.ticket)):
        tiers = [tier for tier in slo.tiers if tier.severity == severity]
        if alert.disabled or not tiers:
            continue
        pairs = []
        for tier in tiers:
            limit = f"({number(tier.factor)} * {number(slo.budget)})"
            pairs.append(
                "(\n"
                + "    and\n".join(
                    f"    max({RATIO}{duration(window)}{of} > {limit}) without (sloth_window)\n" for window in (tier.short, tier.long)
                )
                + ")\n"
            )
        rules.append(
            {
                "alert": slo.alert,
                "expr": "or\n".join(pairs),
                "labels": {"sloth_severity": severity, **alert.labels},
                "annotations": {
                    "title": f"({severity}) " + SLOTH_TITLE,
                    "summary": "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is over expected.",
                    **alert.annotations,
                },
            }
        )
    return rules


def _alerts(slo: Slo, options: Options) -> list[Rule]:
    of = _selector(slo)
    rules: list[Rule] = []
    for tier, alert in _tiers(slo):
        limit = f"({number(tier.factor)} * {number(slo.budget)})"
        short, long = duration(tier.short), duration(tier.long)
        expr = f"max({RATIO}{short}{of} > {limit}) without (sloth_window)\nand\nmax({RATIO}{long}{of} > {limit}) without (sloth_window)\n"
        if slo.min_events and tier.severity == "page" and slo.source == "prometheus":
            known = ", ".join([*slo.identity, *slo.labels])
            expr = f"(\n{_indent(expr)})\nand ignoring ({known})\n{_enough(slo, tier)}\n"
        rules.append(_tier_alert(slo, tier, alert, expr, options, {}))
    rules += _absent_alerts(slo, options)
    if slo.budget_alert and slo.alert:
        what = "this calendar month (UTC)" if slo.period.month else f"the last {slo.period.text}"
        rules.append(
            _rule(
                slo,
                slo.alert + EXHAUSTED,
                f"{REMAINING}{of} <= 0",
                0,
                "ticket",
                {"tier": "budget"},
                options,
                slo.ticket,
                SUBJECT + "the error budget is used up, {{ $value | humanizePercentage }} of it remains",
                f"More than {number(slo.objective)} % was promised for {what} and can no longer be kept. {slo.description}",
            )
        )
    return rules


def _tiers(slo: Slo) -> list[tuple[Tier, Alerting]]:
    by = {"page": slo.page, "ticket": slo.ticket}
    return [(tier, by[tier.severity]) for tier in slo.tiers if not by[tier.severity].disabled]


def _enough(slo: Slo, tier: Tier) -> str:
    """Whether the long window saw events enough to judge by."""
    factor = slo.events_factor(tier.long) or 1.0
    return f"({fill(slo.total, duration(tier.long))}){'' if factor == 1 else f' * {number(factor)}'} >= {slo.min_events}"


def _tier_alert(slo: Slo, tier: Tier, alert: Alerting, expr: str, options: Options, labels: Mapping[str, str]) -> Rule:
    short, long = duration(tier.short), duration(tier.long)
    gone = "the month" if slo.period.month else slo.period.text
    return _rule(
        slo,
        slo.alert,
        expr,
        tier.hold,
        tier.severity,
        {**labels, "tier": tier.name, "short": short, "long": long},
        options,
        alert,
        f"{{{{ $labels.sloth_service }}}} {{{{ $labels.sloth_slo }}}}: {{{{ $value | humanizePercentage }}}} of events failed in {short}, "
        f"the error budget burns more than {number(round(tier.factor, 3))} times too fast",
        f"Over {short} and over {long}. At {number(round(tier.factor, 3))} times the budget of {gone} is gone in "
        f"{_roughly(slo.period.seconds / tier.factor)}. The objective is {number(slo.objective)} %. {slo.description}",
    )


def _rule(
    slo: Slo,
    name: str,
    expr: str,
    hold: int,
    severity: str,
    labels: Mapping[str, str],
    options: Options,
    alert: Alerting,
    summary: str,
    description: str,
) -> Rule:
    own = {"sloth_severity": severity, "severity": SEVERITY[severity], **labels}
    own |= {key: value for key, value in (("system", options.system), ("owner", options.owner)) if value}
    notes = {
        "title": f"({severity}) {SUBJECT}{_TITLES.get(labels['tier'], 'the error budget burns too fast')}",
        "summary": summary,
        "description": description.strip(),
    }
    for key, link in (("runbook_url", options.runbook_url), ("dashboard_url", options.dashboard_url)):
        if link is not None:
            notes[key] = link(slo, name)
    return {
        "alert": name,
        "expr": expr,
        **({"for": duration(hold)} if hold else {}),
        "labels": {**own, **alert.labels},
        "annotations": {**notes, **alert.annotations},
    }


_TITLES = {"absent": "it cannot be measured", "budget": "the error budget is used up"}


def _absent_alerts(slo: Slo, options: Options) -> list[Rule]:
    """The SLI cannot be measured. For events that is when nothing is counted at all: an error ratio that is missing while events are
    counted means that no error was ever counted, and is no fault. For a raw ratio it is when its recording is missing."""
    if slo.absent == "off" or not slo.alert:
        return []
    short = _base(slo)
    if slo.source == "loki":
        expr = f"absent_over_time({logql.selector(slo.total or slo.ratio)}[{short}])"
    else:
        expr = f"absent({fill(slo.total, short)})" if slo.total else f"absent({RATIO}{short}{_selector(slo)})"
    alert = slo.page if slo.absent == "page" else slo.ticket
    return [
        _rule(
            slo,
            slo.alert + ABSENT,
            expr,
            slo.absent_for,
            slo.absent,
            {**slo.identity, **slo.labels, "tier": "absent"},
            options,
            alert,
            f"{slo.service} {slo.name}: nothing is counted ({{{{ $value }}}} query without a result); "
            "whether the objective is kept cannot be known",
            f"The query of the SLI finds no series: its targets are down or gone, or a metric or label has another name. {slo.description}",
        )
    ]


def _loki_alerts(slo: Slo, options: Options) -> dict[str, list[Rule]]:
    """Alerts straight in LogQL, by severity."""
    found: dict[str, list[Rule]] = {"page": [], "ticket": []}
    labels = {**slo.identity, **slo.labels}
    for tier, alert in _tiers(slo):
        limit = number(float(f"{tier.factor * slo.budget:.12g}"))
        parts = []
        for window in (duration(tier.short), duration(tier.long)):
            ratio = f"({fill(slo.ratio, window)})" if slo.ratio else f"(({fill(slo.error, window)}) / ({fill(slo.total, window)}))"
            parts.append(f"({ratio} > {limit})\n")
        if slo.min_events and tier.severity == "page":
            parts.append(f"({_enough(slo, tier)})\n")
        found[tier.severity].append(_tier_alert(slo, tier, alert, "and\n".join(parts), options, labels))
    for rule in _absent_alerts(slo, options):
        found[slo.absent].append(rule)
    return found


def _indent(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def _roughly(length: float) -> str:
    return f"{length / DAY:.1f} days" if length >= 2 * DAY else f"{length / 3600:.1f} hours"


# -- Alertmanager ------------------------------------------------------------------------------------------------------
def inhibitions(slos: Iterable[Slo]) -> list[dict[str, Any]]:
    """Alertmanager's inhibit_rules: while a faster tier of an SLO fires, its slower tiers are not notified.

    One rule for each tier that has slower ones, for all SLOs at once: `equal` holds the id, the region and every label by which an SLI
    of these SLOs is split (sum by (route)), so one route does not silence another."""
    slos = list(slos)
    if not slos:
        return []
    split = sorted({label for slo in slos for label in grouping(slo)} - {"region"})
    used = {tier.name for slo in slos for tier, _alert in _tiers(slo)}
    order = [name for name in NAMES if name in used]
    return [
        {
            "source_matchers": ['sloth_id!=""', f'tier="{name}"'],
            "target_matchers": ['sloth_id!=""', f'tier=~"{"|".join(order[index + 1 :])}"'],
            "equal": ["sloth_id", "region", *split],
        }
        for index, name in enumerate(order[:-1])
    ]


def grouping(slo: Slo) -> list[str]:
    """The labels by which the SLI of a SLO is split: those of the `by` of its outermost aggregations."""
    if slo.source == "loki":
        return []
    found: list[str] = []

    def outer(node: Any) -> None:
        if isinstance(node, promql_parser.AggregateExpr):
            if node.modifier is not None and node.modifier.type == promql_parser.AggModifierType.By:
                found.extend(node.modifier.labels)
        elif isinstance(node, promql_parser.BinaryExpr):
            outer(node.lhs)
            outer(node.rhs)
        elif isinstance(node, promql_parser.ParenExpr | promql_parser.UnaryExpr):
            outer(node.expr)
        elif isinstance(node, promql_parser.Call):
            for argument in node.args:
                outer(argument)

    for query in filter(None, (slo.error, slo.total, slo.ratio)):
        outer(promql_parser.parse(fill(query, "1m")))
    return list(dict.fromkeys(found))


# -- text --------------------------------------------------------------------------------------------------------------
HEAD = "# Made from SLO files; change those, not this.\n"


def render(slos: Iterable[Slo], options: Options = Options(), backend: Backend = "prometheus") -> str:
    """The rule file of these SLOs: YAML text, the same bytes for the same SLOs and options."""
    return assemble(fragment(slos, options, backend))


def assemble(body: str) -> str:
    """A rule file of the text of its groups."""
    return f"{HEAD}groups:\n{body}" if body else f"{HEAD}groups: []\n"


def fragment(slos: Iterable[Slo], options: Options = Options(), backend: Backend = "prometheus") -> str:
    """The groups of these SLOs as text. A YAML library takes longer for this than all the rest; the shape is known, so it is written."""
    out: list[str] = []
    append = out.append
    for slo in slos:
        known: dict[str, str] = {}  # text to scalar, and the blocks of dicts that several rules share
        shared: dict[int, tuple[dict[str, str], str]] = {}
        for group in groups(slo, options, backend):
            append(f"  - name: {scalar(group['name'])}\n")
            if "interval" in group:
                append(f"    interval: {group['interval']}\n")
            append("    rules:\n")
            for rule in group["rules"]:
                kind = "record" if "record" in rule else "alert"
                append(f"      - {kind}: {scalar(rule[kind])}\n        expr: {block(rule['expr'], '          ')}\n")
                if "for" in rule:
                    append(f"        for: {rule['for']}\n")
                append(_pairs("labels", rule["labels"], known, shared))
                if kind == "alert":
                    append(_pairs("annotations", rule["annotations"], known, shared))
    return "".join(out)


def _pairs(key: str, values: dict[str, str], known: dict[str, str], shared: dict[int, tuple[dict[str, str], str]]) -> str:
    """Labels or annotations of a rule. `shared` keeps the dict beside its text, so that its id stays its own."""
    kept = shared.get(id(values))
    if kept is not None:
        return kept[1]
    text = f"        {key}:\n"
    for name, value in values.items():
        written = known.get(value)
        if written is None:
            written = known[value] = scalar(value)
        text += f"          {scalar(name) if name in _ODD else name}: {written}\n"
    shared[id(values)] = (values, text)
    return text


_ODD = frozenset(
    word for name in ("y", "n", "yes", "no", "on", "off", "true", "false", "null") for word in (name, name.title(), name.upper())
)
