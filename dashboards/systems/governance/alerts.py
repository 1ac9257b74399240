"""What asks somebody about governance. Expressions hold for each region by itself; what concerns all regions is said in each."""

from dashboards.model import Alert, Inhibit, Proof, Threshold

TARGET = 'instance="obs-eu-1:9100",job="node",region="eu",host="obs-eu-1",system="node",env="lab"'
UP = 'up{instance="obs-eu-1:9090",job="prometheus",region="eu",host="obs-eu-1",system="prometheus"}'
CONTROL = 'control="HST-05"'
INFO = (f'gov_control_info{{{TARGET},{CONTROL},title="Private keys are readable by their service alone",domain="host-hardening",'
        'severity="critical",owner="platform"}')
SCORE = f'gov_score_ratio{{{TARGET},scope="overall",name="overall",kind="effective"}}'
WAIVER = f'gov_waiver_expiry_timestamp_seconds{{{TARGET},waiver="WVR-1",control="SUP-06"}}'
DAY = 86400


def subjects(status: str) -> str:
    return f'gov_control_subjects{{{TARGET},{CONTROL},status="{status}",reach="region"}}'


ALERTS = (
    Alert(
        "GovernanceCriticalControlFailing", "critical",
        'sum by (region, env, control) (gov_control_subjects{status=~"fail|error"}) * on (region, env, control) group_left (title) '
        'max by (region, env, control, title) (gov_control_info{severity="critical"}) > 0', "0s",
        "{{ $labels.control }} ({{ $labels.title }}) does not hold for {{ $value }} subjects in {{ $labels.region }}",
        "A critical control fails or cannot be read, and no waiver stands. It is what an attacker or an outage needs.",
        "overview/worst",
        Proof(firing={INFO: "1", subjects("fail"): "2", subjects("pass"): "1"},
              silent={INFO: "1", subjects("fail"): "0", subjects("pass"): "3", subjects("waived"): "1"})),
    Alert(
        "GovernanceScoreDropped", "warning",
        'max_over_time(gov_score_ratio{scope="overall", kind="effective"}[1d]) - gov_score_ratio{scope="overall", kind="effective"} '
        "> $score_drop", "5m",
        "The score of {{ $labels.region }} fell by {{ $value | humanizePercentage }} within a day",
        "Controls that held a day ago do not now.",
        "overview/score-over-time",
        Proof(firing={SCORE: "1 0.8"}, silent={SCORE: "0.97"}, minutes=30),
        thresholds=(Threshold("score_drop", 0.05, "ratio", "share of the score that is lost within a day"),)),
    Alert(
        "GovernanceCoverageLow", "warning", "min by (region, env) (gov_coverage_ratio) < $coverage", "5m",
        "Only {{ $value | humanizePercentage }} of what applies in {{ $labels.region }} could be evaluated",
        "Probes could not read, or hosts gave no results. What was not read counts as failed, and nobody knows what it is like.",
        "overview/coverage",
        Proof(firing={f"gov_coverage_ratio{{{TARGET}}}": "0.8"}, silent={f"gov_coverage_ratio{{{TARGET}}}": "1"}),
        thresholds=(Threshold("coverage", 0.95, "ratio", "share of what applies that must be evaluated"),)),
    Alert(
        "GovernanceAssessmentStale", "warning",
        "time() - max by (region, env) (gov_run_last_success_timestamp_seconds) > $run_age", "5m",
        "The last whole assessment of {{ $labels.env }} known in {{ $labels.region }} is {{ $value | humanizeDuration }} old",
        "Scores and findings are those of then. Its schedule stopped, it fails, or it cannot deliver to this region.",
        "overview/age-over-time",
        Proof(firing={f"gov_run_last_success_timestamp_seconds{{{TARGET}}}": "-200000"},
              silent={f"gov_run_last_success_timestamp_seconds{{{TARGET}}}": "0+60"}),
        thresholds=(Threshold("run_age", 30 * 3600, "seconds", "age of the last whole run"),)),
    Alert(
        "GovernanceAssessmentAbsent", "warning",
        'group by (region) (up{job="prometheus"}) unless on (region) group by (region) (gov_run_last_success_timestamp_seconds)', "10m",
        "Region {{ $labels.region }} is observed, but no assessment of it is known (Prometheus is there: {{ $value }})",
        "playbooks/assess.yml has not run for it, or the node exporter does not read what was delivered.",
        "overview/age",
        Proof(firing={UP: "1"}, silent={UP: "1", f"gov_run_last_success_timestamp_seconds{{{TARGET}}}": "0+60"}),
        inhibits=(Inhibit(("GovernanceAssessmentStale",), ("region",)),)),
    Alert(
        "GovernanceWaiverEnding", "warning",
        "min by (region, env, waiver, control) (gov_waiver_expiry_timestamp_seconds) - time() < $waiver_left", "5m",
        "Waiver {{ $labels.waiver }} of {{ $labels.control }} ends in {{ $value | humanizeDuration }}",
        "From then on the failure that it covers counts again.",
        "overview/waivers",
        Proof(firing={WAIVER: str(5 * DAY)}, silent={WAIVER: str(60 * DAY)}),
        thresholds=(Threshold("waiver_left", 14 * DAY, "seconds", "time until a waiver ends"),)),
    Alert(
        "GovernanceWaiverExpired", "warning",
        'max by (region, env) (gov_waivers{state="expired"}) > 0 or '
        "count by (region, env) (gov_waiver_expiry_timestamp_seconds < time()) > 0",
        "5m",
        "{{ $value }} waivers of {{ $labels.env }} have ended",
        "What they covered counts as failed again, and the list of waivers itself fails CHG-04.",
        "overview/waiver-states",
        Proof(firing={f'gov_waivers{{{TARGET},state="expired"}}': "1", WAIVER: str(60 * DAY)},
              silent={f'gov_waivers{{{TARGET},state="expired"}}': "0", WAIVER: str(60 * DAY)})),
)
