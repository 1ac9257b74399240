# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an assessment of four hosts in two regions hands over, with a bit of everything in it; deterministic."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from ansible_collections.psf.observatory.plugins.plugin_utils.governance import report, waivers
from ansible_collections.psf.observatory.plugins.plugin_utils.governance.model import stamp

NOW = datetime(2026, 11, 24, 13, 47, tzinfo=UTC)
HOSTS = {"obs-eu-1": "eu", "app-eu-1": "eu", "obs-us-1": "us", "app-us-1": "us"}
DOMAINS = {
    "IAM": "identity and access",
    "TLS": "encryption in transit",
    "CRY": "secrets",
    "AUD": "audit and time",
    "BCK": "backup",
    "PRV": "retention and privacy",
    "NET": "network",
    "SUP": "supply chain",
    "CHG": "change",
    "REL": "reliability",
    "FIN": "cost",
}
# id, severity, title, owner, NIST, GDPR, ISO
TABLE = """\
IAM-03|critical|The cache wants a password|platform|IA-2|32(1)(b)|A.8.5
IAM-10|critical|No console answers without log-in|platform|AC-3,AC-14|32(1)(b)|A.8.3
IAM-11|high|Root cannot log in by SSH with a password|platform|AC-6(5)|32(1)(b)|A.8.2
IAM-12|medium|No account of people is shared|web|AC-2||A.5.16
IAM-13|high|sudo asks who it was|platform|AC-6|32(1)(b)|A.8.2
IAM-14|low|Log-ins end when nothing happens|platform|AC-12||A.8.1
TLS-01|high|Every hop to the database is TLS|data|SC-8,SC-8(1)|32(1)(a)|A.8.24
TLS-02|high|The cache speaks TLS only|platform|SC-8|32(1)(a)|A.8.24
TLS-05|high|TLS 1.2 or newer, with a chain that holds|platform|SC-8(1),SC-13|32(1)(a)|A.8.24
TLS-06|high|Certificates have three weeks left|platform|SC-17|32(1)(b)|A.8.24
TLS-08|medium|Clients show certificates|platform|IA-3|32(1)(a)|A.8.24
CRY-02|high|Data lies on encrypted volumes|platform|SC-28(1)|32(1)(a)|A.8.24
CRY-06|critical|No secret lies open|web|IA-5(7)|32(1)(b)|A.5.17
CRY-07|high|Keys are readable by their service only|platform|AC-3|32(1)(a)|A.8.24
AUD-03|high|Every host's logs arrive|platform|AU-6|32(1)(d)|A.8.15
AUD-04|medium|Clocks agree|platform|AU-8||A.8.17
AUD-05|medium|Logs cannot be changed by who writes them|platform|AU-9|5(1)(f)|A.8.15
AUD-06|high|Notifications are kept|platform|AU-11|33|A.5.28
BCK-01|high|A backup is a day old at most|data|CP-9|32(1)(c)|A.8.13
BCK-02|high|A restore was tried|data|CP-9(1)|32(1)(c)|A.8.13
PRV-04|high|Loki deletes what is old enough|platform|SI-12,AU-11|5(1)(e)|A.8.10
PRV-05|high|Prometheus and Jaeger delete what is old enough|platform|SI-12|5(1)(e)|A.8.10
PRV-07|high|No personal data in logs|web|SI-12(1)|5(1)(c)|A.8.11
PRV-08|high|Data stays in its region|platform|SA-9(5)|44|A.5.31
NET-02|critical|No data port listens to everyone|platform|SC-7|32(1)(b)|A.8.20
NET-05|medium|Only known ports are open|platform|CM-7|32(1)(b)|A.8.20
NET-06|medium|Forwarding is off|platform|CM-6||A.8.20
SUP-05|high|Security updates are in|platform|SI-2|32(1)(d)|A.8.8
SUP-06|high|Nothing is past its end of life|platform|SA-22|32(1)(d)|A.8.8
SUP-07|medium|Programs are those of the lock|platform|SI-7|32(1)(b)|A.8.19
SUP-08|medium|Units are hardened|platform|CM-7|32(1)(b)|A.8.9
CHG-01|high|Nothing drifts|platform|CM-3,CM-6|32(1)(d)|A.8.32
CHG-03|low|Everything has an owner|web|CM-8|5(2)|A.5.9
CHG-04|high|Waivers are in order|platform|CA-5|24|A.5.36
CHG-05|high|The assessment is fresh and whole|platform|CA-2,CA-7|32(1)(d)|A.5.36
REL-01|medium|Objectives have budgets and alerts|web|SI-4|32(1)(b)|A.8.16
REL-05|medium|No disk fills within a week|platform|AU-4||A.8.6
REL-06|high|Targets are up, alerts can be told|platform|SI-4(5),IR-4|33|A.8.16
REL-07|medium|Every alert has a runbook and an owner|platform|IR-4||A.5.24
REL-08|low|Services start again by themselves|platform|CP-10|32(1)(b)|A.8.14
REL-09|medium|Time series are not lost between scrapes|platform|SI-4||A.8.16
FIN-04|low|Telemetry stays within its budget|platform|AU-4||A.8.6
FIN-05|info|Unused dashboards are known|web|||
AUD-07|medium|Log-ins are logged|platform|AU-2|32(1)(d)|A.8.15
SUP-09|low|The kernel is the newest that is installed|platform|SI-2||A.8.8
"""
# control -> host (or *) -> verdict; everything else passes.
VERDICTS = {
    "IAM-10": {"obs-us-1": "fail"},
    "TLS-06": {"app-us-1": "fail"},
    "NET-05": {"*": "fail"},
    "SUP-05": {"app-eu-1": "fail", "app-us-1": "fail"},
    "CRY-02": {"*": "error"},
    "BCK-01": {"*": "not_applicable"},
    "BCK-02": {"*": "not_applicable"},
    "TLS-01": {"*": "not_applicable"},
    "IAM-12": {"*": "manual"},
    "SUP-08": {"obs-eu-1": "fail"},
    "AUD-04": {"*": "fail"},
    "REL-05": {"app-eu-1": "error"},
    "IAM-03": {"*": "not_applicable"},
    "FIN-04": {"obs-eu-1": "fail"},
}
WAIVERS = [
    {
        "id": "WVR-2026-001",
        "control": "AUD-04",
        "scope": {"host": "*"},
        "reason": "the lab's containers share the clock of their machine",
        "ticket": "OPS-12",
        "requested_by": "web",
        "approved_by": "platform",
        "created": "2026-11-01",
        "expires": "2027-03-01",
        "compensating": "the machine's own clock is watched",
    },
    {
        "id": "WVR-2026-002",
        "control": "NET-05",
        "scope": {"region": "us"},
        "reason": "the old agent needs its port until it is replaced",
        "ticket": "OPS-14",
        "requested_by": "web",
        "approved_by": "security",
        "created": "2026-09-20",
        "expires": "2026-12-02",
    },
    {
        "id": "WVR-2026-003",
        "control": "SUP-05",
        "scope": {"host": "app-eu-1"},
        "reason": "frozen for the launch",
        "ticket": "OPS-15",
        "requested_by": "web",
        "approved_by": "security",
        "created": "2026-09-01",
        "expires": "2026-11-20",
    },
]


def controls():
    rows = []
    for line in TABLE.splitlines():
        name, severity, title, owner, nist, gdpr, iso = line.split("|")
        rows.append(
            {
                "id": name,
                "title": title,
                "severity": severity,
                "domain": DOMAINS[name[:3]],
                "owner": owner,
                "mode": "automated",
                "rationale": "What this control wants holds the platform to what was promised of it.",
                "max_age": "24h",
                "applies_to": {"component": {"IAM": "console", "TLS": "tls", "REL": "prometheus"}.get(name[:3], "host")},
                "check": {"type": "host"},
                "frameworks": {
                    "nist80053": [x for x in nist.split(",") if x],
                    "gdpr": [x for x in gdpr.split(",") if x],
                    "iso27001": [x for x in iso.split(",") if x],
                    "soc2": ["CC7.1"],
                    "cis": [],
                },
                "remediation": {
                    "text": "Run the playbook with the tag of the part that is named, then assess again.",
                    "disruptive": name == "SUP-05",
                },
            }
        )
    return rows


def subject(name, host):
    """TLS controls look at services, some at the region as a whole, the others at the host."""
    if name.startswith("TLS"):
        return {"type": "service", "name": host + ":9090", "region": HOSTS[host]}
    if name in ("PRV-08", "AUD-03", "REL-06"):
        return {"type": "region", "name": HOSTS[host], "region": HOSTS[host]}
    return {"type": "host", "name": host, "region": HOSTS[host]}


def answer(host, verdicts=None, now=NOW):
    """One host's assessment_result."""
    verdicts = VERDICTS if verdicts is None else verdicts
    results = []
    for row in controls():
        name = row["id"]
        if name in ("CHG-04", "CHG-05"):
            continue
        status = verdicts.get(name, {}).get(host) or verdicts.get(name, {}).get("*") or "pass"
        words = {
            "pass": "as expected",
            "fail": "found 3 that should not be there",
            "error": "permission denied: /proc/1/fd",
            "not_applicable": "no such system in the inventory",
            "manual": "ask the owner",
        }
        results.append(
            {
                "control": name,
                "subject": subject(name, host),
                "status": status,
                "expected": "none beyond the list",
                "actual": words[status],
                "message": f"{row['title']}: {words[status]}",
                "parameters": {"min_days": 21} if name == "TLS-06" else {},
                "overridden": ["min_days"] if name == "TLS-06" else [],
                "evidence": {
                    "collected_at": (now - timedelta(seconds=30)).isoformat(),
                    "collector": row["check"]["type"],
                    "data": {"listening": [22, 9100, int(hashlib.sha256((name + host).encode()).hexdigest()[:4], 16)]},
                },
                "duration_ms": 3.5,
            }
        )
    return {
        "host": host,
        "region": HOSTS[host],
        "controls": controls(),
        "results": results,
        "started": (now - timedelta(seconds=40)).isoformat(),
        "finished": (now - timedelta(seconds=20)).isoformat(),
    }


def answers(verdicts=None, now=NOW, hosts=None):
    return [(host, answer(host, verdicts, now)) for host in hosts or HOSTS]


def make(run_id="20261124T134700Z", now=NOW, verdicts=None, rows=None, hosts=None, answers_now=None, extra=None, **options):
    """A report of the sample. answers_now: what the hosts' clocks say; extra: one more result of the first host."""
    given = waivers.load(WAIVERS if rows is None else rows)
    options = {"asked": HOSTS, "environment": "lab", **options}
    gathered = answers(verdicts, answers_now or now, hosts)
    if extra:
        gathered[0][1]["results"].append(extra)
    return report.build(gathered, given, run_id=run_id, now=now, **options)


def write(runs, now=NOW, key=None, verdicts=None, **options):
    """Write one run of the sample, as the action does; returns the report and its directory."""
    with runs.locked():
        made = make(runs.new_id(now), now, verdicts, earlier=runs.earlier(), **options)
        return SimpleNamespace(report=made, path=runs.write(made, key))


__all__ = ["HOSTS", "NOW", "WAIVERS", "answer", "answers", "controls", "make", "stamp", "write"]
