"""What asks somebody to look at Grafana or at what it holds. Nothing of it wakes anybody."""

from dashboards.model import Alert, Inhibit, Proof, Threshold

SERVER = 'instance="obs-eu-1:3000",job="grafana",region="eu",host="obs-eu-1",system="grafana"'
NODE = 'instance="obs-eu-1:9100",job="node",region="eu",host="obs-eu-1",system="node"'
SYNC = f'{NODE},grafana="https://192.0.2.1:3000",scope="default"'


def drift(left: str, overwritten: str) -> dict[str, str]:
    return {f'psf_grafana_sync_drifted_objects{{{SYNC},done="left"}}': left,
            f'psf_grafana_sync_drifted_objects{{{SYNC},done="overwritten"}}': overwritten}


ALERTS = (
    Alert(
        "GrafanaDown", "warning", 'up{job="grafana"} == 0', "2m",
        "Grafana {{ $labels.instance }} of {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "Nobody sees a dashboard of the region. Prometheus, its alerts and Jaeger's page work without it.",
        "overview/up",
        Proof(firing={f"up{{{SERVER}}}": "0"}, silent={f"up{{{SERVER}}}": "1"}),
        inhibits=(Inhibit(("EndpointDown",), ("region", "instance"), system="blackbox"),)),
    Alert(
        "GrafanaObjectsFailed", "warning", "psf_grafana_sync_failed_objects > 0", "0s",
        "{{ $value }} objects of {{ $labels.grafana }} could not be brought there by the sync on {{ $labels.host }}",
        "Grafana refused them, or something that they need; all others are as declared. They stay as they were until a sync succeeds.",
        "overview/failed",
        Proof(firing={f"psf_grafana_sync_failed_objects{{{SYNC}}}": "2"}, silent={f"psf_grafana_sync_failed_objects{{{SYNC}}}": "0"}),
        inhibits=(Inhibit(("GrafanaSyncFailed",), ("region", "host", "grafana", "scope")),)),
    Alert(
        "GrafanaSyncFailed", "warning", "psf_grafana_sync_success == 0", "0s",
        "The last sync of {{ $labels.grafana }} from {{ $labels.host }} failed (success is {{ $value }})",
        "What changed in the code is not in Grafana. It could not be reached, did not let the account in, or the declaration is wrong.",
        "overview/success",
        Proof(firing={f"psf_grafana_sync_success{{{SYNC}}}": "0"}, silent={f"psf_grafana_sync_success{{{SYNC}}}": "1"})),
    Alert(
        "GrafanaSyncStale", "warning", "time() - psf_grafana_sync_success_timestamp_seconds > $sync_age", "10m",
        "{{ $labels.grafana }} was last synchronised {{ $value | humanizeDuration }} ago, from {{ $labels.host }}",
        "Nobody has brought the code there since, and nobody has looked what people edited by hand.",
        "overview/age",
        Proof(firing={f"psf_grafana_sync_success_timestamp_seconds{{{SYNC}}}": "-700000"},
              silent={f"psf_grafana_sync_success_timestamp_seconds{{{SYNC}}}": "0+60"}),
        thresholds=(Threshold("sync_age", 604800, "seconds", "time since a sync succeeded"),)),
    Alert(
        "GrafanaSyncMissing", "warning", 'group by (region) (up{job="grafana"}) unless on (region) group by (region) '
                                         '(psf_grafana_sync_timestamp_seconds)', "15m",
        "Region {{ $labels.region }} has a Grafana that no sync has ever reached (Grafana is there: {{ $value }})",
        "It has none of the dashboards and data sources of the code, or the facts of its syncs are lost.",
        "overview/age",
        Proof(firing={f"up{{{SERVER}}}": "1"}, silent={f"up{{{SERVER}}}": "1", f"psf_grafana_sync_timestamp_seconds{{{SYNC}}}": "0+60"})),
    Alert(
        "GrafanaContentDrifted", "warning", 'psf_grafana_sync_drifted_objects{done="left"} > 0', "0s",
        "{{ $value }} objects of {{ $labels.grafana }} are not as the code has them, and were left so",
        "Somebody edited or deleted them by hand. What people see is not what was reviewed, and no change of the code reaches them.",
        "overview/drift",
        Proof(firing=drift("1", "0"), silent=drift("0", "0"))),
    Alert(
        "GrafanaEditsOverwritten", "info", 'psf_grafana_sync_drifted_objects{done="overwritten"} > 0', "0s",
        "{{ $value }} objects of {{ $labels.grafana }} had been edited by hand; the last sync made them as the code has them",
        "Whoever edited them lost the edit. Grafana's own history of the dashboard still has it.",
        "overview/drift",
        Proof(firing=drift("0", "3"), silent=drift("1", "0"))),
)
