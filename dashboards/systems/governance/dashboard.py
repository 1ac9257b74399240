"""The dashboard of governance: the score, what fails, what is waived until when, and how fresh all that is."""

from dashboards.model import Dashboard, Row
from dashboards.panels import GREEN, ORANGE, RED, YELLOW, bargauge, golden, logs, logs_row, prom, stat, table, timeseries
from dashboards.systems.governance.system import SYSTEM

NEVER = "nothing is known before the first run of playbooks/assess.yml"
NONE_OPEN = "nothing fails on a good day"
NOT_WAIVED = "nothing is waived"
SCORE = ((None, RED), (0.7, ORANGE), (0.8, YELLOW), (0.9, GREEN))
BAD = 'gov_control_subjects{status=~"fail|error"}'
ABOUT = "max by (region, env, control, title, domain, severity, owner) (gov_control_info)"
# What a run wrote of each subject; fields that filters and lines need.
RESULTS = ('{service_name="governance"} | json event="event", status="status", change="change", waived="waived", control="control", '
           'severity="severity", subject="subject", actual="actual", message="message" | event="result"')
LINE = ' | line_format "{{.severity}} {{.control}} {{.status}} {{.subject}}: {{.message}}; {{.actual}}"'

DASHBOARDS = (
    Dashboard(
        "overview", "Governance",
        "Which controls hold, by domain, framework and region; what fails, what is waived until when, and how old that knowledge is.",
        rows=(
            golden(
                stat("score", "Score", "Weighted share of the controls that hold in the region; what is waived is left out.",
                     "percentunit",
                     prom('min(gov_score_ratio{scope="overall", kind="effective"})'), steps=SCORE, may_be_empty=NEVER),
                stat("strict", "Strict score", "The same, with what is waived counted as what it is: a failure.", "percentunit",
                     prom('min(gov_score_ratio{scope="overall", kind="strict"})'), steps=SCORE, may_be_empty=NEVER),
                stat("coverage", "Coverage", "Share of what applies that could be evaluated. What could not be read lowers it.",
                     "percentunit",
                     prom("min(gov_coverage_ratio)"), steps=((None, RED), (0.95, YELLOW), (1, GREEN)), may_be_empty=NEVER),
                stat("critical", "Critical", "Subjects of critical controls that fail or could not be read, and are not waived.",
                     "short",
                     prom(f'sum({BAD} * on (region, env, control) group_left () max by (region, env, control) '
                          '(gov_control_info{severity="critical"}))'),
                     steps=((None, GREEN), (1, RED)), may_be_empty=NEVER),
                stat("open", "Open findings", "Subjects that fail or could not be read, and are not waived.", "short",
                     prom(f"sum({BAD})"), steps=((None, GREEN), (1, ORANGE)), may_be_empty=NEVER),
                stat("age", "Last run", "How long ago the last whole assessment ended.", "s",
                     prom("time() - max(gov_run_last_success_timestamp_seconds)"), may_be_empty=NEVER),
                timeseries("score-over-time", "Score over time", "Effective and strict score of the region.", "percentunit",
                           prom('min by (kind) (gov_score_ratio{scope="overall"})', "{{kind}}"), min=0, max=1, width=12, steps=SCORE,
                           may_be_empty=NEVER),
                timeseries("findings", "Subjects by status", "What was looked at, by what was found; passes are left out.", "short",
                           prom('sum by (status) (gov_control_subjects{status=~"fail|error|waived|manual"})', "{{status}}"), min=0,
                           width=12, may_be_empty=NEVER)),
            Row("Where", (
                bargauge("by-domain", "Score by domain", "Weighted share of the controls of each domain that hold; the worst first.",
                         "percentunit",
                         prom('sort(min by (name) (gov_score_ratio{scope="domain", kind="effective"}))', "{{name}}", instant=True),
                         steps=SCORE, min=0, max=1, height=10, may_be_empty=NEVER),
                bargauge("by-framework", "Score by framework", "Weighted share of the controls that support each framework and hold.",
                         "percentunit",
                         prom('sort(min by (name) (gov_score_ratio{scope="framework", kind="effective"}))', "{{name}}", instant=True),
                         steps=SCORE, min=0, max=1, height=10, may_be_empty=NEVER),
                bargauge("by-region", "Score by region",
                         "The region's own score, and that of the whole environment as the last run saw it. Other regions' own stand here "
                         "once the data source is a global view.", "percentunit",
                         prom('min by (region) (gov_score_ratio{scope="overall", kind="effective"})', "{{region}}", instant=True),
                         prom('min by (env) (gov_score_ratio{scope="environment", kind="effective"})', "all of {{env}}", instant=True),
                         steps=SCORE, min=0, max=1, height=10, may_be_empty=NEVER))),
            Row("What fails", (
                table("worst", "Worst controls", "Controls with subjects that fail or could not be read, and are not waived.", "short",
                      prom(f"sort_desc(sum by (region, env, control) ({BAD}) > 0) * on (region, env, control) group_left (title, domain, "
                           f"severity, owner) {ABOUT}", "Subjects", instant=True),
                      columns={"severity": "Severity", "control": "Control", "title": "Title", "domain": "Domain", "owner": "Owner"},
                      hide=("env", "region"), width=16, may_be_empty=NONE_OPEN),
                timeseries("changes", "What changed", "Results that regressed or were fixed by the last run, against the run before.",
                           "short",
                           prom('sum by (change) (gov_changes{change=~"regressed|fixed"})', "{{change}}"), min=0, may_be_empty=NEVER),
                timeseries("regressed", "Regressions by severity", "Results that were in order in the run before and are not now.", "short",
                           prom('sum by (severity) (gov_changes{change="regressed"})', "{{severity}}"), min=0, height=10,
                           may_be_empty=NEVER),
                logs("failed", "What was found", "Each subject that fails or could not be read and is not waived, with what was seen.",
                     RESULTS + ' | status=~"fail|error" | waived="false"' + LINE, width=16, may_be_empty=NONE_OPEN))),
            Row("Waivers", (
                table("waivers", "Waivers", "Every waiver that stands and the time until it ends. The failure counts again from then on.",
                      "s",
                      prom("sort(min by (waiver, control) (gov_waiver_expiry_timestamp_seconds) - time())", "Ends in", instant=True),
                      columns={"waiver": "Waiver", "control": "Control"}, may_be_empty=NOT_WAIVED),
                timeseries("waiver-states", "Waivers by state", "Expiring: ends within 14 days. Expired, invalid: covers nothing. Unused: "
                           "what it covers does not fail.", "short",
                           prom("max by (state) (gov_waivers)", "{{state}}"), min=0, width=12, may_be_empty=NEVER))),
            Row("Freshness", (
                timeseries("age-over-time", "Age of the last run", "How long ago the last whole assessment ended.", "s",
                           prom("time() - max by (env) (gov_run_last_success_timestamp_seconds)", "{{env}}"), min=0, may_be_empty=NEVER),
                timeseries("duration", "Duration", "From the first question to the finished report.", "s",
                           prom("max by (env) (gov_run_duration_seconds)", "{{env}}"), min=0, may_be_empty=NEVER),
                timeseries("silent", "Hosts without results", "Hosts that were asked and gave nothing.", "short",
                           prom("max by (env) (gov_hosts_silent)", "{{env}}"), min=0, may_be_empty=NEVER),
                table("oldest", "Oldest evidence", "The controls whose evidence is oldest.", "s",
                      prom("topk(10, time() - min by (control) (gov_control_last_evaluated_timestamp_seconds))", "Age", instant=True),
                      columns={"control": "Control"}, width=8, may_be_empty=NEVER),
                stat("capped", "Grade held down", "Whether a critical control that fails holds the grade at C, in any region.", "short",
                     prom("max(gov_score_capped)"), values={"0": ("no", GREEN), "1": ("yes", RED)}, may_be_empty=NEVER))),
            logs_row(SYSTEM, level='json level="level"', quiet="a run of the assessment writes its lines at its end, once a day")),
        instances=False, links=(("Landing page", "psf-observatory-landing"),), since="24h"),
)
