"""Service level objectives: Sloth's `prometheus/v1` in, Prometheus and Loki rules, inhibitions and promtool tests out.

    slos = load(text, "slos.yml")             model.py    read and validated; SloError says file, key, line, reason
    fill(query, "5m")                         model.py    a query with its window put in
    render(slos), groups(slo)                 rules.py    rule files as text and as data
    inhibitions(slos)                         rules.py    faster tiers silence slower ones
    proofs(slos, "rules.yml")                 proof.py    a promtool test file that fires and silences every alert
    slo_command(arguments)                    cli.py      `observatory slo`, also `python -m dashboards.slo`

Works alone: no Ansible, no grafanalib."""

from dashboards.slo.model import Slo, fill, load
from dashboards.slo.reader import SloError
from dashboards.slo.rules import Options, Template, alert_names, groups, inhibitions, render

__all__ = ["Options", "Slo", "SloError", "Template", "alert_names", "fill", "groups", "inhibitions", "load", "render"]
