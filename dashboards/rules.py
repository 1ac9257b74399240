"""Rule groups of Prometheus and Loki from declared alerts, and the tests that prove them."""

from __future__ import annotations

import math
from typing import Any

import yaml

from dashboards import naming, promql
from dashboards.estate import Estate, seconds
from dashboards.load import Content, Loaded
from dashboards.model import Alert, ContentError, LogProof, Proof, require

# A group's tests start at this moment; the value 0 + n x 60 s.
STEP = 60


def threshold_values(loaded: Loaded, estate: Estate) -> dict[str, float]:
    """Thresholds of a system with the estate's own values. An id that no alert has is refused."""
    own = estate.thresholds.get(loaded.system.id, {})
    known = loaded.thresholds()
    unknown = sorted(set(own) - set(known))
    require(not unknown, f"observatory_thresholds.{loaded.system.id}",
            f"{', '.join(unknown)} is not a threshold of this system; it has {', '.join(known) or 'none'}")
    return {**known, **own}


def labels(loaded: Loaded, alert: Alert) -> dict[str, str]:
    return naming.alert_labels(loaded.system.id, alert.severity, alert.owner or loaded.system.owner, alert.elsewhere)


def rule(loaded: Loaded, alert: Alert, estate: Estate) -> dict[str, Any]:
    """An alerting rule. Its links carry the alert's own region, and instance where the summary knows one."""
    where = f"{loaded.system.id}: alert {alert.name}"
    values = threshold_values(loaded, estate)
    key, panel = alert.panel.split("/")
    link_labels = tuple(label for label in ("region", "instance") if f"$labels.{label}" in alert.summary + alert.description)
    annotations = {
        "summary": promql.thresholds(_doubled(alert.summary), values, where),
        "description": promql.thresholds(_doubled(alert.description), values, where),
        "runbook_url": naming.runbook_url(estate, loaded.system.id, alert.name, alert.source),
        "dashboard_url": naming.dashboard_url(estate, naming.dashboard_uid(loaded.system.id, key), naming.panel_id(panel), link_labels,
                                              alert.source)}
    found = {"alert": alert.name, "expr": promql.thresholds(alert.expr, values, where), "for": alert.for_,
             "keep_firing_for": alert.keep_firing_for, "labels": labels(loaded, alert), "annotations": annotations}
    return {key: value for key, value in found.items() if value}


def _doubled(text: str) -> str:
    """Prometheus' own variables ($value, $labels) kept from the thresholds' $name."""
    for name in ("value", "labels", "externalLabels", "externalURL"):
        text = text.replace(f"${name}", f"$${name}")
    return text


def groups(loaded: Loaded, estate: Estate, source: str) -> list[dict[str, Any]]:
    """Rule groups of a system for Prometheus or Loki; empty when it has none."""
    found: list[dict[str, Any]] = []
    if source == "prometheus" and loaded.recordings:
        found.append({"name": naming.group(loaded.system.id, "recordings"), "rules": [
            {"record": recording.record, "expr": recording.expr} for recording in loaded.recordings]})
    alerts = [rule(loaded, alert, estate) for alert in loaded.alerts if alert.source == source]
    if alerts:
        found.append({"name": naming.group(loaded.system.id), "rules": alerts})
    return found


# -- tests -------------------------------------------------------------------------------------------------------------
def prometheus_tests(loaded: Loaded, estate: Estate) -> dict[str, Any] | None:
    """A test file of promtool: every alert fires, resolves, and stays silent."""
    tests = [test for alert in loaded.alerts if isinstance(alert.proof, Proof) for test in _proofs(loaded, alert, estate, alert.proof)]
    if not tests:
        return None
    return {"rule_files": [f"../rules/{loaded.system.id}.yml"], "evaluation_interval": f"{STEP}s", "tests": tests}


def phase(loaded: Loaded, alert: Alert, estate: Estate, proof: Proof) -> int:
    """Minutes of one phase: what the alert needs to fire or to resolve."""
    if proof.minutes is not None:
        return proof.minutes
    where = f"{loaded.system.id}: alert {alert.name}"
    used = promql.use(promql.thresholds(alert.expr, threshold_values(loaded, estate), where), where)
    recorded = {recording.record: recording for recording in loaded.recordings}
    ranges = list(used.ranges)
    for name in used.names() & set(recorded):
        ranges += promql.use(recorded[name].expr, where).ranges
    keep = seconds(alert.keep_firing_for, where) if alert.keep_firing_for else 0
    return math.ceil((seconds(alert.for_, where) + max(ranges, default=0) + keep) / 60) + 5 + 5


def _proofs(loaded: Loaded, alert: Alert, estate: Estate, proof: Proof) -> list[dict[str, Any]]:
    minutes = phase(loaded, alert, estate, proof)
    where = f"{loaded.system.id}: alert {alert.name}: proof"
    wanted = ",".join(f'{key}="{value}"' for key, value in sorted(labels(loaded, alert).items()))
    expr = f'count(ALERTS{{alertname="{alert.name}",alertstate="firing",{wanted}}}) or vector(0)'
    names = list(dict.fromkeys([*proof.firing, *proof.silent]))

    def series(*phases: dict[str, str]) -> list[dict[str, str]]:
        return [{"series": name, "values": " ".join(expand(values.get(name, "_"), minutes, where) for values in phases)} for name in names]

    def at(minute: int, count: int) -> dict[str, Any]:
        return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": count}]}
    return [
        {"name": f"{alert.name} fires and resolves", "interval": f"{STEP}s", "input_series": series(proof.firing, proof.silent),
         "promql_expr_test": [at(minutes - 1, proof.count), at(2 * minutes - 1, 0)]},
        {"name": f"{alert.name} stays silent", "interval": f"{STEP}s", "input_series": series(proof.silent),
         "promql_expr_test": [at(minute, 0) for minute in sorted({minutes // 2, minutes - 1})]}]


def expand(value: str, minutes: int, where: str) -> str:
    """One phase of a series, one sample a minute: "5" -> "5x19", "0+60" -> "0+60x19", "_" -> "_x20", "flap" -> "1 0 1 0...".
    Parts one after another, each for a minute or @minutes, the last for the rest: "0 1" -> "0x0 1x18", "0+60@5 300" -> "0+60x4 300x14"."""
    first, more, then = value.partition(" ")
    if more:
        part, _at, length = first.partition("@")
        require(not length or length.isdigit(), where, f"{first!r} lasts no number of minutes")
        own = min(int(length or 1), minutes - 1)
        return f"{expand(part, own, where)} {expand(then, minutes - own, where)}"
    if value == "flap":
        return " ".join(str((minute + 1) % 2) for minute in range(minutes))
    require(value and "x" not in value.lower(), where,
            f"{value!r} is not one value; write 5, 0+60, 10-1, flap or _ (the renderer says how often)")
    return f"{value}x{minutes - 1}" if value != "_" else f"_x{minutes}"


def loki_tests(loaded: Loaded, estate: Estate) -> list[dict[str, Any]]:
    """Lines to send and what must become of them, for each LogQL alert."""
    found = []
    for alert in loaded.alerts:
        if isinstance(alert.proof, LogProof):
            made = rule(loaded, alert, estate)
            found.append({"alert": alert.name, "expr": made["expr"], "for": alert.for_,
                          "fires": [{"labels": alert.proof.labels, "lines": list(alert.proof.firing)}],
                          "silent": [{"labels": alert.proof.labels, "lines": list(alert.proof.silent)}]})
    return found


# -- inhibitions -------------------------------------------------------------------------------------------------------
def inhibit_rules(content: Content, present: tuple[Loaded, ...]) -> list[dict[str, Any]]:
    """Alertmanager's inhibit_rules from what alerts say they explain. A target that does not exist is refused."""
    ids = {loaded.system.id for loaded in present}
    found = []
    for loaded in present:
        for alert in loaded.alerts:
            for inhibit in alert.inhibits:
                if inhibit.system == "*":
                    found.append({"source_matchers": [f'alertname="{alert.name}"', f'system="{loaded.system.id}"'],
                                  "target_matchers": [f'alertname!="{alert.name}"', 'system!=""'], "equal": list(inhibit.equal)})
                    continue
                other = inhibit.system or loaded.system.id
                where = f"{loaded.system.id}: alert {alert.name}: inhibits"
                if other not in content.by_id:
                    raise ContentError(f"{where}: there is no system {other!r}; known are {', '.join(content.by_id)}")
                if other not in ids:
                    continue
                targets = [f'system="{other}"']
                if inhibit.alerts == ("*",):
                    targets.append(f'alertname!="{alert.name}"')
                else:
                    known = {row.name for row in content.by_id[other].alerts}
                    unknown = sorted(set(inhibit.alerts) - known)
                    require(not unknown, where, f"{', '.join(unknown)} is not an alert of {other}; it has {', '.join(sorted(known))}")
                    targets.append(f'alertname=~"{"|".join(inhibit.alerts)}"')
                found.append({"source_matchers": [f'alertname="{alert.name}"', f'system="{loaded.system.id}"'], "target_matchers": targets,
                              "equal": list(inhibit.equal)})
    return found


class _Dumper(yaml.CSafeDumper):
    """Expressions over several lines as blocks, as people write them."""


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def dump(data: Any) -> str:
    """YAML in the order in which it was made."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True))
