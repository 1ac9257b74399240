# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that declare what Grafana holds, of all modules that take the declaration; documented in doc_fragments/grafana.py."""

from __future__ import annotations


def content_spec():
    """The options that declare what Grafana holds."""
    permission = dict(
        role=dict(type="str", choices=["Viewer", "Editor", "Admin"]), team=dict(type="str"), user=dict(type="str"),
        permission=dict(type="str", choices=["View", "Edit", "Admin"], required=True))
    datasource = dict(
        uid=dict(type="str", required=True), name=dict(type="str", required=True), type=dict(type="str", required=True),
        url=dict(type="str"), access=dict(type="str", choices=["proxy", "direct"], default="proxy"),
        is_default=dict(type="bool", default=False), basic_auth_user=dict(type="str"), with_credentials=dict(type="bool", default=False),
        user=dict(type="str"), database=dict(type="str"), json_data=dict(type="dict"), secure_json_data=dict(type="dict", no_log=True),
        links=dict(type="dict"))
    rule = dict(
        uid=dict(type="str", required=True), title=dict(type="str", required=True), data=dict(type="list", elements="dict", required=True),
        condition=dict(type="str"), keep_firing_for=dict(type="str"), labels=dict(type="dict"), annotations=dict(type="dict"),
        no_data_state=dict(type="str", choices=["NoData", "OK", "Alerting", "KeepLast"], default="NoData"),
        exec_err_state=dict(type="str", choices=["Error", "OK", "Alerting", "KeepLast"], default="Error"),
        is_paused=dict(type="bool", default=False), notification_settings=dict(type="dict"),
        missing_series_evals_to_resolve=dict(type="int"), record=dict(type="dict"), **{"for": dict(type="str", default="0s")})
    return dict(
        bundle=dict(type="path"), placement=dict(type="dict", default={}),
        folders=dict(type="list", elements="dict", default=[], options=dict(
            uid=dict(type="str", required=True), title=dict(type="str", required=True), parent=dict(type="str"),
            permissions=dict(type="list", elements="dict", options=permission))),
        teams=dict(type="list", elements="dict", default=[], options=dict(name=dict(type="str", required=True), email=dict(type="str"))),
        datasources=dict(type="list", elements="dict", default=[], options=datasource),
        library_panels=dict(type="list", elements="dict", default=[], options=dict(
            uid=dict(type="str", required=True), name=dict(type="str", required=True), folder=dict(type="str"),
            model=dict(type="dict", required=True))),
        dashboards=dict(type="list", elements="dict", default=[], options=dict(
            model=dict(type="dict", required=True), folder=dict(type="str"))),
        home_dashboard=dict(type="str"),
        service_accounts=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), role=dict(type="str", choices=["None", "Viewer", "Editor", "Admin"], default="Viewer"),
            disabled=dict(type="bool", default=False))),
        correlations=dict(type="list", elements="dict", default=[], options=dict(
            source=dict(type="str", required=True), label=dict(type="str", required=True), target=dict(type="str"),
            description=dict(type="str"), type=dict(type="str", choices=["query", "external"], default="query"),
            field=dict(type="str", required=True), query=dict(type="dict"), transformations=dict(type="list", elements="dict"))),
        rule_groups=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), folder=dict(type="str", required=True), interval=dict(type="str", default="1m"),
            rules=dict(type="list", elements="dict", required=True, options=rule))),
        contact_points=dict(type="list", elements="dict", default=[], options=dict(
            uid=dict(type="str", required=True), name=dict(type="str", required=True), type=dict(type="str", required=True),
            settings=dict(type="dict"), secure_settings=dict(type="dict", no_log=True),
            disable_resolve_message=dict(type="bool", default=False))),
        policies=dict(type="dict"),
        mute_timings=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), time_intervals=dict(type="list", elements="dict"))),
        notification_templates=dict(type="list", elements="dict", default=[], options=dict(
            name=dict(type="str", required=True), template=dict(type="str", required=True))),
        content=dict(type="str"),
    )
