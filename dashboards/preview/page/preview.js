// Draws a dashboard of the bundle: what Grafana would show, with nothing but this file and uPlot. The data come from the preview's server
// (lines of JSON, one a panel) or stand in the page. No text of a service is ever put in as HTML.
(() => {
  "use strict";
  const started = performance.now();
  const $ = (id) => document.getElementById(id);
  const spec = JSON.parse($("spec")?.textContent || "null");
  const recorded = JSON.parse($("recorded")?.textContent || "null");

  // -- units: value to [text, unit] ---------------------------------------------------------------------------------------
  const SI = ["", " K", " Mil", " Bil", " Tri"];
  const DECIMAL = ["", "k", "M", "G", "T", "P", "E"],
    BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
  const TIMES = [
    [1e-9, "ns"],
    [1e-6, "µs"],
    [1e-3, "ms"],
    [1, "s"],
    [60, "min"],
    [3600, "h"],
    [86400, "d"],
    [604800, "w"],
    [31557600, "y"],
  ];
  const scaled = (steps, base, suffix) => ({ scale: base, steps, suffix });
  const time = (factor) => ({ seconds: factor });
  const plain = (suffix) => ({ steps: SI, scale: 1000, suffix });
  const UNITS = {
    none: { steps: [""], scale: Infinity, suffix: "" },
    short: plain(""),
    string: { text: true },
    percent: { fixed: "%", factor: 1 },
    percentunit: { fixed: "%", factor: 100 },
    bytes: scaled(BINARY, 1024, "B"),
    decbytes: scaled(DECIMAL, 1000, "B"),
    bits: scaled(BINARY, 1024, "b"),
    decbits: scaled(DECIMAL, 1000, "b"),
    kbytes: { ...scaled(BINARY, 1024, "B"), factor: 1024 },
    mbytes: { ...scaled(BINARY, 1024, "B"), factor: 1048576 },
    Bps: scaled(DECIMAL, 1000, "B/s"),
    binBps: scaled(BINARY, 1024, "B/s"),
    bps: scaled(DECIMAL, 1000, "b/s"),
    binbps: scaled(BINARY, 1024, "b/s"),
    pps: scaled(DECIMAL, 1000, "p/s"),
    ns: time(1e-9),
    µs: time(1e-6),
    us: time(1e-6),
    ms: time(1e-3),
    s: time(1),
    m: time(60),
    h: time(3600),
    d: time(86400),
    dtdurations: time(1),
    dtdurationms: time(1e-3),
    clocks: time(1),
    reqps: plain("req/s"),
    ops: plain("ops/s"),
    rps: plain("rd/s"),
    wps: plain("wr/s"),
    cps: plain("c/s"),
    iops: plain("io/s"),
    eps: plain("evt/s"),
    mps: plain("msg/s"),
    reqpm: plain("req/m"),
    opm: plain("ops/m"),
    cpm: plain("c/m"),
    hertz: scaled(DECIMAL, 1000, "Hz"),
    watt: scaled(DECIMAL, 1000, "W"),
    joule: scaled(DECIMAL, 1000, "J"),
    celsius: { fixed: "°C", factor: 1 },
    volt: scaled(DECIMAL, 1000, "V"),
    rotrpm: { fixed: "rpm", factor: 1 },
    currencyEUR: { prefix: "€" },
    currencyUSD: { prefix: "$" },
    currencyGBP: { prefix: "£" },
    currencyCHF: { prefix: "CHF " },
    bool: { words: ["False", "True"] },
    bool_yes_no: { words: ["No", "Yes"] },
    bool_on_off: { words: ["Off", "On"] },
    dateTimeAsIso: { date: 1 },
    dateTimeAsLocal: { date: 1 },
    dateTimeFromNow: { ago: 1 },
    locale: { grouped: true },
  };
  function digits(value, decimals) {
    if (decimals != null) return value.toFixed(decimals);
    const size = Math.abs(value);
    if (size === 0) return "0";
    const count = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size)));
    return String(Number(value.toFixed(count)));
  }
  function parts(value, unit, decimals) {
    if (value == null || Number.isNaN(value)) return ["–", ""];
    if (typeof value === "string") return [value, ""];
    const kind = UNITS[unit || "short"];
    if (!kind) {
      if (unit.startsWith("suffix:")) return [digits(value, decimals), unit.slice(7)];
      if (unit.startsWith("prefix:")) return [unit.slice(7) + digits(value, decimals), ""];
      return [digits(value, decimals), unit];
    }
    if (kind.text) return [String(value), ""];
    if (kind.words) return [kind.words[value ? 1 : 0], ""];
    if (kind.date) return [stamp(value / 1000, true), ""];
    if (kind.ago) {
      const left = value / 1000 - Date.now() / 1000,
        [text, name] = parts(Math.abs(left), "s", 0);
      return [`${left > 0 ? "in " : ""}${text} ${name}${left > 0 ? "" : " ago"}`, ""];
    }
    if (kind.grouped) return [value.toLocaleString("en"), ""];
    if (kind.prefix) {
      const [text, more] = parts(value, "short", decimals);
      return [(value < 0 ? "-" : "") + kind.prefix + text.replace("-", ""), more];
    }
    if (kind.fixed) return [digits(value * kind.factor, decimals), kind.fixed];
    if (kind.seconds) {
      const all = value * kind.seconds,
        size = Math.abs(all);
      if (size === 0) return ["0", "s"];
      let found = TIMES[0];
      for (const step of TIMES) if (size >= step[0] * 0.9999999) found = step;
      return [digits(all / found[0], decimals), found[1]];
    }
    let size = value * (kind.factor || 1),
      index = 0;
    while (Math.abs(size) >= kind.scale * 0.99999999 && index < kind.steps.length - 1) {
      size /= kind.scale;
      index += 1;
    }
    return [digits(size, decimals), (kind.steps[index] + (kind.steps === SI && kind.suffix ? " " : "") + kind.suffix).trim()];
  }
  function format(value, unit, decimals) {
    const [text, name] = parts(value, unit, decimals);
    return name ? text + (name === "%" || name === "°C" ? " " : " ") + name : text;
  }
  // Distances between the marks of an axis, so that they are round in the unit they are shown in.
  function increments(unit) {
    const kind = UNITS[unit] || {},
      list = [];
    if (kind.scale === 1024) {
      for (let power = 0; power < 60; power += 1) list.push(2 ** power);
      return list;
    }
    if (kind.seconds) {
      for (let power = -9; power < 0; power += 1) for (const n of [1, 2, 2.5, 5]) list.push(n * 10 ** power);
      list.push(
        1,
        2,
        5,
        10,
        15,
        20,
        30,
        60,
        120,
        300,
        600,
        900,
        1200,
        1800,
        3600,
        7200,
        14400,
        21600,
        43200,
        86400,
        172800,
        604800,
        1209600,
        2419200,
        7862400,
        31557600,
      );
      return list.map((n) => n / kind.seconds);
    }
    return undefined;
  }

  // -- time ---------------------------------------------------------------------------------------------------------------
  const two = (n) => String(n).padStart(2, "0");
  function stamp(seconds, date) {
    const at = new Date(seconds * 1000),
      clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    return date ? `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}` : clock;
  }
  function ticks(_plot, values, _axis, _space, distance) {
    let day = null;
    return values.map((value) => {
      const at = new Date(value * 1000),
        date = `${two(at.getMonth() + 1)}-${two(at.getDate())}`,
        clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
      const fresh = day !== null && day !== date;
      day = date;
      return distance >= 86400 ? date : fresh ? date : distance >= 60 ? clock : `${clock}:${two(at.getSeconds())}`;
    });
  }

  // -- colours ------------------------------------------------------------------------------------------------------------
  const SERIES = {
    light: [
      "#2f6bd8",
      "#1f8f5a",
      "#c08400",
      "#d4542a",
      "#8247c9",
      "#0e8ba1",
      "#c93b78",
      "#6f8a12",
      "#5b6b82",
      "#a3632a",
      "#148f75",
      "#4b4fc4",
    ],
    dark: [
      "#7aa8ff",
      "#6fd39b",
      "#f0c050",
      "#ff8f6b",
      "#c79bff",
      "#5ccfe0",
      "#ff86b3",
      "#b6cf5a",
      "#9fb0c8",
      "#e0a36c",
      "#7fe0c3",
      "#9a9eff",
    ],
  };
  const LEVELS = [
    [/^(fatal|panic|critical|crit|alert|emerg\w*|error|err|firing|failed)$/i, "red"],
    [/^warn(ing)?$/i, "orange"],
    [/^(info|notice|information)$/i, "blue"],
    [/^(debug|trace|unknown|unset|)$/i, "grey"],
  ];
  const theme = () => document.documentElement.dataset.theme;
  const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  function color(name) {
    const base = String(name || "green").replace(/^(dark|semi-dark|light|super-light)-/, "");
    if (base.startsWith("#") || base.startsWith("rgb")) return base;
    return shade({ text: "ink", transparent: "soft", gray: "grey" }[base] || base) || shade("grey");
  }
  const level = (name) => LEVELS.find(([pattern]) => pattern.test(name))?.[1];
  function seriesColor(name, index) {
    const word = level(String(name).trim());
    return word && name !== "" ? color(word) : SERIES[theme()][index % 12];
  }
  function alpha(hex, share) {
    return hex.length === 7
      ? hex +
          Math.round(share * 255)
            .toString(16)
            .padStart(2, "0")
      : hex;
  }
  function step(value, field) {
    let found = null;
    for (const one of field.thresholds?.steps || []) if (one.value == null || (value != null && value >= one.value)) found = one;
    return found ? found.color : "green";
  }
  function mapped(value, field) {
    for (const mapping of field.mappings || []) {
      if (mapping.type === "value" && mapping.options[String(value)]) return mapping.options[String(value)];
      if (
        mapping.type === "range" &&
        value != null &&
        value >= (mapping.options.from ?? -Infinity) &&
        value <= (mapping.options.to ?? Infinity)
      )
        return mapping.options.result;
      if (mapping.type === "special" && value == null && /null/.test(mapping.options.match)) return mapping.options.result;
    }
    return null;
  }
  const shown = (value, field) => mapped(value, field)?.text ?? format(value, field.unit, field.decimals);
  const valueColor = (value, field) => color(mapped(value, field)?.color || step(value, field));

  // -- elements -----------------------------------------------------------------------------------------------------------
  function el(name, more = {}, ...children) {
    const [tag, ...classes] = name.split("."),
      made = document.createElement(tag);
    if (classes.length) made.className = classes.join(" ");
    for (const [key, value] of Object.entries(more)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (key === "style") Object.assign(made.style, value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
    return made;
  }
  function svg(tag, more = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function icon(path, ring) {
    const made = svg(
      "svg",
      {
        viewBox: "0 0 16 16",
        width: 14,
        height: 14,
        fill: "none",
        stroke: "currentColor",
        "stroke-width": 1.5,
        "stroke-linecap": "round",
        "stroke-linejoin": "round",
        "aria-hidden": "true",
        class: "icon",
      },
      svg("path", { d: path }),
    );
    if (ring) made.append(svg("circle", { cx: 8, cy: 8, r: 6.2 }));
    return made;
  }

  // -- state: variables and time are in the address, as in Grafana -----------------------------------------------------------
  const state = {
    variables: {},
    from: "now-1h",
    to: "now",
    refresh: "",
    place: "",
    options: {},
    alerts: {},
    window: null,
    frames: {},
    open: new Set(),
  };
  function readAddress() {
    const query = new URLSearchParams(location.search);
    state.from = query.get("from") || spec.time.from;
    state.to = query.get("to") || spec.time.to;
    state.place = spec.places.includes(query.get("place")) ? query.get("place") : spec.places[0];
    state.refresh = query.get("refresh") ?? spec.refresh ?? "";
    for (const variable of spec.variables) {
      const values = query.getAll(`var-${variable.name}`).filter((value) => value !== "");
      state.variables[variable.name] = !values.length || values.includes("$__all") || values.includes("All") ? ["$__all"] : values;
    }
    if (recorded) {
      state.variables = { ...state.variables, ...recorded.variables };
      state.place = recorded.place;
    }
  }
  function variableQuery(names) {
    return names
      .flatMap((name) => (state.variables[name] || ["$__all"]).map((value) => `var-${name}=${encodeURIComponent(value)}`))
      .join("&");
  }
  const timeQuery = () => `from=${encodeURIComponent(state.from)}&to=${encodeURIComponent(state.to)}`;
  function carried() {
    const rest = [variableQuery(spec.variables.map((v) => v.name).filter((name) => state.variables[name][0] !== "$__all")), timeQuery()];
    if (state.place) rest.push(`place=${encodeURIComponent(state.place)}`);
    return rest.filter(Boolean).join("&");
  }
  function address(push) {
    if (recorded) return;
    const rest = [carried()];
    if (state.refresh !== (spec.refresh || "")) rest.push(`refresh=${state.refresh}`);
    if (state.solo) rest.push(`viewPanel=${state.solo}`);
    history[push ? "pushState" : "replaceState"](null, "", `${location.pathname}?${rest.join("&")}${location.hash}`);
  }
  // A link of Grafana (/d/<uid>?...) as a page of the preview; "" when the bundle has no such dashboard.
  function link(url, fields = {}, value = "") {
    const filled = url
      .replace(/\$\{__all_variables\}/g, () => variableQuery(spec.variables.map((v) => v.name)))
      .replace(/\$\{__url_time_range\}/g, timeQuery)
      .replace(/\$\{__value\.(?:text|raw|numeric)\}/g, () => encodeURIComponent(value))
      .replace(/\$\{__data\.fields(?:\.([^}[\]]+)|\["([^"]+)"\])\}/g, (_all, a, b) => encodeURIComponent(fields[a || b] ?? ""))
      .replace(/\$\{__series\.name\}|\$\{__field\.name\}/g, () => encodeURIComponent(fields.__name ?? ""))
      .replace(/\$\{(\w+):queryparam\}/g, (_all, name) => variableQuery([name]))
      .replace(/\$\{(\w+)\}/g, (all, name) => (state.variables[name] ? state.variables[name].join(",") : all));
    const match = /^\/d\/([^?/]+)(?:\/[^?]*)?(?:\?(.*))?$/.exec(filled);
    if (!match) return /^(https?:|\/|#)/.test(filled) ? filled : "";
    if (!spec.dashboards?.some((one) => one.uid === match[1])) return "";
    const rest = (match[2] || "").split("&").filter((pair) => pair && !pair.startsWith("viewPanel="));
    if (state.place) rest.push(`place=${encodeURIComponent(state.place)}`);
    const panel = /(?:^|&)viewPanel=(\d+)/.exec(match[2] || "");
    return `${spec.up}dashboards/${match[1]}.html${rest.length ? `?${rest.join("&")}` : ""}${panel ? `#panel-${panel[1]}` : ""}`;
  }

  // -- tooltip ------------------------------------------------------------------------------------------------------------
  const tip = el("div.tip", { hidden: true });
  function showTip(x, y, rows) {
    tip.replaceChildren(...rows);
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, x + 14 + box.width > innerWidth ? x - box.width - 14 : x + 14)}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - box.height - 6))}px`;
  }
  function hideTip() {
    if (!tip.classList.contains("fixed")) tip.hidden = true;
  }
  function menu(x, y, links) {
    if (!links.length) return;
    tip.classList.add("fixed");
    showTip(x, y, links);
    const close = (event) => {
      if (!tip.contains(event.target)) {
        tip.classList.remove("fixed");
        tip.hidden = true;
        document.removeEventListener("pointerdown", close);
      }
    };
    setTimeout(() => document.addEventListener("pointerdown", close));
  }

  // -- charts -------------------------------------------------------------------------------------------------------------
  const FONT = "11px system-ui, sans-serif";
  const plots = new Map(); // panel id -> [uPlot]
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const plot = entry.target.plot,
        { width, height } = entry.contentRect;
      if (plot && width > 20 && height > 20 && (Math.abs(plot.width - width) > 1 || Math.abs(plot.height - height) > 1))
        plot.setSize({ width, height });
    }
  });
  function plot(panel, holder, options, data) {
    const box = holder.getBoundingClientRect();
    const made = new uPlot(
      { width: Math.max(40, Math.floor(box.width)), height: Math.max(24, Math.floor(box.height)), legend: { show: false }, ...options },
      data,
      holder,
    );
    holder.plot = made;
    sizes.observe(holder);
    if (!plots.has(panel.id)) plots.set(panel.id, []);
    plots.get(panel.id).push(made);
    return made;
  }
  function clear(panel) {
    for (const one of plots.get(panel.id) || []) {
      sizes.unobserve(one.root.parentNode);
      one.destroy();
    }
    plots.delete(panel.id);
  }
  function xAxis() {
    return {
      stroke: shade("dim"),
      font: FONT,
      grid: { stroke: shade("grid"), width: 1 },
      ticks: { stroke: shade("grid"), size: 4 },
      values: ticks,
      size: 26,
      space: 70,
    };
  }
  function yAxis(unit, decimals) {
    return {
      stroke: shade("dim"),
      font: FONT,
      grid: { stroke: shade("grid"), width: 1 },
      ticks: { show: false },
      gap: 4,
      space: 30,
      incrs: increments(unit),
      size: (_plot, values) => (values ? Math.max(34, 10 + 6.3 * Math.max(...values.map((text) => (text || "").length))) : 40),
      values: (_plot, values) => values.map((value) => (value == null ? "" : format(Math.abs(value) < 1e-12 ? 0 : value, unit, decimals))),
    };
  }
  const times = (frame, length) => Array.from({ length }, (_none, index) => frame.start + index * frame.step);
  const cursor = (points) => ({
    sync: { key: "x", setSeries: false },
    drag: { x: spec?.live ?? false, y: false, setScale: false },
    points: points ? { size: 6 } : { show: false },
    y: false,
  });
  function zoom(made) {
    const { left, width } = made.select;
    if (width < 8) return;
    const from = made.posToVal(left, "x"),
      to = made.posToVal(left + width, "x");
    made.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    setTime(String(Math.round(from * 1000)), String(Math.round(to * 1000)));
  }
  // Red where an alert of this panel fired; a mark above where another of the dashboard did.
  function alertBands(panel) {
    return (made) => {
      const { ctx, bbox } = made;
      for (const [name, alert] of Object.entries(state.alerts)) {
        const own = panel.alerts.includes(name),
          tint = color(alert.severity === "critical" ? "red" : alert.severity === "info" ? "blue" : "orange");
        for (const [from, to] of alert.spans) {
          const left = Math.max(made.valToPos(from, "x", true), bbox.left),
            right = Math.min(made.valToPos(to, "x", true), bbox.left + bbox.width);
          if (right < bbox.left || left > bbox.left + bbox.width) continue;
          ctx.fillStyle = own ? alpha(tint, 0.12) : alpha(tint, 0.45);
          ctx.fillRect(left, bbox.top, Math.max(right - left, 2 * devicePixelRatio), own ? bbox.height : 2 * devicePixelRatio);
        }
      }
    };
  }
  function dataLinks(panel, fields) {
    return (panel.field.links || [])
      .map((one) => ({ title: one.title, url: link(one.url, fields) }))
      .filter((one) => one.url)
      .map((one) => el("a", { href: one.url }, one.title));
  }

  function timeseries(panel, frame, body) {
    const custom = panel.field.custom || {},
      list = frame.series,
      bars = custom.drawStyle === "bars",
      stacked = custom.stacking?.mode === "normal" && list.length > 1;
    const length = list[0].values.length,
      xs = times(frame, length),
      log = custom.scaleDistribution?.type === "log";
    const tints = list.map((one, index) => seriesColor(one.name, index)),
      hidden = state.hidden?.[panel.id] || new Set();
    const holder = el("div.chart"),
      legend = legendOf(panel, list, tints, hidden, () => {
        state.hidden = { ...state.hidden, [panel.id]: hidden };
        draw(panel);
      });
    body.append(holder, legend);
    const visible = list.map((_one, index) => index).filter((index) => !hidden.has(list[index].name));
    let order = visible,
      columns = order.map((index) => list[index].values);
    if (stacked) {
      // the highest sum first, so that the lower ones stand before it
      const sum = new Array(length).fill(0);
      columns = order.map((index) =>
        list[index].values.map((value, i) => {
          if (value == null && !order.some((other) => list[other].values[i] != null)) return null;
          sum[i] += value || 0;
          return sum[i];
        }),
      );
      order = [...order].reverse();
      columns = columns.reverse();
    }
    if (log) columns = columns.map((values) => values.map((value) => (value > 0 ? value : null)));
    const points = (frame.exemplars || []).filter((one) => one.t >= xs[0] && one.t <= xs[length - 1]);
    const lonely = (values) => {
      let found = 0;
      values.forEach((value, i) => {
        if (value != null && values[i - 1] == null && values[i + 1] == null) found += 1;
      });
      return found > 0;
    };
    const opacity = (custom.fillOpacity ?? 8) / 100;
    const made = plot(
      panel,
      holder,
      {
        padding: [8, 18, 0, 0],
        cursor: cursor(true),
        scales: {
          x: { time: true, range: () => [state.window?.start ?? xs[0], state.window?.end ?? xs[length - 1]] },
          y: log ? { distr: 3, log: 10 } : { range: (_plot, low, high) => span(bars ? Math.min(0, low ?? 0) : low, high, panel.field) },
        },
        axes: [xAxis(), yAxis(panel.field.unit, panel.field.decimals)],
        series: [
          {},
          ...order.map((index) => ({
            label: list[index].name,
            stroke: tints[index],
            width: bars ? 0 : (custom.lineWidth ?? 1) + 0.3,
            spanGaps: Boolean(custom.spanNulls),
            fill: bars
              ? alpha(tints[index], stacked ? 1 : 0.65)
              : opacity
                ? alpha(tints[index], stacked ? Math.max(0.35, opacity) : list.length > 6 ? opacity / 2 : opacity)
                : undefined,
            paths: bars ? uPlot.paths.bars({ size: [0.85, 40], gap: 0 }) : undefined,
            points: { show: !bars && lonely(list[index].values), size: 4, fill: tints[index] },
          })),
        ],
        bands: stacked && !bars ? order.slice(0, -1).map((_index, i) => ({ series: [i + 1, i + 2] })) : undefined,
        hooks: {
          drawClear: [alertBands(panel)],
          setSelect: [zoom],
          draw: [(self) => thresholdLines(self, panel), (self) => diamonds(self, points)],
          setCursor: [
            (self) => {
              if (!self.over.matches(":hover")) return;
              const { idx, left, top } = self.cursor;
              if (idx == null || left < 0) return hideTip();
              const over = self.over.getBoundingClientRect(),
                at = self.posToVal(top, "y");
              const near = points.find((one) => Math.hypot(self.valToPos(one.t, "x") - left, self.valToPos(one.v, "y") - top) < 7);
              const rows = visible
                .map((index) => [index, list[index].values[idx]])
                .filter((row) => row[1] != null)
                .sort((a, b) => b[1] - a[1]);
              const best = stacked
                ? null
                : rows.reduce((found, row) => (found == null || Math.abs(row[1] - at) < Math.abs(found[1] - at) ? row : found), null);
              const cut = best ? Math.max(0, Math.min(rows.indexOf(best) - 6, rows.length - 14)) : 0;
              showTip(
                over.left + left,
                over.top + top,
                [
                  el("time", {}, stamp(xs[idx], true)),
                  near &&
                    el(
                      "div",
                      {},
                      el("i", { style: { background: color("orange") } }),
                      el("span", {}, "trace: click to open"),
                      el("b", {}, format(near.v, panel.field.unit)),
                    ),
                  ...rows
                    .slice(cut, cut + 14)
                    .map((row) =>
                      el(
                        row === best && rows.length > 1 ? "div.near" : "div",
                        {},
                        el("i", { style: { background: tints[row[0]] } }),
                        el("span", {}, list[row[0]].name),
                        el("b", {}, format(row[1], panel.field.unit, panel.field.decimals)),
                      ),
                    ),
                  rows.length > 14 && el("div", {}, `${rows.length - 14} more`),
                ].filter(Boolean),
              );
            },
          ],
        },
      },
      [xs, ...columns],
    );
    made.over.addEventListener("mouseleave", hideTip);
    made.over.addEventListener("click", (event) => {
      const { left, top } = made.cursor,
        near = points.find((one) => Math.hypot(made.valToPos(one.t, "x") - left, made.valToPos(one.v, "y") - top) < 7);
      if (near) return openTrace(near.trace);
      menu(event.clientX, event.clientY, dataLinks(panel, {}));
    });
  }
  function span(low, high, field) {
    if (low == null) return [field.min ?? 0, field.max ?? 1];
    if (low === 0 && high === 0) return [field.min ?? 0, field.max ?? 1];
    const found = uPlot.rangeNum(low, high, { min: { pad: 0.1, soft: 0, mode: 3 }, max: { pad: 0.1, soft: 0, mode: 3 } });
    if (field.min != null) found[0] = field.min;
    if (field.max != null) found[1] = field.max;
    return found[0] < found[1] ? found : [found[0], found[0] + 1];
  }
  function thresholdLines(made, panel) {
    const mode = panel.field.custom?.thresholdsStyle?.mode || "off";
    if (mode === "off") return;
    const { ctx, bbox } = made;
    ctx.save();
    ctx.setLineDash([6 * devicePixelRatio, 5 * devicePixelRatio]);
    ctx.lineWidth = 1.2 * devicePixelRatio;
    for (const one of panel.field.thresholds?.steps || []) {
      if (one.value == null || one.value < made.scales.y.min || one.value > made.scales.y.max) continue;
      const y = made.valToPos(one.value, "y", true);
      ctx.strokeStyle = alpha(color(one.color), 0.75);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }
  function diamonds(made, points) {
    const { ctx, bbox } = made,
      size = 3 * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = alpha(color("orange"), 0.7);
    for (const one of points) {
      const x = made.valToPos(one.t, "x", true),
        y = made.valToPos(one.v, "y", true);
      if (x < bbox.left || x > bbox.left + bbox.width || y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.beginPath();
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x, y + size);
      ctx.lineTo(x - size, y);
      ctx.fill();
    }
    ctx.restore();
  }
  const CALCS = {
    lastNotNull: "Last *",
    last: "Last",
    first: "First",
    firstNotNull: "First *",
    mean: "Mean",
    min: "Min",
    max: "Max",
    sum: "Total",
    count: "Count",
    range: "Range",
    diff: "Difference",
  };
  function legendOf(panel, list, tints, hidden, changed) {
    const calcs = panel.options.legend?.calcs || [];
    const entry = (one, index) =>
      el(
        hidden.has(one.name) ? "button.off" : "button",
        {
          title: `${one.name}\nclick: this one alone; with Ctrl: hide or show it`,
          onclick: (event) => {
            const others = list.map((other) => other.name).filter((name) => name !== one.name);
            if (event.ctrlKey || event.metaKey) {
              if (!hidden.delete(one.name)) hidden.add(one.name);
            } else if (others.length && others.every((name) => hidden.has(name)) && !hidden.has(one.name)) hidden.clear();
            else {
              hidden.clear();
              others.forEach((name) => hidden.add(name));
            }
            changed();
          },
        },
        el("i", { style: { background: tints[index] } }),
        el("span", {}, one.name),
      );
    if (panel.options.legend?.showLegend === false) return el("div");
    if (panel.options.legend?.displayMode === "table") {
      return el(
        "div.legend",
        {},
        el(
          "table",
          {},
          el(
            "tr",
            {},
            el("th"),
            calcs.map((calc) => el("th", {}, CALCS[calc] || calc)),
          ),
          list.map((one, index) =>
            el(
              "tr",
              {},
              el("td", {}, entry(one, index)),
              calcs.map((calc) => el("td", {}, format(one.calc[calc], panel.field.unit, panel.field.decimals))),
            ),
          ),
        ),
      );
    }
    return el("div.legend", {}, list.map(entry));
  }

  function heatmap(panel, frame, body) {
    const rows = frame.values,
      length = rows[0].length,
      xs = times(frame, length),
      holder = el("div.chart"),
      unit = panel.options.yAxis?.unit || panel.field.unit;
    body.append(holder);
    const most = Math.max(...rows.map((row) => Math.max(...row.map((value) => value || 0)))) || 1,
      tint = shade("orange"),
      count = rows.length;
    const name = (index) => (index < 0 ? frame.below || "0" : frame.bounds[index]),
      bound = (index) => (name(index) === "+Inf" ? "∞" : format(Number(name(index)), unit));
    const thin = Math.max(1, Math.ceil(count / Math.max(2, Math.floor((holder.clientHeight - 30) / 20))));
    const made = plot(
      panel,
      holder,
      {
        padding: [8, 18, 0, 0],
        cursor: cursor(false),
        scales: { x: { time: true, range: () => [xs[0] - frame.step, xs[length - 1]] }, y: { range: () => [0, count] } },
        axes: [
          xAxis(),
          {
            ...yAxis(unit),
            incrs: undefined,
            grid: { show: false },
            splits: () => Array.from({ length: Math.floor(count / thin) + 1 }, (_none, index) => index * thin),
            values: (_plot, values) => values.map((value) => bound(value - 1)),
          },
        ],
        series: [{}, { stroke: "transparent", points: { show: false } }],
        hooks: {
          setSelect: [zoom],
          draw: [
            (self) => {
              const { ctx } = self,
                wide = Math.abs(self.valToPos(xs[1] ?? xs[0] + frame.step, "x", true) - self.valToPos(xs[0], "x", true)),
                gap = wide > 4 ? 1 : 0;
              ctx.save();
              ctx.beginPath();
              ctx.rect(self.bbox.left, self.bbox.top, self.bbox.width, self.bbox.height);
              ctx.clip();
              rows.forEach((row, y) => {
                const top = self.valToPos(y + 1, "y", true),
                  high = self.valToPos(y, "y", true) - top;
                row.forEach((value, x) => {
                  if (!value) return;
                  ctx.fillStyle = alpha(tint, 0.2 + 0.8 * Math.sqrt(value / most));
                  ctx.fillRect(self.valToPos(xs[x], "x", true) - wide, top, wide - gap, high - gap);
                });
              });
              ctx.restore();
              diamonds(
                self,
                (frame.exemplars || []).map((one) => ({ t: one.t, v: position(one.v) })),
              );
            },
          ],
          setCursor: [
            (self) => {
              if (!self.over.matches(":hover")) return;
              const { left, top } = self.cursor;
              if (left < 0) return hideTip();
              const x = Math.min(length - 1, Math.max(0, Math.ceil((self.posToVal(left, "x") - xs[0]) / frame.step))),
                y = Math.floor(self.posToVal(top, "y")),
                over = self.over.getBoundingClientRect();
              if (!rows[y]) return hideTip();
              showTip(over.left + left, over.top + top, [
                el("time", {}, stamp(xs[x], true)),
                el("div", {}, el("span", {}, `${bound(y - 1)} to ${bound(y)}`), el("b", {}, `${format(rows[y][x] || 0, "short")}/s`)),
              ]);
            },
          ],
        },
      },
      [xs, xs.map(() => null)],
    );
    function position(value) {
      // where a value lies between the bounds of its bucket
      const index = frame.bounds.findIndex((text) => text === "+Inf" || value <= Number(text));
      const low = Number(name(index - 1)),
        high = name(index) === "+Inf" ? low * 2 || 1 : Number(name(index));
      return index < 0 ? count : index + Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    }
    made.over.addEventListener("mouseleave", hideTip);
    made.over.addEventListener("click", (event) => {
      const near = (frame.exemplars || []).find(
        (one) => Math.hypot(made.valToPos(one.t, "x") - made.cursor.left, made.valToPos(position(one.v), "y") - made.cursor.top) < 7,
      );
      if (near) return openTrace(near.trace);
      menu(event.clientX, event.clientY, dataLinks(panel, {}));
    });
  }

  function stateTimeline(panel, frame, body) {
    const list = frame.series,
      length = list[0].values.length,
      xs = times(frame, length),
      count = list.length,
      holder = el("div.chart");
    // Values without a name of their own are told by the threshold that they have reached, and neighbours of one are one.
    const steps = panel.field.thresholds?.steps || [],
      level = (value) => steps.reduce((found, one, index) => (one.value == null || value >= one.value ? index : found), 0),
      levels = steps.length > 1 && !list.some((one) => one.values.some((value) => value != null && mapped(value, panel.field)));
    const stateText = (value) => {
      if (!levels) return shown(value, panel.field);
      const index = level(value),
        limit = (one) => format(one.value, panel.field.unit, panel.field.decimals);
      return steps[index].value == null ? `< ${limit(steps[index + 1])}` : `${limit(steps[index])}+`;
    };
    const same = (a, b) => a === b || (levels && a != null && b != null && level(a) === level(b));
    const states = new Map();
    for (const one of list)
      for (const value of one.values) if (value != null) states.set(stateText(value), valueColor(value, panel.field));
    body.append(
      holder,
      el(
        "div.legend",
        {},
        [...states].slice(0, 12).map(([text, tint]) => el("button", {}, el("i", { style: { background: tint } }), el("span", {}, text))),
      ),
    );
    const widest = Math.min(180, 14 + 6.4 * Math.max(...list.map((one) => one.name.length)));
    const made = plot(
      panel,
      holder,
      {
        padding: [4, 18, 0, 0],
        cursor: cursor(false),
        scales: { x: { time: true, range: () => [xs[0], xs[length - 1]] }, y: { range: () => [0, count] } },
        axes: [
          xAxis(),
          {
            stroke: shade("dim"),
            font: FONT,
            size: widest,
            gap: 6,
            grid: { show: false },
            ticks: { show: false },
            splits: () => list.map((_one, index) => index + 0.5),
            values: (_plot, values) => values.map((_value, index) => shorten(list[count - 1 - index].name, Math.floor((widest - 14) / 6))),
          },
        ],
        series: [{}, { stroke: "transparent", points: { show: false } }],
        hooks: {
          setSelect: [zoom],
          draw: [
            (self) => {
              const { ctx } = self,
                ratio = devicePixelRatio;
              ctx.save();
              ctx.font = `${11 * ratio}px system-ui, sans-serif`;
              ctx.textBaseline = "middle";
              ctx.textAlign = "left";
              list.forEach((one, index) => {
                const top = self.valToPos(count - index, "y", true),
                  high = self.valToPos(count - index - 1, "y", true) - top,
                  thick = Math.min(high * 0.85, 34 * ratio),
                  y = top + (high - thick) / 2;
                for (let from = 0; from < length;) {
                  let to = from;
                  while (to + 1 < length && same(one.values[to + 1], one.values[from])) to += 1;
                  if (one.values[from] != null) {
                    const left = self.valToPos(xs[from], "x", true),
                      right = self.valToPos(Math.min(xs[to] + frame.step, xs[length - 1]), "x", true),
                      text = stateText(one.values[from]);
                    ctx.fillStyle = alpha(valueColor(one.values[from], panel.field), theme() === "dark" ? 0.5 : 0.75);
                    ctx.fillRect(left, y, Math.max(right - left, ratio), thick);
                    if (thick > 12 * ratio && ctx.measureText(text).width + 14 * ratio < right - left) {
                      ctx.fillStyle = "#fff";
                      ctx.fillText(text, left + 7 * ratio, y + thick / 2);
                    }
                  }
                  from = to + 1;
                }
              });
              ctx.restore();
            },
          ],
          setCursor: [
            (self) => {
              if (!self.over.matches(":hover")) return;
              const { left, top } = self.cursor,
                one = list[count - 1 - Math.floor(self.posToVal(top, "y"))];
              if (left < 0 || !one) return hideTip();
              const x = Math.min(length - 1, Math.max(0, Math.floor((self.posToVal(left, "x") - xs[0]) / frame.step))),
                over = self.over.getBoundingClientRect(),
                value = one.values[x];
              showTip(over.left + left, over.top + top, [
                el("time", {}, stamp(xs[x], true)),
                el(
                  "div",
                  {},
                  el("i", { style: { background: value == null ? shade("grey") : valueColor(value, panel.field) } }),
                  el("span", {}, one.name),
                  el("b", {}, value == null ? "no data" : shown(value, panel.field)),
                ),
              ]);
            },
          ],
        },
      },
      [xs, xs.map(() => null)],
    );
    made.over.addEventListener("mouseleave", hideTip);
  }
  const shorten = (text, most) => (text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text);

  function stat(panel, frame, body) {
    const calc = panel.options.reduceOptions?.calcs?.[0] || "lastNotNull",
      list = frame.series,
      asName = panel.options.textMode === "name";
    const holder = el(list.length > 4 ? "div.stats.many" : "div.stats");
    body.append(holder);
    const cells = list.map((one) => {
      const value = one.calc[calc],
        tint = valueColor(value, panel.field),
        map = mapped(value, panel.field);
      const [text, unit] = asName ? [one.name, ""] : map?.text ? [map.text, ""] : parts(value, panel.field.unit, panel.field.decimals);
      const number = el(
        "div.value",
        { style: { color: panel.options.colorMode === "none" || asName ? shade("ink") : tint }, title: `${one.name}: ${value}` },
        text,
        unit ? el("small", {}, unit) : null,
      );
      const spark =
        panel.options.graphMode === "area" && !asName && one.values.filter((sample) => sample != null).length > 1 ? el("div.spark") : null;
      const gone = calc === "lastNotNull" && !asName ? ended(frame, one) : 0;
      const cell = el(
        gone ? "div.stat.gone" : "div.stat",
        {},
        spark,
        number,
        list.length > 1 && !asName ? el("div.name", { title: one.name }, one.name) : null,
        gone ? el("div.until", { title: "No value since" }, `until ${stamp(gone)}`) : null,
      );
      return { cell, spark, number, one, tint, size: text.length + unit.length * 0.6 };
    });
    holder.append(...cells.map((one) => one.cell));
    const wide = holder.clientWidth / (list.length > 4 ? Math.max(1, Math.floor(holder.clientWidth / 118)) : list.length),
      high = list.length > 4 ? 60 : holder.clientHeight;
    for (const { spark, number, one, tint, size } of cells) {
      number.style.fontSize = `${Math.max(13, Math.min(high * 0.42, ((wide - 12) / Math.max(2, size)) * 1.55, 56))}px`;
      if (!spark) continue;
      plot(
        panel,
        spark,
        {
          padding: [2, 0, 0, 0],
          cursor: { show: false },
          axes: [{ show: false }, { show: false }],
          scales: { x: { time: false }, y: { range: (_plot, low, high) => (low === high ? [low - 1, high + 1] : span(low, high, {})) } },
          series: [{}, { stroke: alpha(tint, 0.8), width: 1.2, fill: alpha(tint, 0.13), points: { show: false } }],
        },
        [times(frame, one.values.length), one.values],
      );
      number.parentNode.style.justifyContent = "flex-start";
      number.style.marginTop = `${Math.max(2, high * 0.1)}px`;
    }
  }
  function gauge(panel, frame, body) {
    const calc = panel.options.reduceOptions?.calcs?.[0] || "lastNotNull",
      holder = el(frame.series.length > 4 ? "div.stats.many" : "div.stats");
    body.append(holder);
    for (const one of frame.series) {
      const value = one.calc[calc],
        low = panel.field.min ?? 0,
        high = panel.field.max ?? (panel.field.unit === "percentunit" ? 1 : 100);
      const share = Math.min(1, Math.max(0, ((value ?? low) - low) / (high - low || 1)));
      const arc = (from, to, radius) => {
        const at = (part) => {
          const angle = Math.PI * (1.15 - 1.3 * part);
          return [60 + radius * Math.cos(angle), 58 - radius * Math.sin(angle)];
        };
        const [x1, y1] = at(from),
          [x2, y2] = at(to);
        return `M${x1} ${y1} A${radius} ${radius} 0 ${(to - from) * 1.3 > 1 ? 1 : 0} 1 ${x2} ${y2}`;
      };
      const made = svg(
        "svg",
        { viewBox: "0 0 120 84", role: "img" },
        svg("path", { d: arc(0, 1, 44), fill: "none", stroke: shade("soft"), "stroke-width": 11 }),
      );
      if (share > 0)
        made.append(svg("path", { d: arc(0, share, 44), fill: "none", stroke: valueColor(value, panel.field), "stroke-width": 11 }));
      const steps = panel.field.thresholds?.steps || [];
      steps.forEach((item, index) => {
        const from = Math.max(0, Math.min(1, ((item.value ?? low) - low) / (high - low || 1))),
          to = Math.max(0, Math.min(1, ((steps[index + 1]?.value ?? high) - low) / (high - low || 1)));
        if (to > from) made.append(svg("path", { d: arc(from, to, 52), fill: "none", stroke: color(item.color), "stroke-width": 2.5 }));
      });
      const text = svg("text", {
        x: 60,
        y: 62,
        "text-anchor": "middle",
        "font-size": 17,
        "font-weight": 640,
        fill: valueColor(value, panel.field),
      });
      text.textContent = shown(value, panel.field);
      made.append(text);
      holder.append(el("div.stat.gauge", {}, made, frame.series.length > 1 ? el("div.name", {}, one.name) : null));
    }
  }
  function barGauge(panel, frame, body) {
    const calc = panel.options.reduceOptions?.calcs?.[0] || "lastNotNull",
      list = frame.series.filter((one) => one.calc[calc] != null);
    const most = panel.field.max ?? Math.max(...list.map((one) => one.calc[calc])),
      least = panel.field.min ?? Math.min(0, ...list.map((one) => one.calc[calc]));
    body.append(
      el(
        "div.bars",
        {},
        list.map((one) => {
          const value = one.calc[calc],
            tint = valueColor(value, panel.field),
            row = el(
              "div.one",
              { title: one.name },
              el("span", {}, one.name),
              el(
                "div.track",
                {},
                el("div.fill", {
                  style: {
                    width: `${Math.min(100, Math.max(0, ((value - least) / (most - least || 1)) * 100))}%`,
                    background: `linear-gradient(90deg, ${alpha(tint, 0.45)}, ${tint})`,
                  },
                }),
              ),
              el("b", { style: { color: tint } }, shown(value, panel.field)),
            );
          row.addEventListener("click", (event) => menu(event.clientX, event.clientY, dataLinks(panel, one.labels)));
          return row;
        }),
      ),
    );
  }

  function table(panel, frame, body) {
    const chosen = state.sort?.[panel.id],
      declared = (panel.options.sortBy || [])
        .map((one) => ({ column: frame.columns.findIndex((column) => column.name === one.displayName), down: Boolean(one.desc) }))
        .filter((one) => one.column >= 0),
      orders = chosen ? [chosen] : declared,
      sort = orders[0],
      rows = [...frame.rows];
    const compare = (x, y) =>
      typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    rows.sort((a, b) => {
      for (const { column, down } of orders) {
        const x = a[column],
          y = b[column];
        const found = x == null || y == null ? (x == null) - (y == null) : compare(x, y) * (down ? -1 : 1); // nothing is always last
        if (found) return found;
      }
      return 0;
    });
    const head = frame.columns.map((column, index) =>
      el(
        column.number ? "th.num" : "th",
        {
          onclick: () => {
            state.sort = { ...state.sort, [panel.id]: { column: index, down: sort?.column === index && !sort.down } };
            draw(panel);
          },
        },
        column.name,
        sort?.column === index ? (sort.down ? " ↓" : " ↑") : "",
      ),
    );
    const lines = rows.slice(0, 500).map((row) => {
      const fields = Object.fromEntries(frame.columns.map((column, index) => [column.name, row[index]]));
      return el(
        "tr",
        {},
        row.map((value, index) => {
          const column = frame.columns[index],
            own = column["custom.cellOptions"]?.type?.startsWith("color") ? column : {},
            map = mapped(value, column.mappings ? column : panel.field),
            tint = map?.color || (own.thresholds && value != null ? step(value, own) : ""),
            text = value == null ? "" : (map?.text ?? (column.unit ? format(value, column.unit, column.decimals ?? panel.field.decimals) : String(value)));
          const links = (column.links || [])
            .map((one) => ({ title: one.title, url: link(one.url, fields, value ?? "") }))
            .filter((one) => one.url);
          const content = links.length === 1 ? el("a", { href: links[0].url, title: links[0].title }, text) : text;
          const cell = el(column.number ? "td.num" : "td", { title: text.length > 40 ? text : null, style: tint ? { color: color(tint), fontWeight: 600 } : {} }, content);
          if (links.length > 1) {
            cell.style.cursor = "pointer";
            cell.addEventListener("click", (event) =>
              menu(
                event.clientX,
                event.clientY,
                links.map((one) => el("a", { href: one.url }, one.title)),
              ),
            );
          }
          return cell;
        }),
      );
    });
    body.append(el("div.scroll", {}, el("table.data", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines))));
  }

  function logs(panel, frame, body) {
    const days = new Set(frame.lines.map((line) => new Date(line.t).toDateString()));
    body.append(
      el(
        "div.scroll.mono",
        {},
        frame.lines.map((line) => {
          const word = line.labels.level || line.labels.severity_text || line.labels.detected_level || "";
          const row = el(
            "div.log",
            {},
            el("i", { style: { background: color(level(word) || "grey") }, title: word }),
            el(
              "time",
              {},
              `${days.size > 1 ? stamp(line.t / 1000, true).slice(5) : stamp(line.t / 1000)}.${String(line.t % 1000).padStart(3, "0")}`,
            ),
            el("div.text", {}, line.line.slice(0, 4000)),
          );
          row.addEventListener("click", () => {
            if (String(getSelection())) return;
            const open = row.querySelector("dl");
            if (open) return open.remove();
            const inside = /"?trace_?id"?\s*[:=]\s*"?([0-9a-f]{16,32})\b/i.exec(line.line);
            const labels = inside && !line.labels.trace_id ? { ...line.labels, trace_id: inside[1] } : line.labels;
            row.append(
              el(
                "dl",
                {},
                Object.entries(labels)
                  .sort()
                  .flatMap(([key, value]) => [
                    el("dt", {}, key),
                    el(
                      "dd",
                      {},
                      /^trace_?id$/i.test(key) && spec.live
                        ? el(
                            "button.tool",
                            {
                              onclick: (event) => {
                                event.stopPropagation();
                                openTrace(value);
                              },
                            },
                            value,
                          )
                        : value,
                    ),
                  ]),
              ),
            );
          });
          return row;
        }),
      ),
    );
  }

  function traces(panel, frame, body) {
    const most = Math.max(...frame.traces.map((one) => one.duration)) || 1;
    body.append(
      el(
        "div.scroll",
        {},
        frame.traces.map((one) => {
          const row = el(
            "div.trace",
            {},
            el(
              "button",
              {
                onclick: () => {
                  const open = row.querySelector(".spans");
                  if (open) open.remove();
                  else row.append(waterfall(one));
                },
              },
              el("time", {}, stamp(one.start)),
              el("span", {}, one.service),
              el("span", {}, one.operation),
              el("span.num", {}, format(one.duration, "s")),
              el(
                "span",
                {},
                `${one.count} span${one.count === 1 ? "" : "s"}`,
                one.errors ? el("b", { style: { color: shade("red") } }, ` ${one.errors} failed`) : null,
              ),
            ),
          );
          row.firstChild.append(
            el(
              "div.meter",
              { style: { gridColumn: "1 / -1", height: "3px" } },
              el(one.errors ? "i.bad" : "i", { style: { width: `${(one.duration / most) * 100}%` } }),
            ),
          );
          return row;
        }),
      ),
    );
  }
  function waterfall(one) {
    const services = [...new Set(one.spans.map((span) => span[0]))],
      all = one.duration || 1e-9;
    return el(
      "div.spans",
      {},
      el("div.facts.mono", {}, `trace ${one.id}`),
      one.spans.map(([service, operation, at, long, depth, failed]) =>
        el(
          "div.span",
          { title: `${service}: ${operation}` },
          el(
            "span",
            { style: { paddingLeft: `${Math.min(depth, 14) * 0.7}rem` } },
            el("b", { style: { color: SERIES[theme()][services.indexOf(service) % 12], fontWeight: 600 } }, service),
            ` ${operation}`,
          ),
          el(
            "div.lane",
            {},
            el("i", {
              style: {
                left: `${Math.min(99.5, (at / all) * 100)}%`,
                width: `${Math.min(100, (long / all) * 100)}%`,
                background: failed ? shade("red") : SERIES[theme()][services.indexOf(service) % 12],
              },
            }),
          ),
          el("b", {}, format(long, "s")),
        ),
      ),
      one.count > one.spans.length ? el("p.facts", {}, `${one.count - one.spans.length} more spans`) : null,
    );
  }
  async function openTrace(id) {
    if (!spec.live) return;
    const shownIn = dialog(`Trace ${id}`, el("p.facts", {}, "reading"));
    try {
      const answer = await fetch("/api/trace", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ id, place: state.place }),
        }),
        found = await answer.json();
      shownIn.lastChild.replaceWith(answer.ok ? waterfall(found) : el("p", {}, found.error));
    } catch (error) {
      shownIn.lastChild.replaceWith(el("p", {}, String(error)));
    }
  }

  // In layers, callers to the left: calls that close a circle do not count for the order, and each layer is sorted by its callers.
  function layersOf(nodes, edges) {
    const calls = new Map(nodes.map((name) => [name, []])),
      state = new Map(),
      forward = [];
    for (const { from, to } of edges) if (from !== to) calls.get(from).push(to);
    const called = new Set(edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to));
    const walk = (first) => {
      const path = [[first, 0]];
      state.set(first, "open");
      while (path.length) {
        const top = path[path.length - 1],
          next = calls.get(top[0])[top[1]++];
        if (next === undefined) {
          state.set(top[0], "done");
          path.pop();
        } else if (state.get(next) !== "open") {
          forward.push([top[0], next]);
          if (!state.has(next)) {
            state.set(next, "open");
            path.push([next, 0]);
          }
        }
      }
    };
    for (const name of [...nodes.filter((one) => !called.has(one)), ...nodes]) if (!state.has(name)) walk(name);
    const depth = new Map(nodes.map((name) => [name, 0]));
    for (let moved = true; moved;) {
      moved = false;
      for (const [from, to] of forward)
        if (depth.get(to) <= depth.get(from)) {
          depth.set(to, depth.get(from) + 1);
          moved = true;
        }
    }
    const layers = [];
    for (const name of nodes) (layers[depth.get(name)] ||= []).push(name);
    const place = new Map();
    for (const layer of layers) {
      const weight = (name) => {
        const above = forward.filter(([, to]) => to === name).map(([from]) => place.get(from) ?? 0.5);
        return above.length ? above.reduce((sum, one) => sum + one, 0) / above.length : 0.5;
      };
      layer.sort((one, other) => weight(one) - weight(other) || (one < other ? -1 : 1));
      layer.forEach((name, index) => place.set(name, (index + 0.5) / layer.length));
    }
    return layers;
  }
  function nodeGraph(panel, frame, body) {
    const layers = layersOf(frame.nodes, frame.edges),
      most = Math.max(...layers.map((layer) => layer.length)),
      wide = Math.max(body.clientWidth - 12, layers.length * 150),
      high = Math.max(body.clientHeight - 12, most * 76),
      at = {};
    layers.forEach((layer, index) =>
      layer.forEach((name, y) => {
        at[name] = [layers.length > 1 ? 80 + (index * (wide - 160)) / (layers.length - 1) : wide / 2, (high / layer.length) * (y + 0.5) - 8, index];
      }),
    );
    const made = svg(
      "svg",
      { width: wide, height: high, role: "img" },
      svg(
        "defs",
        {},
        svg(
          "marker",
          { id: `arrow-${panel.id}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
          svg("path", { d: "M0 0 L8 4 L0 8 z", fill: shade("faint") }),
        ),
      ),
    );
    // How far a call that passes other layers is bent: to the side on which it stays away from what lies between.
    const around = (edge, straight) => {
      const [x1, , from] = at[edge.from],
        [x2, , to] = at[edge.to],
        x = (x1 + x2) / 2;
      const room = (y) =>
        Math.min(...frame.nodes.filter((name) => name !== edge.from && name !== edge.to).map((name) => Math.hypot(at[name][0] - x, at[name][1] - y)));
      const bend = Math.min(80, 34 + 14 * Math.abs(to - from)),
        up = straight - bend,
        down = straight + bend;
      return room((straight + 3 * up) / 4) >= room((straight + 3 * down) / 4) ? up : down;
    };
    const busiest = Math.max(...frame.edges.map((edge) => edge.count || 0)) || 1,
      labels = [];
    for (const edge of frame.edges) {
      const [x1, y1, from] = at[edge.from],
        [x2, y2, to] = at[edge.to],
        straight = to - from === 1,
        middle = straight ? (y1 + y2) / 2 : around(edge, (y1 + y2) / 2),
        back = to <= from ? -1 : 1,
        loop = edge.from === edge.to;
      const path = loop
        ? `M${x1 - 8} ${y1 - 17} C${x1 - 30} ${y1 - 58} ${x1 + 30} ${y1 - 58} ${x1 + 8} ${y1 - 17}`
        : `M${x1 + 20 * back} ${y1} C${x1 + (x2 - x1) * 0.4} ${straight ? y1 : middle} ${x1 + (x2 - x1) * 0.6} ${straight ? y2 : middle} ${x2 - 20 * back} ${y2}`;
      made.append(
        svg("path", {
          d: path,
          fill: "none",
          stroke: shade("faint"),
          "stroke-width": (1 + 2 * ((edge.count || 0) / busiest)).toFixed(2),
          "marker-end": `url(#arrow-${panel.id})`,
        }),
      );
      const label = svg("text", {
        x: (x1 + x2) / 2,
        y: loop ? y1 - 50 : (y1 + y2) / 2 + (middle - (y1 + y2) / 2) * 0.75 - 5,
        "text-anchor": "middle",
        class: "count",
      });
      label.textContent = format(edge.count, "short");
      labels.push(label);
    }
    frame.nodes.forEach((name, index) => {
      const [x, y] = at[name],
        text = svg("text", { x, y: y + 33, "text-anchor": "middle" });
      text.textContent = name;
      made.append(
        svg("circle", { cx: x, cy: y, r: 18, fill: shade("card") }),
        svg("circle", {
          cx: x,
          cy: y,
          r: 18,
          fill: alpha(SERIES[theme()][index % 12], 0.25),
          stroke: SERIES[theme()][index % 12],
          "stroke-width": 2,
        }),
        text,
      );
    });
    made.append(...labels);
    body.append(el("div.graph", {}, made));
  }
  function text(panel, _frame, body) {
    const inner = el("div.text"); // made by our own renderer of markdown, which lets no HTML through
    inner.innerHTML = panel.html;
    body.append(inner);
  }
  const KINDS = {
    timeseries,
    heatmap,
    "state-timeline": stateTimeline,
    stat,
    gauge,
    bargauge: barGauge,
    table,
    logs,
    traces,
    nodeGraph,
    text,
  };

  // -- panels -------------------------------------------------------------------------------------------------------------
  const panels = new Map(); // id -> { panel, node, body }
  const errors = [];
  function draw(panel) {
    const { node, body } = panels.get(panel.id),
      frame = panel.kind === "text" ? {} : state.frames[panel.id];
    if (!frame) return;
    const opened = body.querySelector(".spans, .log dl"),
      scrolled = body.querySelector(".scroll, .text")?.scrollTop || 0;
    if (opened && !state.solo && node.dataset.state === "drawn" && ["logs", "traces"].includes(panel.kind) && state.quiet) return; // somebody reads
    clear(panel);
    body.replaceChildren();
    node.dataset.state = "drawn";
    if (frame.error && frame.empty) {
      node.dataset.state = "error";
      const kept = frame.error.split("; ").every((one) => one.startsWith("not recorded: "));
      body.append(
        el("div.failed", {}, el("b", {}, kept ? "Not recorded" : "The query failed"), kept ? frame.error.replace(/not recorded: /g, "") : frame.error),
      );
    } else if (frame.empty) {
      node.dataset.state = "empty";
      const expected = panel.reason;
      body.append(
        el(expected ? "div.none" : "div.none.wrong", {}, el("b", {}, "No data"), expected || "It should have some: see the query."),
      );
    } else {
      try {
        KINDS[panel.kind](panel, frame, body);
      } catch (error) {
        // one panel must not take the page with it
        node.dataset.state = "error";
        errors.push(`${panel.title}: ${error.stack || error}`);
        console.error(error);
        body.replaceChildren(el("div.failed", {}, el("b", {}, "This panel cannot be drawn"), String(error)));
      }
      if (frame.error) body.append(el("div.failed", { style: { flex: "none", margin: 0 } }, el("b", {}, frame.error)));
    }
    const scroll = body.querySelector(".scroll, .text");
    if (scroll) scroll.scrollTop = scrolled;
  }
  function alertState(panel) {
    const own = panel.alerts.map((name) => [name, state.alerts[name]]),
      firing = own.filter(([, alert]) => alert?.firing);
    return {
      own,
      firing,
      worst: firing.some(([, alert]) => alert.severity === "critical")
        ? "critical"
        : firing.length
          ? firing[0][1].severity
          : own.length
            ? "good"
            : "",
    };
  }
  function badges(panel) {
    const { node } = panels.get(panel.id),
      found = alertState(panel),
      holder = node.querySelector(".alerts");
    node.classList.toggle("fires", found.worst === "critical");
    node.classList.toggle("warns", found.worst === "warning");
    holder.replaceChildren(
      ...(found.own.length
        ? [
            el(
              "button.badge",
              {
                title: found.own
                  .map(([name, alert]) => `${name}: ${alert?.firing ? "fires" : alert ? "fired in this time" : "quiet"}`)
                  .join("\n"),
                onclick: () => inspect(panel),
              },
              el(`span.dot.${found.worst}`),
              String(found.firing.length || found.own.length),
              el("span.words", {}, found.firing.length ? " firing" : found.own.length > 1 ? " alerts" : " alert"),
            ),
          ]
        : []),
    );
  }
  function make(panel) {
    const grid = panel.grid,
      body = el("div.body"),
      node = el(
        grid.h > 5 ? "article.panel.tall" : "article.panel",
        { id: `panel-${panel.id}`, "data-kind": panel.kind, "data-state": "waiting" },
        el(
          "header",
          {},
          el("h3", { title: panel.description, onclick: () => inspect(panel) }, panel.title),
          el("span.alerts"),
          el("span.grow"),
          el(
            "span.tools",
            {},
            el(
              "button.tool",
              { title: "query, description, alerts", "aria-label": `About ${panel.title}`, onclick: () => inspect(panel) },
              icon("M8 7.2v4.3M8 4.4v.2", true),
            ),
            spec.kind === "dashboard" &&
              el(
                "button.tool.alone",
                { title: "this panel alone (v)", "aria-label": `${panel.title} alone`, onclick: () => solo(state.solo ? 0 : panel.id) },
                icon("M9.5 3H13v3.5M13 3 9 7M6.5 13H3V9.5M3 13l4-4"),
              ),
          ),
        ),
        body,
      );
    panels.set(panel.id, { panel, node, body });
    return node;
  }
  function dialog(title, ...content) {
    document.querySelector("dialog")?.remove();
    const box = el(
      "dialog",
      {
        onclose: () => box.remove(),
        onclick: (event) => {
          if (event.target === box) box.close();
        },
      },
      el("button.tool.close", { "aria-label": "Close", onclick: () => box.close() }, icon("M4 4l8 8M12 4l-8 8")),
      el("h2", {}, title),
      ...content,
    );
    document.body.append(box);
    box.showModal();
    return box;
  }
  function inspect(panel) {
    const frame = state.frames[panel.id] || {},
      asked = frame.asked || [],
      found = alertState(panel);
    const runbook = (name) =>
      spec.runbook ? el("a", { href: `${spec.up}runbooks/${spec.runbook}.html#${name.toLowerCase()}` }, "runbook") : null;
    dialog(
      panel.title,
      el("p", {}, panel.description),
      found.own.length ? el("h3", {}, "Alerts that look at this panel") : null,
      found.own.map(([name, alert]) =>
        el(
          "p",
          {},
          el(`span.dot.${alert?.firing ? alert.severity : "good"}`),
          ` ${name} `,
          el("span.facts", {}, alert?.firing ? `fires (${alert.severity}) ` : alert ? "fired in this time, quiet now " : "quiet "),
          runbook(name),
        ),
      ),
      panel.queries.length ? el("h3", {}, "Queries") : null,
      panel.queries.map((query) => {
        const sent = asked.find((row) => row.ref === query.ref);
        return [
          el("pre", {}, sent?.expr || query.expr),
          el(
            "p.facts",
            {},
            `${query.ref}, ${query.source}`,
            sent ? `, ${sent.count ?? 0} results, ${sent.ms} ms` : "",
            sent?.error ? `, ${sent.error}` : "",
          ),
          sent && sent.expr !== query.expr ? el("details", {}, el("summary", {}, "as declared"), el("pre", {}, query.expr)) : null,
        ];
      }),
      asked.length
        ? el(
            "p.facts",
            {},
            frame.error
              ? frame.error
              : frame.empty
                ? `Empty. ${panel.reason ? `It may be: ${panel.reason}.` : "It should not be."}`
                : panel.reason
                  ? `Not empty, though it may be: ${panel.reason}.`
                  : "Not empty.",
          )
        : null,
      (panel.links || []).length ? el("h3", {}, "Links") : null,
      (panel.links || []).map((one) => {
        const url = link(one.url);
        return url ? el("p", {}, el("a", { href: url }, one.title)) : null;
      }),
      dataLinks(panel, {}).length ? [el("h3", {}, "From its data"), dataLinks(panel, {}).map((one) => el("p", {}, one))] : null,
    );
  }
  function solo(id) {
    state.solo = id;
    for (const { node } of panels.values()) node.classList.toggle("big", node.id === `panel-${id}`);
    document.querySelectorAll(".row").forEach((row) => row.classList.toggle("has-solo", Boolean(row.querySelector(".big"))));
    document.body.classList.toggle("solo", Boolean(id));
    address();
    const one = panels.get(id);
    if (one) {
      const row = rowOf(id);
      if (row && state.closed.has(row.id)) toggle(row);
      draw(one.panel);
    } else for (const { panel } of panels.values()) if (panel.kind === "stat") draw(panel);
  }
  const rowOf = (id) => spec.rows.find((row) => row.panels.some((panel) => panel.id === id));

  // When a series ended that ended before the time shown does: seconds, or 0 while it goes on. Its last value is no value of now.
  function ended(frame, one) {
    const count = one.values.length,
      last = one.values.findLastIndex((value) => value != null);
    if (count < 2 || last < 0 || (count - 1 - last) * frame.step <= Math.max(2 * frame.step, 60)) return 0;
    return frame.start + last * frame.step;
  }

  // -- verdict ------------------------------------------------------------------------------------------------------------
  // The first row says whether it is well: the colours of its numbers, and the alerts that fire.
  function judge(rowPanels, frames, alerts, trouble) {
    let worst = 0,
      judged = 0;
    const why = [],
      unknown = [];
    for (const panel of rowPanels) {
      const frame = frames[panel.id],
        note = (name, text) => {
          const rank = /red/.test(name) ? 2 : /orange|yellow/.test(name) ? 1 : 0;
          if (rank) why.push(`${panel.title} ${text}`);
          worst = Math.max(worst, rank);
        };
      if (panel.kind === "table" && frame?.error) {
        judged += 1;
        unknown.push(panel.title);
      } else if (panel.kind === "table" && frame && !frame.empty) {
        // A column with colours of its own speaks for its row.
        frame.columns.forEach((column, index) => {
          if (!column.thresholds || !column["custom.cellOptions"]) return;
          judged += 1;
          for (const row of frame.rows)
            if (row[index] != null)
              note(step(row[index], column), `${row.filter((cell) => typeof cell === "string").join(" ")} ${format(row[index], column.unit, column.decimals)}`);
        });
        continue;
      }
      if (!["stat", "gauge"].includes(panel.kind) || (panel.field.thresholds?.steps || []).length < 2) continue;
      judged += 1;
      if (!frame || frame.empty) {
        if (!frame || !panel.reason || frame.error) unknown.push(panel.title);
        continue;
      }
      const calc = panel.options.reduceOptions?.calcs?.[0] || "lastNotNull",
        live = frame.series.filter((one) => calc !== "lastNotNull" || !ended(frame, one));
      if (!live.length) {
        // It was well, or not, and nobody knows what it is.
        if (!panel.reason) unknown.push(`${panel.title} since ${stamp(Math.max(...frame.series.map((one) => ended(frame, one))))}`);
        continue;
      }
      for (const one of live) {
        const value = one.calc[calc];
        note(
          mapped(value, panel.field)?.color || step(value, panel.field),
          `${frame.series.length > 1 ? `${one.name} ` : ""}${shown(value, panel.field)}`,
        );
      }
    }
    if (trouble) unknown.push("alerts");
    const firing = Object.entries(alerts || {}).filter(([, alert]) => alert.firing);
    for (const [, alert] of firing) worst = Math.max(worst, alert.severity === "critical" ? 2 : alert.severity === "warning" ? 1 : 0);
    return { rank: worst, judged, why, unknown, firing };
  }
  function verdict(node, rowPanels, frames, alerts, trouble, who) {
    const found = judge(rowPanels, frames, alerts, trouble),
      silent = found.unknown.length && !found.rank;
    node.className = `verdict ${found.rank === 2 ? "bad" : found.rank === 1 ? "look" : silent || !found.judged ? "" : "good"}`;
    const word =
      found.rank === 2
        ? "Needs help now"
        : found.rank === 1
          ? "Needs a look"
          : silent
            ? "Not known"
            : found.judged
              ? "Healthy"
              : found.firing.length
                ? "Notes only"
                : "No alert fires";
    node.replaceChildren(
      el("strong", {}, who ? `${who}: ${word.toLowerCase()}` : word),
      el(
        "span.why",
        {},
        [
          found.why.slice(0, 6).join(" · ") + (found.why.length > 6 ? ` and ${found.why.length - 6} more` : ""),
          silent ? `no data for ${found.unknown.join(", ")}` : "",
          !found.rank && !silent && found.judged ? "all numbers of the first row are as they should be, and no alert of weight fires" : "",
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      ...found.firing.slice(0, 8).map(([name, alert]) => {
        const target = [...panels.values()].find(({ panel }) => panel.alerts.includes(name)),
          board = spec.boards?.find((one) => one.alerts.includes(name)),
          from = who ? `?place=${encodeURIComponent(who)}` : "",
          href = target
            ? `#panel-${target.panel.id}`
            : board
              ? `dashboards/${board.uid}.html${recorded ? "" : from}`
              : spec.runbook
                ? `${spec.up}runbooks/${spec.runbook}.html#${name.toLowerCase()}`
                : null;
        return el(
          href ? "a.chip" : "span.chip",
          { href },
          el(`span.dot.${alert.severity}`),
          `${name}${alert.firing > 1 ? ` ×${alert.firing}` : ""}`,
        );
      }),
      found.firing.length > 8 ? el("span.why", {}, `and ${found.firing.length - 8} more`) : "",
    );
  }

  // -- asking ---------------------------------------------------------------------------------------------------------------
  let running = null;
  async function* ask(question, signal) {
    const answer = await fetch("/api/panels", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(question),
      signal,
    });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || `the server answered ${answer.status}`);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line) yield JSON.parse(line);
    }
  }
  function take(line) {
    if (line.window) state.window = line.window;
    else if (line.variable) {
      state.options[line.variable] = line.values;
      variableMenus();
    } else if (line.alerts) {
      state.alerts = line.alerts;
      state.unknown = line.error;
      for (const { panel } of panels.values()) {
        badges(panel);
        for (const one of plots.get(panel.id) || []) if (panel.kind === "timeseries") one.redraw(false);
      }
    } else if (panels.has(line.id)) {
      state.frames[line.id] = line;
      draw(panels.get(line.id).panel);
    }
  }
  const questionOf = (ids, frame) => ({
    uid: spec.uid,
    panels: ids,
    frame,
    variables: state.variables,
    from: state.from,
    to: state.to,
    place: state.place,
    points: Math.min(1000, Math.max(200, Math.round(innerWidth / 3))),
  });
  async function load(ids, frame) {
    if (recorded) {
      recorded.frames.forEach(take);
      return finish();
    }
    if (frame) running?.abort();
    const mine = new AbortController();
    if (frame) running = mine;
    document.body.classList.add("loading");
    try {
      for await (const line of ask(questionOf(ids, frame), mine.signal)) if (!mine.signal.aborted) take(line);
      if (frame) state.lost = false;
      say("");
    } catch (error) {
      if (mine.signal.aborted) return;
      state.lost = true; // what was well may not be any more
      say(lost(error));
    }
    if (!frame || running === mine) finish();
  }
  function finish() {
    document.body.classList.remove("loading");
    if (spec.kind === "dashboard" && spec.rows[0])
      verdict($("verdict"), spec.rows[0].panels, state.frames, state.alerts, state.unknown || state.lost, "");
    document.documentElement.dataset.ready = String(Math.round(performance.now() - started));
  }
  const lost = (error) => (error instanceof TypeError ? "The preview's server does not answer; what you see is old." : error.message);
  function say(problem) {
    const node = $("notice");
    node.hidden = !problem;
    node.textContent = problem;
  }
  const visible = () =>
    spec.rows
      .filter((row) => !state.closed.has(row.id))
      .flatMap((row) => row.panels)
      .map((panel) => panel.id);
  function reload(quiet) {
    state.quiet = quiet;
    address();
    return spec.kind === "index" ? state.reload() : load(visible(), true);
  }
  function setTime(from, to) {
    state.from = from;
    state.to = to;
    address(true);
    controls();
    reload();
  }

  // -- head -----------------------------------------------------------------------------------------------------------------
  const RANGES = [
    ["now-5m", "5 minutes"],
    ["now-15m", "15 minutes"],
    ["now-30m", "30 minutes"],
    ["now-1h", "1 hour"],
    ["now-3h", "3 hours"],
    ["now-6h", "6 hours"],
    ["now-12h", "12 hours"],
    ["now-24h", "24 hours"],
    ["now-2d", "2 days"],
    ["now-7d", "7 days"],
    ["now-30d", "30 days"],
  ];
  const REFRESHES = ["", "5s", "15s", "30s", "1m", "5m"];
  function rangeText() {
    if (recorded) return `${stamp(state.window?.start ?? 0, true).slice(0, 16)} to ${stamp(state.window?.end ?? 0).slice(0, 5)}`;
    const known = RANGES.find(([from]) => from === state.from);
    if (known && state.to === "now") return `last ${known[1]}`;
    const side = (value) => (/^\d+$/.test(value) ? stamp(Number(value) / 1000, true).slice(5, 16) : value);
    return `${side(state.from)} to ${side(state.to)}`;
  }
  function dropdown(label, value, content, left) {
    const made = el(
      "details.menu",
      {},
      el("summary.control", {}, label ? el("b", {}, label) : null, value),
      el(left ? "div.list.left" : "div.list", {}, content),
    );
    made.addEventListener("toggle", () => {
      if (made.open) for (const other of document.querySelectorAll("details.menu[open]")) if (other !== made) other.open = false;
    });
    return made;
  }
  function variableMenus() {
    const holder = $("variables");
    if (!holder || holder.querySelector("details[open]")) return;
    holder.replaceChildren(
      ...spec.variables.map((variable) => {
        const chosen = state.variables[variable.name],
          all = chosen[0] === "$__all",
          values = [...new Set([...(state.options[variable.name] || []), ...(all ? [] : chosen)])];
        const title = all ? "All" : chosen.length > 2 ? `${chosen.length} of ${values.length}` : chosen.join(", ");
        if (recorded) return el("button.control", { disabled: true, title: "recorded so" }, el("b", {}, variable.title), title);
        const choose = (next) => {
          state.variables[variable.name] = next.length ? next : ["$__all"];
          reload();
        };
        const box = (value, name) =>
          el(
            "label",
            {},
            el("input", {
              type: variable.multi ? "checkbox" : "radio",
              name: variable.name,
              value,
              checked: value === "$__all" ? all : chosen.includes(value),
              onchange: (event) => {
                if (value === "$__all") {
                  list.querySelectorAll("input").forEach((input) => {
                    input.checked = input.value === "$__all";
                  });
                  choose([]);
                  return;
                }
                if (!variable.multi) return choose([value]);
                const all = [...list.querySelectorAll("input:checked")].map((input) => input.value).filter((item) => item !== "$__all");
                list.querySelector('input[value="$__all"]').checked = !all.length;
                choose(all);
                event.stopPropagation();
              },
            }),
            ` ${name}`,
          );
        const list = el(
          "div",
          {},
          box("$__all", "All"),
          values.map((value) => box(value, value)),
        );
        const made = dropdown(variable.title, title, list);
        made.addEventListener("toggle", () => {
          if (!made.open) variableMenus();
        });
        return made;
      }),
    );
  }
  function controls() {
    const close = (node) => {
      node.closest("details").open = false;
    };
    $("controls").replaceChildren(
      recorded
        ? state.window
          ? el("button.control", { disabled: true, title: "recorded" }, rangeText())
          : ""
        : dropdown("", rangeText(), [
            RANGES.map(([from, name]) =>
              el(
                "button",
                {
                  "aria-current": String(from === state.from),
                  onclick: (event) => {
                    close(event.target);
                    setTime(from, "now");
                  },
                },
                `last ${name}`,
              ),
            ),
            el("button", { onclick: () => history.back() }, "back to the time before"),
          ]),
      ...(recorded
        ? [el("span.chip", {}, `recorded ${stamp(recorded.at, true).slice(0, 16)}`)]
        : [
            el(
              "button.control",
              { title: "now (r)", "aria-label": "Refresh", onclick: () => reload() },
              icon("M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3"),
            ),
            dropdown(
              "",
              state.refresh ? `every ${state.refresh}` : "no refresh",
              REFRESHES.map((value) =>
                el(
                  "button",
                  {
                    "aria-current": String(value === state.refresh),
                    onclick: (event) => {
                      close(event.target);
                      state.refresh = value;
                      address();
                      controls();
                      tick();
                    },
                  },
                  value ? `every ${value}` : "no refresh",
                ),
              ),
            ),
          ]),
      el(
        "button.control",
        { title: "light or dark", "aria-label": "Light or dark", onclick: () => setTheme(theme() === "dark" ? "light" : "dark", true) },
        icon(
          theme() === "dark"
            ? "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.8.8M11.8 11.8l.8.8M3.4 12.6l.8-.8M11.8 4.2l.8-.8"
            : "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6",
        ),
      ),
    );
  }
  let timer = 0;
  function tick() {
    clearInterval(timer);
    const match = /^(\d+)(s|m|h)$/.exec(state.refresh);
    if (match && !recorded)
      timer = setInterval(
        () => {
          if (!document.hidden && state.to === "now") reload(true);
        },
        Math.max(5, match[1] * { s: 1, m: 60, h: 3600 }[match[2]]) * 1000,
      );
  }
  function setTheme(name, keep) {
    document.documentElement.dataset.theme = name;
    try {
      if (keep) localStorage.setItem("observatory-theme", name);
    } catch {
      /* pages from files may not keep anything */
    }
    if ($("controls")) controls();
    for (const { panel } of panels.values()) draw(panel);
  }
  function startTheme() {
    let kept = null;
    try {
      kept = localStorage.getItem("observatory-theme");
    } catch {
      /* as above */
    }
    const dark = matchMedia("(prefers-color-scheme: dark)");
    document.documentElement.dataset.theme = kept || (dark.matches ? "dark" : "light");
    dark.addEventListener("change", () => {
      if (!kept) setTheme(dark.matches ? "dark" : "light");
    });
  }

  // -- a dashboard ------------------------------------------------------------------------------------------------------------
  state.closed = new Set();
  function toggle(row) {
    const closed = !state.closed.delete(row.id);
    if (closed) state.closed.add(row.id);
    $(`row-${row.id}`).classList.toggle("closed", closed);
    $(`row-${row.id}`).querySelector("h2 button").setAttribute("aria-expanded", String(!closed));
    if (closed) return;
    const missing = row.panels.filter((panel) => panel.kind !== "text" && !state.frames[panel.id]).map((panel) => panel.id);
    row.panels.forEach(draw);
    if (missing.length && !recorded) load(missing, false);
  }
  function gridOf(rowPanels) {
    const top = Math.min(...rowPanels.map((panel) => panel.grid.y));
    return el(
      "div.grid",
      {},
      rowPanels.map((panel) => {
        const node = make(panel),
          { x, y, w, h } = panel.grid;
        node.style.gridArea = `${y - top + 1} / ${x + 1} / span ${h} / span ${w}`;
        return node;
      }),
    );
  }
  function head(title, extra) {
    return el(
      "div.head",
      {},
      el(
        "div.bar",
        {},
        title,
        el("span.grow"),
        spec.places.length > 1 && !recorded && spec.kind === "dashboard"
          ? dropdown(
              "From",
              state.place,
              spec.places.map((place) =>
                el(
                  "button",
                  {
                    "aria-current": String(place === state.place),
                    onclick: () => {
                      state.place = place;
                      address();
                      location.reload();
                    },
                  },
                  place,
                ),
              ),
            )
          : null,
        el("span.bar", { id: "variables" }),
        el("span.bar", { id: "controls" }),
      ),
      extra,
      el("div.busy"),
    );
  }
  function dashboard() {
    const home = el("a.home", { href: `${spec.up}index.html`, title: "all dashboards" }, spec.environment || "all");
    document.body.append(
      head(
        [home, el("span", { style: { color: shade("faint") } }, "/"), el("h1", { title: spec.description }, spec.title)],
        el(
          "div.links",
          {},
          spec.links.map((one) => {
            const node = el("a", { href: "#" }, one.title);
            const fill = () => {
              node.href = link(
                `${one.url}${one.url.includes("?") ? "&" : "?"}${timeQuery()}&${variableQuery(["region"].filter((name) => state.variables[name]))}`,
              );
            };
            fill();
            node.addEventListener("pointerenter", fill);
            node.addEventListener("focus", fill);
            return node;
          }),
          spec.runbook ? el("a", { href: `${spec.up}runbooks/${spec.runbook}.html` }, "Runbook") : null,
        ),
      ),
      el(
        "main",
        {},
        el("div.notice", { id: "notice", hidden: true }),
        el("div.verdict", { id: "verdict" }, el("span.why", {}, "asking")),
        spec.rows.map((row) => {
          if (row.collapsed) state.closed.add(row.id);
          return el(
            row.collapsed ? "section.row.closed" : "section.row",
            { id: `row-${row.id}` },
            row.title
              ? el(
                  "h2",
                  {},
                  el(
                    "button",
                    { "aria-expanded": String(!row.collapsed), onclick: () => toggle(row) },
                    row.title,
                    el("small", {}, row.collapsed ? `${row.panels.length} panel${row.panels.length > 1 ? "s" : ""}` : ""),
                  ),
                )
              : null,
            row.panels.length ? gridOf(row.panels) : null,
          );
        }),
      ),
      tip,
    );
    controls();
    variableMenus();
    for (const { panel } of panels.values()) {
      badges(panel);
      draw(panel);
    }
    const query = new URLSearchParams(location.search),
      wanted = Number(query.get("viewPanel")) || Number(/^#panel-(\d+)$/.exec(location.hash)?.[1]);
    if (wanted && rowOf(wanted) && state.closed.has(rowOf(wanted).id)) {
      const row = rowOf(wanted);
      state.closed.delete(row.id);
      $(`row-${row.id}`).classList.remove("closed");
    }
    if (query.get("viewPanel")) solo(wanted);
    else if (wanted) mark();
    addEventListener("hashchange", mark);
    addEventListener("popstate", () => {
      readAddress();
      controls();
      variableMenus();
      load(visible(), true);
    });
    addEventListener("keydown", (event) => {
      if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey) return;
      if (event.key === "Escape" && state.solo) solo(0);
      if (event.key === "r") reload();
      if (event.key === "v") {
        const over = document.querySelector(".panel:hover");
        if (over) solo(state.solo ? 0 : Number(over.id.slice(6)));
      }
    });
    load(visible(), true).then(() => {
      if (recorded) controls();
    });
    tick();
  }
  function mark() {
    const id = Number(/^#panel-(\d+)$/.exec(location.hash)?.[1]),
      row = rowOf(id);
    document.querySelectorAll(".panel.target").forEach((node) => node.classList.remove("target"));
    if (!row) return;
    if (state.closed.has(row.id)) toggle(row);
    const { node } = panels.get(id);
    node.classList.add("target");
    node.scrollIntoView({ block: "center" });
  }

  // -- the index --------------------------------------------------------------------------------------------------------------
  function index() {
    const cards = new Map(),
      search = el("input.search", {
        type: "search",
        placeholder: "Search dashboards, panels, alerts",
        "aria-label": "Search",
        oninput: () => filter(search.value),
      });
    const list = el("div.cards"),
      row = spec.rows[0],
      named = spec.places.length > 1,
      strips = [],
      numbers = row ? row.panels.filter((panel) => panel.grid.y === row.panels[0].grid.y) : [],
      idOf = (id, place) => id + spec.places.indexOf(place) * 10000000;
    spec.dashboards = spec.boards;
    document.body.append(
      head([el("h1", {}, spec.environment), el("span.why", { style: { color: shade("dim") } }, `${spec.boards.length} dashboards`)], null),
      el(
        "main",
        {},
        el("div.notice", { id: "notice", hidden: true }),
        spec.places.map((place) => {
          const box = el("div.verdict", {}, el("span.why", {}, "asking"));
          strips.push(box);
          return el(
            "section.place",
            {},
            box,
            row ? gridOf(numbers.map((panel) => ({ ...panel, id: idOf(panel.id, place), grid: { ...panel.grid, h: named ? 3 : panel.grid.h } }))) : null,
          );
        }),
        search,
        list,
      ),
      tip,
    );
    for (const board of spec.boards) {
      const dot = el("span.dot"),
        hits = el("div.hits"),
        url = () => link(`/d/${board.uid}`);
      const card = el(
        "article.card",
        {},
        el("h3", {}, dot, el("a", { href: url() }, board.title)),
        el("p", {}, board.description),
        hits,
        el(
          "div.meta",
          {},
          `${board.system} · ${board.panels.length} panels`,
          board.alerts.length ? ` · ${board.alerts.length} alerts` : "",
          board.runbook ? [" · ", el("a", { href: `runbooks/${board.system}.html` }, "runbook")] : null,
        ),
      );
      cards.set(board.uid, { board, card, dot, hits });
      list.append(card);
    }
    function filter(words) {
      const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
      for (const { board, card, hits } of cards.values()) {
        const own = `${board.title} ${board.system} ${board.description}`.toLowerCase(),
          inner = [...board.panels, ...board.alerts].filter(
            (name) => wanted.length && wanted.every((word) => name.toLowerCase().includes(word)),
          );
        card.hidden = !(wanted.every((word) => own.includes(word)) || inner.length);
        card.style.display = card.hidden ? "none" : "";
        hits.replaceChildren(...inner.slice(0, 5).map((name) => el("div", {}, name)));
      }
    }
    addEventListener("keydown", (event) => {
      if (event.key === "/" && event.target !== search) {
        event.preventDefault();
        search.focus();
      }
    });
    controls();
    variableMenus();
    // An alert belongs to the dashboards whose panels name it, else to the first of its system.
    const known = {};
    const light = (system, found, trouble) => {
      const alerts = (known[system] ||= {});
      for (const [name, alert] of Object.entries(found)) alerts[name] = alert.firing || !alerts[name]?.firing ? alert : alerts[name];
      const own = spec.boards.filter((board) => board.system === system),
        named = new Set(own.flatMap((board) => board.alerts));
      own.forEach((board, position) => {
        const firing = Object.entries(alerts).filter(
          ([name, alert]) => alert.firing && (board.alerts.includes(name) || (!position && !named.has(name))),
        );
        const { dot } = cards.get(board.uid);
        const worst = firing.some(([, alert]) => alert.severity === "critical") ? "bad" : firing.length ? "look" : trouble ? "" : "good";
        dot.className = `dot ${worst}`;
        dot.title = firing.length ? `fires: ${firing.map(([name]) => name).join(", ")}` : trouble || "no alert fires";
      });
    };
    const finished = () => {
      document.body.classList.remove("loading");
      document.documentElement.dataset.ready = String(Math.round(performance.now() - started));
    };
    const conclude = (place, frames, alerts, trouble) =>
      verdict(strips[spec.places.indexOf(place)], row?.panels || [], frames, alerts, trouble, named ? place : "");
    // One place: the first row, and the alerts of every system.
    const one = async (place) => {
      const frames = {},
        alerts = {},
        systems = new Map(spec.boards.map((board) => [board.system, board.uid])),
        first = place === spec.places[0];
      let trouble = "";
      const strip = async () => {
        const ids = row.panels.map((panel) => panel.id);
        for await (const line of ask({ ...questionOf(ids, true), place })) {
          if (line.id) {
            frames[line.id] = line;
            take({ ...line, id: idOf(line.id, place) });
          } else if (first) take(line);
        }
      };
      const firing = async ([system, uid]) => {
        for await (const line of ask({ uid, panels: [], frame: true, from: "now-5m", to: "now", place })) {
          if (!line.alerts) continue;
          Object.assign(alerts, line.alerts);
          trouble ||= line.error;
          light(system, line.alerts, line.error);
        }
      };
      try {
        await Promise.all([row && strip(), ...[...systems].map(firing)]);
        return conclude(place, frames, alerts, trouble);
      } catch (error) {
        conclude(place, frames, alerts, "lost");
        return lost(error);
      }
    };
    state.reload = async () => {
      document.body.classList.add("loading");
      for (const system of Object.keys(known)) known[system] = {};
      const problems = [];
      for (const place of spec.places) problems.push(await one(place));
      say(problems.find(Boolean) || "");
      finished();
    };
    if (recorded) {
      recorded.frames.forEach(take);
      for (const [system, found] of Object.entries(recorded.alerts)) light(system, found.alerts, found.error);
      const all = Object.values(recorded.alerts);
      conclude(
        recorded.place,
        state.frames,
        Object.assign({}, ...all.map((found) => found.alerts)),
        all.map((found) => found.error).find(Boolean),
      );
      controls();
      finished();
    } else {
      state.reload();
      tick();
    }
  }

  // -- what differs between two bundles -----------------------------------------------------------------------------------
  const pieces = (list, tag) => list.map(([differs, text]) => (differs ? el(tag, {}, text) : text));
  const status = (word) => el(`span.status.${word}`, {}, word);
  function changeTable(changes) {
    if (!changes.length) return null;
    return el(
      "table.changes",
      {},
      changes.map((one) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, one.what),
          el("td", {}, el("code", {}, pieces(one.old, "del"))),
          el("td", {}, el("code", {}, pieces(one.new, "ins"))),
        ),
      ),
    );
  }
  function difference() {
    const side = (panel, name, words) => {
      if (!panel) return el("div.absent", {}, words);
      const node = make(panel);
      node.style.height = `${Math.max(120, Math.min(16, panel.grid.h) * 38)}px`;
      return el("div.side", {}, el("small", {}, name), node);
    };
    document.body.append(
      head([el("a.home", { href: "../index.html" }, "what differs"), el("span.sep", {}, "/"), el("h1", {}, spec.title), status(spec.status)], null),
      el(
        "main",
        {},
        el("div.notice", { id: "notice", hidden: true }),
        spec.changes.length ? el("section.pair", {}, el("h2", {}, "The dashboard itself"), changeTable(spec.changes)) : null,
        spec.rows.map((row) =>
          el(
            "section.pair",
            { id: `pair-${row.id}` },
            el("h2", {}, row.title, " ", status(row.status), el("small", {}, row.row)),
            changeTable(row.changes),
            spec.drawn
              ? el("div.sides", {}, side(row.sides[0], "before", "not there before"), side(row.sides[1], "after", "not there any more"))
              : null,
          ),
        ),
        spec.unchanged ? el("p.facts", {}, `${spec.unchanged} further panels are as they were.`) : null,
      ),
      tip,
    );
    controls();
    for (const { panel } of panels.values()) draw(panel);
    load([], true).then(() => {
      controls();
      for (const { panel } of panels.values()) badges(panel);
    });
    const wanted = /^#pair-\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (wanted) wanted.scrollIntoView();
  }
  function differences() {
    const [was, now] = spec.environments,
      counts = Object.entries(spec.counts).map(([name, row]) =>
        el(
          "span.chip",
          {},
          el("b", {}, name),
          Object.entries(row)
            .filter(([, number]) => number)
            .map(([word, number]) => el(`span.status.${word}`, {}, `${number} ${word}`)),
        ),
      );
    document.body.append(
      head([el("h1", {}, "What differs"), el("span", { style: { color: shade("dim") } }, was === now ? now : `${was} and ${now}`)], null),
      el(
        "main",
        {},
        el("div.verdict", {}, counts.length ? counts : el("strong", {}, "Nothing differs")),
        spec.boards.length
          ? el(
              "div.cards.wide",
              {},
              spec.boards.map((board) =>
                el(
                  "article.card",
                  {},
                  el("h3", {}, el("a", { href: `dashboards/${board.uid}.html` }, board.title), status(board.status)),
                  board.changes.length ? el("p", {}, `the dashboard itself: ${board.changes.join(", ")}`) : null,
                  board.panels
                    .slice(0, 40)
                    .map((panel) =>
                      el(
                        "div.hits",
                        {},
                        el("a", { href: `dashboards/${board.uid}.html#pair-${panel.id}` }, panel.title),
                        panel.status === "changed" ? "" : status(panel.status),
                        panel.what.length ? el("small", {}, panel.what.join(", ")) : null,
                      ),
                    ),
                  board.panels.length > 40 ? el("p", {}, `and ${board.panels.length - 40} more`) : null,
                  el("div.meta", {}, `${board.system} · ${board.unchanged} panels as they were`),
                ),
              ),
            )
          : null,
        spec.rules.length ? el("h2.part", {}, "Alerts and rules") : null,
        spec.rules.map((rule) =>
          el(
            "section.pair",
            {},
            el("h3", {}, rule.name, " ", status(rule.status), el("small", {}, `${rule.kind}, ${rule.source}, ${rule.system}`)),
            changeTable(rule.changes),
          ),
        ),
        spec.files.length ? [el("h2.part", {}, "Other files"), el("section.pair", {}, changeTable(spec.files))] : null,
      ),
      tip,
    );
    controls();
    document.documentElement.dataset.ready = String(Math.round(performance.now() - started));
  }

  window.observatory = { UNITS, format, parts, step, mapped, link, state, errors, judge, increments, stamp, layersOf };
  addEventListener("error", (event) => errors.push(String(event.message)));
  addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
  startTheme();
  if (spec) {
    if (recorded) spec.places = [recorded.place];
    readAddress();
    if (spec.kind === "index") index();
    else if (spec.kind === "difference") difference();
    else if (spec.kind === "differences") differences();
    else dashboard();
  }
})();
