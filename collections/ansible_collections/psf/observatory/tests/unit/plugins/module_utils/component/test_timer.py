# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component that a timer starts: a job, not a service. What is under way is left alone, and bad times change nothing."""

from __future__ import annotations

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.component.converge import Converger
from ansible_collections.psf.observatory.plugins.module_utils.component.model import Component
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.tests.unit.fakes import FakeHost, declared

UNIT, TIMER = "/etc/systemd/system/demo.service", "/etc/systemd/system/demo.timer"
DAILY = {"calendar": ["*-*-* 04:00:00"], "random_delay": "15min"}


@pytest.fixture
def host(tmp_path, monkeypatch):
    return FakeHost(tmp_path, monkeypatch)


def run(host, check=False, **options):
    options.setdefault("timer", DAILY)
    options.setdefault("unit", {"exec": ["/usr/bin/job"]})
    return Converger(Component(declared(**options)), host, check).run()


def steps(result):
    return [(row["step"], row["target"]) for row in result["plan"]]


def text(host, path):
    return host.read(path).data.decode()


def test_the_timer_is_started_and_enabled_and_the_job_is_not(host):
    result = run(host, environment={"A": "b"})
    assert ("enable", "demo.timer") in steps(result) and ("start", "demo.timer") in steps(result)
    assert host.service("demo.timer").active == "active" and host.service("demo.timer").enabled
    assert host.service("demo").active == "inactive" and not host.service("demo").enabled
    assert not run(host, environment={"A": "b"})["changed"]


def test_the_units_are_a_job_and_its_times(host):
    run(host, timer={"calendar": ["daily", "*-*-* 12:00:00"], "persistent": False}, unit={
        "exec": ["/usr/bin/job"], "working_directory": "/srv/job", "hardening": {"TimeoutStartSec": "2h"}})
    job, timer = text(host, UNIT).splitlines(), text(host, TIMER).splitlines()
    assert "Type=oneshot" in job and "WorkingDirectory=/srv/job" in job and "TimeoutStartSec=2h" in job and "NoNewPrivileges=yes" in job
    assert not [line for line in job if line.startswith(("Restart", "WantedBy", "StartLimit"))]
    assert [line for line in timer if line.startswith("On")] == ["OnCalendar=daily", "OnCalendar=*-*-* 12:00:00"]
    assert "Persistent=no" in timer and "RandomizedDelaySec=0" in timer and "WantedBy=timers.target" in timer


def test_a_service_that_stays_is_as_before(host):
    run(host, timer=None)
    assert "Restart=always" in text(host, UNIT) and "WantedBy=multi-user.target" in text(host, UNIT) and host.read(TIMER) is None


def test_a_run_that_is_under_way_is_left_alone(host):
    run(host)
    host.service("demo").active = "activating"
    host.commands.clear()
    run(host, unit={"exec": ["/usr/bin/job", "--more"]})
    assert host.changing_commands() == ["systemctl daemon-reload"]
    run(host, unit={"exec": ["/usr/bin/job", "--more"]}, timer={"calendar": ["daily"]})
    assert [words for words in host.changing_commands() if "demo.service" in words] == []
    assert "systemctl restart demo.timer" in host.changing_commands()


def test_check_mode_shows_it_and_does_nothing(host):
    result = run(host, check=True)
    assert result["changed"] and ("write unit", TIMER) in steps(result)
    assert host.changes == 0 and host.read(TIMER) is None


def test_a_variable_that_the_run_sets_itself_may_be_set_for_the_job_and_its_validators(host):
    seen = []
    host.validators["check"] = lambda _argv, options: (seen.append(options["env"]["LC_ALL"]), (0, ""))[1]
    run(host, environment={"LC_ALL": "de_DE.UTF-8"}, validate=[["/usr/bin/check"]])
    assert seen == ["de_DE.UTF-8"]


@pytest.mark.parametrize("check", [True, False])
def test_a_time_that_systemd_does_not_understand_changes_nothing(host, check):
    with pytest.raises(ConcernError, match=r"timer.calendar: 'every night' is no time .* Failed to parse calendar specification"):
        run(host, check=check, timer={"calendar": ["daily", "every night"]})
    assert host.changes == 0


def test_units_that_systemd_would_not_take_change_nothing(host):
    host.verdict = "/x/demo.service:7: Unknown key name 'Foo' in section 'Service', ignoring.\n"
    with pytest.raises(ConcernError, match=r"nothing was changed: .*Unknown key name 'Foo'"):
        run(host)
    assert host.read(UNIT) is None and host.read(TIMER) is None


def test_what_an_older_systemd_cannot_verify_is_said(host):
    host.verdict = "verify: unrecognized option '--recursive-errors=no'\n"
    converger = Converger(Component(declared(timer=DAILY, unit={"exec": ["/usr/bin/job"]})), host, False)
    converger.run()
    assert [words for words in converger.warnings if "cannot verify" in words]


def test_absent_stops_the_timer_before_the_job_and_leaves_nothing(host):
    run(host)
    host.service("demo").active = "activating"
    host.commands.clear()
    run(host, state="absent", timer=None)
    order = host.changing_commands()
    assert order.index("systemctl stop demo.timer") < order.index("systemctl stop demo.service")
    assert host.read(UNIT) is None and host.read(TIMER) is None and not host.service("demo.timer").enabled
    assert not run(host, state="absent", timer=None)["changed"]


def test_a_service_does_not_become_a_job_unseen(host):
    run(host)
    with pytest.raises(ConcernError, match="has been run by a timer so far; remove it with state=absent first"):
        run(host, timer=None)


@pytest.mark.parametrize(("options", "problem"), [
    ({"timer": {"calendar": []}}, "at least one time"), ({"timer": {"calendar": ["daily\nOnBootSec=1"]}}, "is no time"),
    ({"timer": {"calendar": ["daily"], "random_delay": " "}}, "is no time"),
    ({"readiness": {"tcp": "a:1"}}, "readiness: demo is run by a timer"),
    ({"reload": {}}, "reload: demo is run by a timer")])
def test_what_cannot_be_right_is_refused_before_anything(host, options, problem):
    with pytest.raises(ConcernError, match=problem):
        run(host, **options)
    assert host.changes == 0


def test_an_account_of_somebody_else_is_neither_made_nor_removed(host):
    with pytest.raises(ConcernError, match="user: there is no account deploy on this host"):
        run(host, user="deploy", create_user=False)
    assert host.changes == 0
    host.accounts.add("deploy")
    host.groups.add("deploy")
    run(host, user="deploy", create_user=False)
    run(host, state="absent", purge=True, user="deploy", create_user=False)
    assert "deploy" in host.accounts and not [words for words in host.changing_commands() if words.startswith(("user", "group"))]


@pytest.mark.parametrize("at", range(1, 12))
def test_an_interrupted_run_is_ended_by_the_next(tmp_path, monkeypatch, at):
    host = FakeHost(tmp_path, monkeypatch)
    host.interrupt_at = at
    try:
        run(host)
    except BaseException as error:
        assert type(error).__name__ == "Interrupted"
    host.interrupt_at = None
    run(host)
    assert host.service("demo.timer").active == "active" and host.service("demo.timer").enabled
    assert not run(host)["changed"]
