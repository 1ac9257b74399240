# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that fill a Grafana: what it holds, and where it is. Documented in doc_fragments/grafana.py."""

from __future__ import annotations


def server_spec():
    """Where Grafana is, and how long an answer is waited for."""
    return dict(url=_needed(), validate_certs=dict(type="bool", default=True), timeout=dict(type="float", default=30))


def content_spec():
    """The options that declare what Grafana holds."""
    return dict(
        bundle=dict(type="path"), content=dict(type="str"), placement=dict(type="dict", default={}), home_dashboard=_text(),
        folders=_rows(uid=_needed(), title=_needed(), parent=_text(), permissions=dict(type="list", elements="dict", options=dict(
            role=_one_of("Viewer", "Editor", "Admin"), team=_text(), user=_text(),
            permission=dict(_one_of("View", "Edit", "Admin"), required=True)))),
        teams=_rows(name=_needed(), email=_text()),
        service_accounts=_rows(
            name=_needed(), role=_one_of("None", "Viewer", "Editor", "Admin", default="Viewer"), disabled=dict(type="bool", default=False)),
        datasources=_rows(
            uid=_needed(), name=_needed(), type=_needed(), url=_text(), access=_one_of("proxy", "direct", default="proxy"),
            is_default=dict(type="bool", default=False), basic_auth_user=_text(), with_credentials=dict(type="bool", default=False),
            user=_text(), database=_text(), json_data=dict(type="dict"), secure_json_data=dict(type="dict", no_log=True),
            links=dict(type="dict")),
        correlations=_rows(
            source=_needed(), label=_needed(), target=_text(), description=_text(), type=_one_of("query", "external", default="query"),
            field=_needed(), query=dict(type="dict"), transformations=dict(type="list", elements="dict")),
        library_panels=_rows(uid=_needed(), name=_needed(), folder=_text(), model=dict(type="dict", required=True)),
        dashboards=_rows(model=dict(type="dict", required=True), folder=_text()),
        rule_groups=_rows(name=_needed(), folder=_needed(), interval=dict(type="str", default="1m"), rules=dict(
            type="list", elements="dict", required=True, options=_rule())),
        contact_points=_rows(
            uid=_needed(), name=_needed(), type=_needed(), settings=dict(type="dict"), secure_settings=dict(type="dict", no_log=True),
            disable_resolve_message=dict(type="bool", default=False)),
        policies=dict(type="dict"),
        mute_timings=_rows(name=_needed(), time_intervals=dict(type="list", elements="dict")),
        notification_templates=_rows(name=_needed(), template=_needed()),
    )


def _rule():
    return dict(
        uid=_needed(), title=_needed(), data=dict(type="list", elements="dict", required=True), condition=_text(),
        keep_firing_for=_text(), labels=dict(type="dict"), annotations=dict(type="dict"),
        no_data_state=_one_of("NoData", "OK", "Alerting", "KeepLast", default="NoData"),
        exec_err_state=_one_of("Error", "OK", "Alerting", "KeepLast", default="Error"),
        is_paused=dict(type="bool", default=False), notification_settings=dict(type="dict"),
        missing_series_evals_to_resolve=dict(type="int"), record=dict(type="dict"), **{"for": dict(type="str", default="0s")})


def _text():
    return dict(type="str")


def _needed():
    return dict(type="str", required=True)


def _one_of(*choices, **default):
    return dict(default, type="str", choices=list(choices))


def _rows(**options):
    return dict(type="list", elements="dict", default=[], options=options)
