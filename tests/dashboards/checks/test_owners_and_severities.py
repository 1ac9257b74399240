"""owners_and_severities: an owner whom nobody knows, a severity that no route has, labels too few."""

from dataclasses import replace

from example_content import QUEUE, SYSTEM, content, found

from dashboards import naming


def test_owner_of_nothing():
    assert found("owners_and_severities", content(alerts=(replace(QUEUE, owner="nobody"),))) == [
        "shop: alert ShopQueueLong: owner 'nobody' owns no system; known are platform, web"]


def test_form_of_an_owner():
    assert "owner 'Web Team' is not a name" in found("owners_and_severities", content(system=replace(SYSTEM, owner="Web Team")))[0]


def test_severity():
    alert = replace(QUEUE)
    object.__setattr__(alert, "severity", "page")
    assert "severity 'page' is not one of critical, warning, info" in found("owners_and_severities", content(alerts=(alert,)))[0]


def test_labels(monkeypatch):
    monkeypatch.setattr(naming, "alert_labels", lambda system, severity, owner, elsewhere: {"severity": severity, "owner": ""})
    assert "an alert has owner, severity, system" in found("owners_and_severities", content())[0]


def test_an_alert_that_others_are_told_must_say_so(monkeypatch):
    assert found("owners_and_severities", content(alerts=(replace(QUEUE, elsewhere=True),))) == []
    labels = naming.alert_labels
    monkeypatch.setattr(naming, "alert_labels", lambda system, severity, owner, elsewhere: labels(system, severity, owner))
    assert "an alert has owner, severity, system, told_elsewhere" in found(
        "owners_and_severities", content(alerts=(replace(QUEUE, elsewhere=True),)))[0]
