"""Landing page of a region, all regions side by side, and the error budgets of every SLO."""

from dashboards.model import Dashboard, Row, Variable
from dashboards.panels import BLUE, GREEN, ORANGE, RED, YELLOW, golden, logs_row, prom, stat, states, table, timeseries
from dashboards.systems.observatory.system import SYSTEM

BUDGET = ((None, RED), (0.0, ORANGE), (0.1, YELLOW), (0.25, GREEN))
UP = ((None, RED), (0.99, YELLOW), (1, GREEN))
BURN = ((None, GREEN), (1, YELLOW), (6, ORANGE), (14.4, RED))
SEVERITIES = {"critical": ("critical", RED), "warning": ("warning", ORANGE), "info": ("info", BLUE)}
SLO_COLUMNS = {"region": "Region", "sloth_service": "Service", "sloth_slo": "SLO"}
NOT_FIRING = "nothing fires on a good day"
NOT_ASSESSED = "nothing is known before the first run of playbooks/assess.yml"
NO_SLO = "an estate without a system that has objectives has no budgets"
NO_SYNC = "nobody has brought content to a Grafana yet"
TO_SYSTEM = {"System": ("Its dashboard", "/d/psf-${__value.text}-overview?${region:queryparam}&${__url_time_range}")}


def budget(record: str) -> str:
    """A recorded number of each objective, by what a table shows of it."""
    return f"max by (region, sloth_service, sloth_slo) ({record})"


DASHBOARDS = (
    Dashboard(
        "landing", "Observatory",
        "Where one starts: what is up, what fires and which budgets are left in a region; from here to every system.",
        rows=(
            golden(
                stat("up", "Targets up", "Share of all targets whose last scrape succeeded.", "percentunit",
                     prom('avg(up{job!~"(peer_)?probe"})'),
                     steps=((None, RED), (0.99, YELLOW), (1, GREEN))),
                stat("probes", "Endpoints up", "Share of the endpoints that answer from outside.", "percentunit",
                     prom('avg(probe_success{job="probe"})'),
                     steps=((None, RED), (0.99, YELLOW), (1, GREEN))),
                stat("critical", "Critical alerts", "Critical alerts that fire now: somebody was woken.", "short",
                     prom('count(ALERTS{alertstate="firing", severity="critical"}) or vector(0)'), steps=((None, GREEN), (1, RED))),
                stat("warning", "Warnings", "Warnings that fire now: tickets.", "short",
                     prom('count(ALERTS{alertstate="firing", severity="warning"}) or vector(0)'), steps=((None, GREEN), (1, ORANGE))),
                stat("worst-budget", "Smallest budget", "Of all SLOs, the smallest share of the error budget that is left.",
                     "percentunit",
                     prom("min(slo:period_error_budget_remaining:ratio)"), steps=BUDGET, may_be_empty=NO_SLO),
                stat("hosts", "Hosts", "Hosts that answer.", "short", prom('sum(up{job="node"})')),
                table("systems", "Systems", "Every system with the share of its targets that are up; a click opens its dashboard.",
                      "percentunit",
                      prom('avg by (system) (up{job!~"(peer_)?probe"})', "Up", instant=True),
                      prom('count by (system) (up{job!~"(peer_)?probe"})', "Targets", instant=True),
                      columns={"system": "System"}, units={"Up": "percentunit", "Targets": "short"}, links=TO_SYSTEM, colors={"Up": UP},
                      sort=(("Up", False), ("System", False)), width=10, height=10),
                table("firing", "What fires", "Alerts that fire now, the critical first.", "short",
                      prom('sum by (severity, alertname, system, region, host, instance) (ALERTS{alertstate="firing"})', "Firing",
                           instant=True),
                      columns={"severity": "Severity", "alertname": "Alert", "system": "System", "region": "Region", "host": "Host",
                               "instance": "Instance"}, hide=("Value",), links=TO_SYSTEM, colors={"Severity": SEVERITIES},
                      sort=(("Severity", False), ("Alert", False)), width=14, height=10,
                      may_be_empty=NOT_FIRING)),
            Row("Over time", (
                timeseries("alerts", "Alerts that fire", "By severity.", "short",
                           prom('count by (severity) (ALERTS{alertstate="firing"})', "{{severity}}"), min=0, stack=True,
                           may_be_empty=NOT_FIRING),
                states("systems-up", "Systems", "Share of each system's targets that are up: red below all.",
                       prom('min by (system) (up{job!~"(peer_)?probe"})', "{{system}}"), width=16)),
            ),
            Row("Budgets", (
                table("budgets", "Error budgets", "Every SLO with what is left of its error budget and how fast it is used now.",
                      "percentunit",
                      prom(budget("slo:period_error_budget_remaining:ratio"), "Left", instant=True),
                      prom(budget("slo:current_burn_rate:ratio"), "Burn rate now", instant=True),
                      columns=SLO_COLUMNS, units={"Left": "percentunit", "Burn rate now": "short"},
                      colors={"Left": BUDGET, "Burn rate now": BURN}, sort=(("Left", False),), width=24, may_be_empty=NO_SLO),)),
            Row("Content of Grafana", (
                stat("sync-age", "Since the last sync", "Time since the code was last brought to Grafana, of the oldest.", "s",
                     prom("max(time() - psf_grafana_sync_success_timestamp_seconds)", "age"),
                     steps=((None, GREEN), (86400, YELLOW), (604800, RED)), width=6, may_be_empty=NO_SYNC),
                stat("sync-owned", "Objects owned", "Dashboards, folders and data sources in Grafana that come from the code.", "short",
                     prom("sum(psf_grafana_sync_owned_objects)", "owned"), width=6, decimals=0, may_be_empty=NO_SYNC),
                stat("sync-drift", "Edited by hand", "Objects that the last sync found edited or deleted by hand.", "short",
                     prom("sum(psf_grafana_sync_drifted_objects)", "edited"), steps=((None, GREEN), (1, ORANGE)), width=6, decimals=0,
                     may_be_empty=NO_SYNC),
                stat("sync-failed", "Objects that failed", "Objects that Grafana refused in the last sync.", "short",
                     prom("sum(psf_grafana_sync_failed_objects)", "failed"), steps=((None, GREEN), (1, RED)), width=6, decimals=0,
                     may_be_empty=NO_SYNC))),
            Row("Governance", (
                stat("governance-score", "Governance score", "Weighted share of the controls that hold in the region.", "percentunit",
                     prom('min(gov_score_ratio{scope="overall", kind="effective"})'),
                     steps=((None, RED), (0.7, ORANGE), (0.8, YELLOW), (0.9, GREEN)), may_be_empty=NOT_ASSESSED),
                stat("governance-open", "Open findings", "Subjects of controls that fail or could not be read, and are not waived.",
                     "short",
                     prom('sum(gov_control_subjects{status=~"fail|error"})'), steps=((None, GREEN), (1, ORANGE)),
                     may_be_empty=NOT_ASSESSED),
                stat("governance-age", "Last assessment", "How long ago the last whole assessment ended.", "s",
                     prom("time() - max(gov_run_last_success_timestamp_seconds)"), steps=((None, GREEN), (108000, ORANGE)),
                     may_be_empty=NOT_ASSESSED))),
            logs_row(SYSTEM)),
        instances=False, links=(("All regions", "psf-observatory-global"), ("Error budgets", "psf-observatory-slo"),
                                ("Governance", "psf-governance-overview"))),
    Dashboard(
        "global", "All regions",
        "The regions side by side. Each region's own Prometheus knows only itself: all are here once the data source is a global view.",
        rows=(
            golden(
                timeseries("up-by-region", "Targets up", "Share of the targets of each region whose last scrape succeeded.", "percentunit",
                           prom('avg by (region) (up{job!~"(peer_)?probe"})', "{{region}}"), min=0, max=1),
                timeseries("probes-by-region", "Endpoints up", "Share of the endpoints of each region that answer from outside.",
                           "percentunit",
                           prom('avg by (region) (probe_success{job="probe"})', "{{region}}"), min=0, max=1),
                timeseries("alerts-by-region", "Critical alerts", "Critical alerts that fire in each region.", "short",
                           prom('count by (region) (ALERTS{alertstate="firing", severity="critical"})', "{{region}}"), min=0,
                           may_be_empty=NOT_FIRING),
                table("matrix", "Systems by region", "Share of the targets that are up.", "percentunit",
                      prom('avg by (system, region) (up{job!~"(peer_)?probe"})', "Up", instant=True),
                      columns={"region": "Region", "system": "System"}, colors={"Up": UP},
                      links=TO_SYSTEM, sort=(("Up", False), ("System", False)), width=24)),
            Row("Ways between regions", (
                states("ways", "Who reaches whom", "Whether any front door of the other region answers.",
                       prom('max by (region, peer_region) (probe_success{job="peer_probe"})', "{{region}} to {{peer_region}}"), width=24,
                       may_be_empty="an estate of one region has no other to reach"),)),
            Row("Load", (
                timeseries("hosts-by-region", "Hosts", "Hosts that answer.", "short",
                           prom('sum by (region) (up{job="node"})', "{{region}}"), min=0),
                timeseries("samples-by-region", "Samples scraped", "Samples of one scrape of all targets.", "short",
                           prom("sum by (region) (scrape_samples_scraped)", "{{region}}"), min=0),
                timeseries("scrape-by-region", "Slowest scrape", "The slowest target of each region.", "s",
                           prom("max by (region) (scrape_duration_seconds)", "{{region}}"), min=0))),
            logs_row(SYSTEM)),
        instances=False, links=(("Landing page", "psf-observatory-landing"),)),
    Dashboard(
        "slo", "Error budgets", "Every SLO: its objective, how fast its budget is used, and what is left of it.",
        rows=(
            golden(
                table("objectives", "Objectives", "Every SLO of the region.", "percentunit",
                      prom(budget("slo:objective:ratio"), "Objective", instant=True),
                      prom(budget("slo:period_error_budget_remaining:ratio"), "Budget left", instant=True),
                      prom(budget("slo:period_burn_rate:ratio"), "Used, of what is allowed", instant=True),
                      prom(budget("slo:current_burn_rate:ratio"), "Burn rate now", instant=True),
                      columns=SLO_COLUMNS, width=24, may_be_empty=NO_SLO, colors={"Budget left": BUDGET, "Burn rate now": BURN},
                      sort=(("Budget left", False),), digits={"Objective": 2},
                      units={"Objective": "percentunit", "Budget left": "percentunit", "Burn rate now": "short",
                             "Used, of what is allowed": "percentunit"}),
                timeseries("burn-rate", "Burn rate",
                           "How many times faster than allowed the budget is used: 1 uses it up exactly at the end of the period.", "short",
                           prom("slo:current_burn_rate:ratio", "{{sloth_service}} {{sloth_slo}}"), min=0, width=12,
                           steps=BURN, may_be_empty=NO_SLO),
                timeseries("budget-left", "Budget left", "Share of the period's error budget that is left.", "percentunit",
                           prom("slo:period_error_budget_remaining:ratio", "{{sloth_service}} {{sloth_slo}}"), width=12, steps=BUDGET,
                           may_be_empty=NO_SLO)),
            Row("Bad events", (
                timeseries("bad-5m", "Share of bad events, five minutes", "The measured ratio against the budget.", "percentunit",
                           prom("slo:sli_error:ratio_rate5m", "{{sloth_service}} {{sloth_slo}}"),
                           prom("slo:error_budget:ratio", "{{sloth_service}} {{sloth_slo}} allowed"), min=0, width=12, may_be_empty=NO_SLO),
                timeseries("bad-1h", "Share of bad events, an hour", "The same over an hour.", "percentunit",
                           prom("slo:sli_error:ratio_rate1h", "{{sloth_service}} {{sloth_slo}}"), min=0, width=12, may_be_empty=NO_SLO),
                timeseries("slo-alerts", "Alerts on budgets", "Alerts of SLOs that fire.", "short",
                           prom('count by (alertname, sloth_service, sloth_slo) (ALERTS{alertstate="firing", sloth_id!=""})',
                                "{{alertname}} {{sloth_slo}}"),
                           min=0, width=24, height=6, may_be_empty=NOT_FIRING))),
            logs_row(SYSTEM)),
        instances=False,
        variables=(Variable("sloth_service", "sloth_service", "slo:objective:ratio", "Service"),
                   Variable("sloth_slo", "sloth_slo", "slo:objective:ratio", "SLO")),
        links=(("Landing page", "psf-observatory-landing"),)),
)
