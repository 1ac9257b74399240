# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit of a component: hardened by default, opened only where a component says so by directive name.

Directives: systemd.exec(5), systemd.resource-control(5). What the defaults give is measured on the target with
`systemd-analyze security`, never assumed.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

HARDENING = {
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "KeyringMode": "private",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProcSubset": "pid",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    # EPERM instead of a kill: a Go runtime asks for more than it needs and copes with a no.
    "SystemCallErrorNumber": "EPERM",
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    "UMask": "0027",
}


def expand(text, tokens):
    """Fill {artifact}, {config} and {data}; other braces are left alone."""
    for token, value in tokens.items():
        text = text.replace("{%s}" % token, value)
    return text


def quote(argument):
    """One argument of Exec= as systemd reads it (systemd.syntax, systemd.service: command lines)."""
    if any(c in argument for c in "\n\r\0"):
        raise ConcernError("unit.exec: an argument cannot have a line break: %r" % argument)
    text = argument.replace("%", "%%").replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    return '"%s"' % text if text == "" or any(c in text for c in " \t'\";#") else text


def files(component):
    """(path, text) of the unit files: the service, and the timer where there is one."""
    rows = [(component.unit_path, render(component))]
    return [*rows, (component.timer_path, render_timer(component))] if component.timer else rows


def render(component):
    """The whole unit file as text; equal input gives equal bytes."""
    unit = component.unit
    tokens = {"artifact": component.current, "config": component.config_dir, "data": component.data_dir}
    command = [quote(expand(part, tokens)) for part in unit["exec"]]
    hardening = dict(HARDENING)
    capabilities = " ".join(unit.get("capabilities") or [])
    if capabilities:
        hardening.update(CapabilityBoundingSet=capabilities, AmbientCapabilities=capabilities)
    hardening.update(unit.get("hardening") or {})
    lines = [
        "# Written by psf.observatory.component; local changes are undone by the next run.",
        "[Unit]",
        "Description=%s" % (unit.get("description") or component.name),
        "Wants=network-online.target",
        "After=%s" % " ".join(["network-online.target"] + list(unit.get("after") or [])),
    ]
    if not component.timer:
        lines.append("StartLimitIntervalSec=0")
    lines += [
        "",
        "[Service]",
        "Type=%s" % (unit.get("type") or "exec"),
        "User=%s" % component.user,
        "Group=%s" % component.group,
    ]
    if unit.get("groups"):
        lines.append("SupplementaryGroups=%s" % " ".join(unit["groups"]))
    if any(item.path == component.environment_path for item in component.files):
        lines.append("EnvironmentFile=%s" % component.environment_path)
    lines.append("ExecStart=" + (" \\\n    ".join(command)))
    if unit.get("reload_signal"):
        lines.append("ExecReload=/bin/kill -%s $MAINPID" % unit["reload_signal"])
    lines += [
        "WorkingDirectory=%s" % (unit.get("working_directory") or component.data_dir),
    ]
    if not component.timer:
        lines += ["Restart=always", "RestartSec=%s" % (unit.get("restart_delay") or 2)]
    lines += [
        "TimeoutStopSec=%s" % (unit.get("stop_timeout") or 30),
        "LimitNOFILE=%s" % (unit.get("open_files") or 16384),
        "SyslogIdentifier=%s" % component.name,
        "ReadWritePaths=%s" % " ".join([component.data_dir] + list(unit.get("writable") or [])),
    ]
    for key in sorted(hardening):
        value = hardening[key]
        for row in value if isinstance(value, list) else [value]:
            lines.append("%s=%s" % (key, row))
    # What a timer starts is not started with the host.
    lines += [""] if component.timer else ["", "[Install]", "WantedBy=multi-user.target", ""]
    return "\n".join(lines)


def render_timer(component):
    """The timer that starts the unit, as systemd.timer(5) has it; equal input gives equal bytes."""
    timer = component.timer
    lines = [
        "# Written by psf.observatory.component; local changes are undone by the next run.",
        "[Unit]",
        "Description=%s" % (component.unit.get("description") or component.name),
        "",
        "[Timer]",
    ]
    lines += ["OnCalendar=%s" % text for text in timer["calendar"]]
    lines += [
        "RandomizedDelaySec=%s" % timer["random_delay"],
        "Persistent=%s" % ("yes" if timer["persistent"] else "no"),
        "",
        "[Install]",
        "WantedBy=timers.target",
        "",
    ]
    return "\n".join(lines)
