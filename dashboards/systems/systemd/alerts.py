"""Units that failed, restart without end, or timers that stopped."""

from dashboards.model import Alert, Inhibit, Proof, Threshold

UNIT = 'instance="app-eu-1:9100",job="node",region="eu",host="app-eu-1",system="node",type="simple"'
NAME = 'name="psf_web.service"'

ALERTS = (
    Alert(
        "SystemdUnitFailed", "warning", 'node_systemd_unit_state{state="failed"} == 1', "5m",
        "Unit {{ $labels.name }} of {{ $labels.host }} failed (failed is {{ $value }})",
        "systemd gave up on the unit, or it is a job that ended with an error. It does not run now.",
        "overview/failed",
        Proof(firing={f'node_systemd_unit_state{{{UNIT},{NAME},state="failed"}}': "1"},
              silent={f'node_systemd_unit_state{{{UNIT},{NAME},state="failed"}}': "0"}),
        inhibits=(Inhibit(("SystemdUnitFlapping",), ("region", "host", "name")),)),
    Alert(
        "SystemdUnitFlapping", "warning",
        'changes(node_systemd_unit_state{state="active", name=~".+[.]service", type!="oneshot"}[15m]) > $unit_changes', "0s",
        "Unit {{ $labels.name }} of {{ $labels.host }} started or stopped {{ $value | humanize }} times in fifteen minutes",
        "The unit starts, ends and starts again; what depends on it sees it come and go.",
        "overview/changes",
        Proof(firing={f'node_systemd_unit_state{{{UNIT},{NAME},state="active"}}': "flap"},
              silent={f'node_systemd_unit_state{{{UNIT},{NAME},state="active"}}': "1"}),
        thresholds=(Threshold("unit_changes", 5, "changes", "starts and stops of one unit in fifteen minutes"),)),
)
