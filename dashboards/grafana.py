"""The only importer of grafanalib: turns declared dashboards into Grafana's JSON of schema version 42.

grafanalib 0.7.1 is the front: its classes are used where they fit, and what it lacks (links and exemplars, logs, traces and node graphs,
table cells, queries of Loki and Jaeger) is added here; keys that are null or of old schemas are taken out at the end (ADR 0012)."""

from __future__ import annotations

import json
from typing import Any

import attr
from grafanalib import core
from grafanalib._gen import DashboardEncoder

from dashboards import logql, naming, panels, promql
from dashboards.estate import Estate
from dashboards.load import Loaded
from dashboards.model import Alert, Dashboard, Jaeger, Loki, Panel, Prom, Query, Variable

SCHEMA = 42
# Keys that grafanalib writes for old schemas, dead in 42.
LEGACY_DASHBOARD = ("style", "rows", "hideControls", "sharedCrosshair", "gnetId", "__inputs", "version")
LEGACY_PANEL = ("span", "height", "minSpan", "error", "editable", "cacheTimeout", "hideTimeOverride", "interval", "timeFrom", "timeShift",
                "repeat", "repeatDirection", "maxPerRow")
RATE_UNITS = frozenset({"reqps", "ops", "rps", "wps", "cps", "s", "ms"})
LOGS_KEY, TRACES_KEY = "logs", "traces"
WIDTH = 24


@attr.s
class Modern(core.Panel):  # type: ignore[misc]  # grafanalib has no types
    """A panel of any type; what is particular to it is in extraJson."""

    type: Any = attr.ib(default="timeseries")

    def to_json_data(self) -> Any:
        return self.panel_json({"type": self.type})


def datasource(source: str) -> dict[str, str]:
    return {"type": source, "uid": f"${{{naming.DATASOURCES[source]}}}"}


def render(loaded: Loaded, dashboard: Dashboard, estate: Estate, context: Context) -> dict[str, Any]:
    """A dashboard as a Grafana API and a provisioning file take it."""
    build = _Builder(loaded, dashboard, estate, context)
    front = core.Dashboard(
        title=dashboard.title, description=dashboard.description, uid=naming.dashboard_uid(loaded.system.id, dashboard.key),
        tags=[naming.PREFIX, loaded.system.id], timezone="browser", schemaVersion=SCHEMA,
        graphTooltip=core.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        time=core.Time(f"now-{dashboard.since}", "now"), refresh=dashboard.refresh,
        templating=core.Templating(list=build.variables()), panels=build.panels(), links=build.links(),
        annotations=core.Annotations(list=[build.alerts_annotation()]))
    data = modern(json.loads(json.dumps(front.to_json_data(), cls=DashboardEncoder)))
    assert isinstance(data, dict)  # noqa: S101 (for the type checker)
    return {**data, "editable": False, "fiscalYearStartMonth": 0, "liveNow": False, "preload": False, "weekStart": ""}


def modern(data: dict[str, Any]) -> dict[str, Any]:
    """A dashboard without nulls and without keys of old schemas."""
    panels = [_without(panel, LEGACY_PANEL) | {"panels": [_without(inner, LEGACY_PANEL) for inner in panel["panels"]]}
              if panel["type"] == "row" else _without(panel, LEGACY_PANEL) for panel in data["panels"]]
    found = _no_nulls(_without(data, LEGACY_DASHBOARD) | {"panels": panels})
    assert isinstance(found, dict)  # noqa: S101 (for the type checker)
    return found


def _without(data: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys}


def _no_nulls(data: Any) -> Any:
    if isinstance(data, dict):  # a first threshold has the value null: minus infinity
        return {key: _no_nulls(value) for key, value in data.items() if value is not None or (key == "value" and "color" in data)}
    return [_no_nulls(value) for value in data] if isinstance(data, list) else data


@attr.s(auto_attribs=True)
class Context:
    """What a dashboard needs to know of the others: every series with its labels, and the dashboards to link to."""

    series: dict[str, tuple[str, ...]]
    siblings: dict[str, list[tuple[str, str]]]  # system id -> [(title, uid)]


class _Builder:
    def __init__(self, loaded: Loaded, dashboard: Dashboard, estate: Estate, context: Context) -> None:
        self.loaded, self.dashboard, self.estate, self.context = loaded, dashboard, estate, context
        self.uid = naming.dashboard_uid(loaded.system.id, dashboard.key)
        self.thresholds = {**loaded.thresholds(), **estate.thresholds.get(loaded.system.id, {})}
        self.alerts: dict[str, list[Alert]] = {}
        for alert in loaded.alerts:
            key, panel = alert.panel.split("/")
            if key == dashboard.key:
                self.alerts.setdefault(panel, []).append(alert)

    # -- frame ---------------------------------------------------------------------------------------------------------
    def variables(self) -> list[dict[str, Any]]:
        found = [{"name": name, "label": label, "type": "datasource", "query": name, "regex": "", "refresh": 1, "hide": 0, "current": {},
                  "options": [], "multi": False, "includeAll": False, "allowCustomValue": False}
                 for name, label in (("prometheus", "Metrics"), ("loki", "Logs"), ("jaeger", "Traces"))]
        return found + [self._variable(variable) for variable in scope_variables(self.loaded, self.dashboard)]

    def _variable(self, variable: Variable) -> dict[str, Any]:
        query = f"label_values({self._scoped(variable.metric, stop=variable.name)}, {variable.label})"
        return {"name": variable.name, "label": variable.title, "type": "query", "datasource": datasource("prometheus"),
                "definition": query, "query": {"query": query, "refId": "StandardVariableQuery", "qryType": 1}, "refresh": 2, "sort": 1,
                "regex": "", "multi": variable.multi, "includeAll": True, "allValue": ".*", "allowCustomValue": False, "hide": 0,
                "options": [],
                "current": {"text": ["All"], "value": ["$__all"]} if variable.multi else {"text": "All", "value": "$__all"}}

    def links(self) -> list[dict[str, Any]]:
        rows = [(title, f"/d/{uid}") for title, uid in (*self.context.siblings.get(self.loaded.system.id, ()), *self.dashboard.links)
                if uid != self.uid]
        if self.uid != naming.LANDING:
            rows.insert(0, ("Landing page", f"/d/{naming.LANDING}"))
        if self.loaded.runbook:
            rows.append(("Runbook", naming.panel_link(self.uid, naming.panel_id("runbook")).split("&$", 1)[0]))
        common = {"keepTime": True, "includeVars": True, "targetBlank": False, "tooltip": ""}
        return [{"type": "link", "title": title, "url": url, "icon": "doc" if title == "Runbook" else "dashboard", "asDropdown": False,
                 "tags": [],
                 **common} for title, url in rows] + [
            {"type": "dashboards", "title": "All dashboards", "url": "", "icon": "external link", "asDropdown": True,
             "tags": [naming.PREFIX], **common}]

    def alerts_annotation(self) -> dict[str, Any]:
        expr = self._scoped(f'ALERTS{{system="{self.loaded.system.id}", alertstate="firing"}}')
        return {"name": "Alerts", "datasource": datasource("prometheus"), "enable": True, "hide": False, "iconColor": "red",
                "expr": expr, "titleFormat": "{{alertname}}", "textFormat": "{{severity}} {{instance}}", "step": "60s"}

    # -- panels --------------------------------------------------------------------------------------------------------
    def panels(self) -> list[Any]:
        """Rows and panels with places; a collapsed row holds its panels."""
        out: list[Any] = []
        top = 0
        rows = [(row.title, row.collapsed, list(row.panels)) for row in self.dashboard.rows]
        if self.loaded.runbook:
            rows.append(("Runbook", True, [panels.text("runbook", "Runbook", "What each alert means and what to do about it.",
                                                       self.loaded.runbook, height=20)]))
        for title, collapsed, declared in rows:
            row_id = naming.panel_id(f"row {title}")
            placed, bottom = self._place(declared, top + 1)
            position = {"x": 0, "y": top, "w": WIDTH, "h": 1}
            out.append({"type": "row", "id": row_id, "title": title, "collapsed": collapsed, "gridPos": position,
                        "panels": placed if collapsed else []})
            if not collapsed:
                out += placed
            top = top + 1 if collapsed else bottom
        return out

    def _place(self, declared: list[Panel], top: int) -> tuple[list[Any], int]:
        """Line by line, each panel as high up as it can stand, which is where Grafana moves it."""
        placed: list[Any] = []
        free = [top] * WIDTH  # by column
        x = 0
        for panel in declared:
            if x + panel.width > WIDTH:
                x = 0
            columns = slice(x, x + panel.width)
            y = max(free[columns])
            placed.append(self.panel(panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
            free[columns] = [y + panel.height] * panel.width
            x += panel.width
        return placed, max(free)

    def panel(self, panel: Panel, position: dict[str, int]) -> Any:
        extra: dict[str, Any] = {"fieldConfig": {"defaults": self._defaults(panel), "overrides": self._overrides(panel)},
                                 "options": self._options(panel), "pluginVersion": "11.0.0"}
        if panel.queries:
            extra["datasource"] = datasource(panel.queries[0].source)
        return Modern(  # type: ignore[call-arg]  # the arguments are those of grafanalib's Panel
            type=panel.kind, id=naming.panel_id(panel.key), title=panel.title, description=self.description(panel), gridPos=position,
            dataSource=extra.get("datasource"), maxDataPoints=None, links=self._panel_links(panel),
            targets=[self.target(panel, query, chr(ord("A") + index)) for index, query in enumerate(panel.queries)],
            transformations=self._transformations(panel), extraJson=extra)

    def description(self, panel: Panel) -> str:
        names = [alert.name for alert in self.alerts.get(panel.key, ())]
        return panel.description + (f"\n\nAlerts: {', '.join(names)}" if names else "")

    def target(self, panel: Panel, query: Query, ref: str) -> dict[str, Any]:
        expr = self.expression(query)
        if isinstance(query, Prom):
            found: dict[str, Any] = {"refId": ref, "datasource": datasource("prometheus"), "expr": expr, "legendFormat": query.legend,
                                     "editorMode": "code", "range": not query.instant, "instant": query.instant}
            if panel.kind == "heatmap":
                found["format"] = "heatmap"
            elif panel.kind == "table":
                found["format"] = "table"
            if self.exemplars(panel, query):
                found["exemplar"] = True
            return found
        if isinstance(query, Loki):
            return {"refId": ref, "datasource": datasource("loki"), "expr": expr, "legendFormat": query.legend, "editorMode": "code",
                    "queryType": "instant" if query.instant else "range"}
        if query.expr == "dependencies":
            return {"refId": ref, "datasource": datasource("jaeger"), "queryType": "dependencyGraph"}
        return {"refId": ref, "datasource": datasource("jaeger"), "queryType": "search", "service": expr, "limit": 20}

    def exemplars(self, panel: Panel, query: Query) -> bool:
        """Exemplars on every latency of buckets: a dot that leads to the trace."""
        return isinstance(query, Prom) and not query.instant and "_bucket" in query.expr and panel.kind in ("timeseries", "heatmap")

    def expression(self, query: Query) -> str:
        """As Grafana gets it: thresholds in, region and the dashboard's other variables as selectors."""
        if isinstance(query, Jaeger):
            return query.expr
        where = f"{self.loaded.system.id}/{self.dashboard.key}"
        expr = promql.thresholds(_keep(query.expr, self._names()), self.thresholds, where)
        expr = expr.replace("\x00", "$")
        return self._scoped(expr) if isinstance(query, Prom) else logql.scoped(expr, self._log_selectors())

    def _names(self) -> list[str]:
        return [variable.name for variable in scope_variables(self.loaded, self.dashboard)]

    def _scoped(self, expr: str, stop: str = "") -> str:
        variables = scope_variables(self.loaded, self.dashboard)
        if stop:
            variables = variables[:next(i for i, variable in enumerate(variables) if variable.name == stop)]

        def selectors(name: str) -> dict[str, str]:
            labels = self.context.series.get(name)
            if labels is None:
                return {}
            return {v.label: f'=~"${v.name}"' for v in variables if v.label in labels}
        return promql.scoped(expr, selectors)

    def _log_selectors(self) -> dict[str, str]:
        return {"region": '=~"$region"'} if any(v.name == "region" for v in scope_variables(self.loaded, self.dashboard)) else {}

    # -- fields --------------------------------------------------------------------------------------------------------
    def _defaults(self, panel: Panel) -> dict[str, Any]:
        options = panel.options
        found: dict[str, Any] = {"unit": panel.unit or "short", "thresholds": {"mode": "absolute", "steps": self.steps(panel)},
                                 "color": {"mode": "thresholds" if panel.kind in ("stat", "gauge", "bargauge", "state-timeline")
                                           else "palette-classic"},
                                 "mappings": _mappings(options.get("values")), "links": self.data_links(panel)}
        for key in ("min", "max", "decimals"):
            if key in options:
                found[key] = options[key]
        if panel.kind == "timeseries":
            stack = bool(options.get("stack"))
            found["custom"] = {
                "drawStyle": "bars" if options.get("bars") else "line", "lineInterpolation": "linear", "lineWidth": 1,
                "fillOpacity": 60 if options.get("bars") else 25 if stack else 8, "gradientMode": "none", "showPoints": "never",
                "spanNulls": False,
                "axisPlacement": "auto", "axisLabel": "", "scaleDistribution": {"type": "log", "log": 10} if options.get("log")
                else {"type": "linear"},
                "stacking": {"mode": "normal" if stack else "none", "group": "A"},
                "thresholdsStyle": {"mode": "dashed" if len(found["thresholds"]["steps"]) > 1 else "off"}}
        elif panel.kind == "table":
            found["custom"] = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False}
        elif panel.kind == "state-timeline":
            found["custom"] = {"fillOpacity": 75, "lineWidth": 0}
        return found

    def steps(self, panel: Panel) -> list[dict[str, Any]]:
        """Thresholds drawn: the panel's own, else those of the alerts that look at it."""
        if panel.steps:
            return [{"value": value, "color": color} for value, color in panel.steps]
        found: list[dict[str, Any]] = [{"value": None, "color": "green"}]
        for alert in self.alerts.get(panel.key, ()):
            for threshold in alert.thresholds:
                if f"> ${threshold.id}" in alert.expr or f">= ${threshold.id}" in alert.expr:
                    color = "red" if alert.severity == "critical" else "orange"
                    found.append({"value": self.thresholds.get(threshold.id, threshold.default), "color": color})
        return [found[0], *sorted({step["value"]: step for step in found[1:]}.values(), key=lambda step: step["value"])]

    def data_links(self, panel: Panel) -> list[dict[str, Any]]:
        """From a point of a rate or a latency to the lines and the traces of that time."""
        if panel.unit not in RATE_UNITS or panel.kind not in ("timeseries", "heatmap", "stat", "table", "bargauge"):
            return []
        keys = {other.key: other for other in self.dashboard.panels()}
        links = []
        if LOGS_KEY in keys:
            links.append(("Logs of this time", naming.panel_link(self.uid, naming.panel_id(LOGS_KEY))))
        trace = next((key for key, other in keys.items() if other.kind == "traces"), None)
        if trace:
            links.append(("Traces of this time", naming.panel_link(self.uid, naming.panel_id(trace))))
        return [{"title": title, "url": url, "targetBlank": False} for title, url in links]

    def _panel_links(self, panel: Panel) -> list[dict[str, Any]]:
        """The runbook of each alert that looks at the panel, where the estate says an address for it."""
        if not self.estate.pages:
            return []
        return [{"title": f"Runbook: {alert.name}", "url": naming.runbook_url(self.estate, self.loaded.system.id, alert.name),
                 "targetBlank": True}
                for alert in self.alerts.get(panel.key, ())]

    def _overrides(self, panel: Panel) -> list[dict[str, Any]]:
        units = panel.options.get("units") or {}
        assert isinstance(units, dict)  # noqa: S101 (for the type checker)
        links = panel.options.get("links") or {}
        assert isinstance(links, dict)  # noqa: S101 (for the type checker)
        colors, digits = panel.options.get("colors") or {}, panel.options.get("digits") or {}
        assert isinstance(colors, dict) and isinstance(digits, dict)  # noqa: S101 (for the type checker)
        return [{"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]}
                for name, unit in units.items()] + [
            {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "decimals", "value": count}]}
            for name, count in digits.items()] + [
            {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "links", "value": [
                {"title": title, "url": url, "targetBlank": False}]}]} for name, (title, url) in links.items()] + [
            {"matcher": {"id": "byName", "options": name}, "properties": [
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                {"id": "mappings", "value": _mappings(what)} if isinstance(what, dict) else
                {"id": "thresholds", "value": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in what]}},
            ]} for name, what in colors.items()]

    def _transformations(self, panel: Panel) -> list[dict[str, Any]]:
        if panel.kind != "table":
            return []
        columns = panel.options.get("columns") or {}
        hide = panel.options.get("hide") or ()
        assert isinstance(columns, dict) and isinstance(hide, tuple)  # noqa: S101 (for the type checker)
        names = {**columns, **{f"Value #{chr(65 + i)}" if len(panel.queries) > 1 else "Value": query.legend
                               for i, query in enumerate(panel.queries) if query.legend != "__auto"}}
        return [{"id": "merge", "options": {}},
                {"id": "organize", "options": {"excludeByName": dict.fromkeys(("Time", "__name__", "job", *hide), True),
                                               "renameByName": names, "indexByName": {name: index for index, name in enumerate(names)}}}]

    def _options(self, panel: Panel) -> dict[str, Any]:
        options = panel.options
        reduce = {"calcs": [options.get("calc", "lastNotNull")], "fields": "", "values": False}
        legend = {"displayMode": "table" if options.get("calcs") else "list", "placement": "bottom", "showLegend": True,
                  "calcs": list(options.get("calcs") or ())}  # type: ignore[call-overload]
        per_kind: dict[str, dict[str, Any]] = {
            "timeseries": {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}},
            "stat": {"reduceOptions": reduce, "colorMode": "value", "graphMode": "area", "textMode": options.get("text", "auto"),
                     "justifyMode": "auto",
                     "orientation": "auto", "wideLayout": True},
            "gauge": {"reduceOptions": reduce, "showThresholdLabels": False, "showThresholdMarkers": True, "orientation": "auto"},
            "bargauge": {"reduceOptions": reduce, "displayMode": "gradient", "orientation": "horizontal", "showUnfilled": True,
                         "valueMode": "color"},
            "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": ""},
                      "sortBy": [{"displayName": name, "desc": down} for name, down in options.get("sort") or ()]},  # type: ignore[attr-defined]
            "heatmap": {"calculate": False, "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64}, "yAxis": {"unit": panel.unit},
                        "cellGap": 1, "tooltip": {"mode": "single", "yHistogram": True}, "legend": {"show": True},
                        "exemplars": {"color": "orange"}},
            "state-timeline": {"mergeValues": True, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9, "legend": legend,
                               "tooltip": {"mode": "single", "sort": "none"}},
            "logs": {"showTime": True, "wrapLogMessage": True, "enableLogDetails": True, "dedupStrategy": "none", "sortOrder": "Descending",
                     "prettifyLogMessage": False, "showLabels": False, "showCommonLabels": False},
            "traces": {}, "nodeGraph": {"nodes": {}, "edges": {}},
            "text": {"mode": "markdown", "content": options.get("content", "")}}
        return per_kind[panel.kind]


def scope_variables(loaded: Loaded, dashboard: Dashboard) -> list[Variable]:
    """The variables of a dashboard in their order: region, its own, instance; each narrows those after it."""
    region = Variable("region", "region", "up", "Region")
    found = [region, *dashboard.variables]
    if dashboard.instances and loaded.system.jobs:
        jobs = "|".join(loaded.system.jobs)
        found.append(Variable("instance", "instance", f'up{{job=~"{jobs}"}}', "Instance"))
    return found


def _keep(expr: str, names: list[str]) -> str:
    """Hide Grafana's variables from the thresholds' $."""
    for name in ("__rate_interval", "__range_s", "__range", "__interval", "__auto", *names):
        expr = expr.replace(f"${name}", f"\x00{name}")
    return expr


def _mappings(values: object) -> list[dict[str, Any]]:
    if not values:
        return []
    assert isinstance(values, dict)  # noqa: S101 (for the type checker)
    return [{"type": "value", "options": {str(value): {"text": text, "color": color, "index": index}
                                          for index, (value, (text, color)) in enumerate(values.items())}}]


def dump(data: dict[str, Any]) -> str:
    """The file's text: sorted keys, so that equal content is equal bytes."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
