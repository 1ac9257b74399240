"""Endpoints that do not answer, certificates that end, and probes that are not made. An endpoint whose own scrape fails too is left to
its system's alert. Other regions are looked at by their front doors (job peer_probe): region is from where, peer_region to where."""

from dashboards.model import Alert, Inhibit, LogProof, Proof, Threshold

PROBE = 'instance="obs-eu-1:3100",job="probe",region="eu",host="obs-eu-1",system="loki",module="tls"'
OTHER = 'instance="obs-eu-1:9090",job="probe",region="eu",host="obs-eu-1",system="prometheus",module="tls"'
DOOR = 'job="peer_probe",region="eu",peer_region="us",module="tls"'
PEER_PROMETHEUS = f'instance="obs-us-1:9090",host="obs-us-1",system="prometheus",{DOOR}'
PEER_WEB = f'instance="app-us-1:8443",host="app-us-1",system="psf_web",{DOOR}'
SCRAPE = 'instance="obs-eu-1:3100",job="loki",region="eu",host="obs-eu-1",system="loki"'
NODE = 'instance="obs-eu-1:9100",job="node",region="eu",host="obs-eu-1",system="node"'
EXPORTER = 'instance="obs-eu-1:9115",job="blackbox",region="eu",host="obs-eu-1",system="blackbox"'
CERTIFICATE = 'subject="CN=obs-eu-1",issuer="CN=PSF Observatory CA",subjectalternative="obs-eu-1",serialnumber="1f",fingerprint_sha256="9a"'
REFUSED = "2026/11/22 22:03:46 http: TLS handshake error from 10.210.11.11:45210: tls: client didn't provide a certificate"
DAY = 86400
# The first end of a chain, by certificate: one that many ports of a host show is one fault.
LEFT = ('min by (region, host, subject, issuer, serialnumber) (probe_ssl_earliest_cert_expiry{job="probe"} '
        '* on (region, instance, module) group_left (subject, issuer, serialnumber) probe_ssl_last_chain_info{job="probe"}) - time()')


def certificate(end: str) -> dict[str, str]:
    """A certificate that two ports of a host show, and that ends at `end`."""
    return {f"probe_ssl_earliest_cert_expiry{{{PROBE}}}": end, f"probe_ssl_last_chain_info{{{PROBE},{CERTIFICATE}}}": "1",
            f"probe_ssl_earliest_cert_expiry{{{OTHER}}}": end, f"probe_ssl_last_chain_info{{{OTHER},{CERTIFICATE}}}": "1"}


ALERTS = (
    Alert(
        "EndpointDown", "critical",
        'probe_success{job="probe"} == 0 unless on (region, instance) up{job!="probe"} == 0 unless on (region, host) up{job="node"} == 0',
        "2m",
        "Endpoint {{ $labels.instance }} of {{ $labels.system }} in {{ $labels.region }} refuses a client with a valid certificate "
        "(success is {{ $value }})",
        "The handshake with the endpoint has failed for two minutes, although its host answers and no scrape of the same port fails. The "
        "listener, its certificate or the way to it is "
        "broken.",
        "overview/endpoints",
        Proof(firing={f"probe_success{{{PROBE}}}": "0", f"up{{{SCRAPE}}}": "1", f"up{{{NODE}}}": "1",
                      f"probe_success{{{OTHER}}}": "1"},
              silent={f"probe_success{{{PROBE}}}": "0", f"up{{{SCRAPE}}}": "0", f"up{{{NODE}}}": "1",
                      f"probe_success{{{OTHER}}}": "1"})),
    Alert(
        "EndpointSlow", "warning", "probe_duration_seconds{job=\"probe\"} > $probe_duration and probe_success == 1", "10m",
        "A handshake with {{ $labels.instance }} of {{ $labels.system }} takes {{ $value | humanizeDuration }}",
        "The endpoint answers, but slowly for ten minutes: its host is short of processor time, its queue of connections is full, or "
        "packets are lost on the way.",
        "overview/duration",
        Proof(firing={f"probe_duration_seconds{{{PROBE}}}": "2.5", f"probe_success{{{PROBE}}}": "1"},
              silent={f"probe_duration_seconds{{{PROBE}}}": "0.02", f"probe_success{{{PROBE}}}": "1",
                      f"probe_duration_seconds{{{OTHER}}}": "5", f"probe_success{{{OTHER}}}": "0"}),
        thresholds=(Threshold("probe_duration", 1, "seconds", "time that a handshake may take"),)),
    Alert(
        "CertificateExpiring", "warning", f"{LEFT} < $certificate_warning", "2m",
        "The certificate {{ $labels.subject }} of host {{ $labels.host }} ends in {{ $value | humanizeDuration }}",
        "It should have been issued anew by now: a run of the playbook renews what ends within certificate_renew_before days, so that run "
        "has not been made, or it failed, or the service "
        "still shows the old one.",
        "overview/certificate-left",
        Proof(firing=certificate(str(10 * DAY)), silent=certificate(str(100 * DAY))),
        thresholds=(Threshold("certificate_warning", 21 * DAY, "seconds",
                              "life that a certificate has left; less than certificate_renew_before of the role certificate (30 days)"),)),
    Alert(
        "CertificateExpiringSoon", "critical", f"{LEFT} < $certificate_critical", "2m",
        "The certificate {{ $labels.subject }} of host {{ $labels.host }} ends in {{ $value | humanizeDuration }}",
        "When it ends, every client refuses the services of the host that show it: scrapes, logs, traces and alerts of the host stop at "
        "once.",
        "overview/certificate-left",
        Proof(firing=certificate(str(DAY)), silent=certificate(str(10 * DAY))),
        thresholds=(Threshold("certificate_critical", 3 * DAY, "seconds", "life left from which on somebody is woken"),),
        inhibits=(Inhibit(("CertificateExpiring",), ("region", "host", "serialnumber")),)),
    Alert(
        "EndpointTlsOutdated", "warning", 'probe_tls_version_info{job="probe", version!="TLS 1.3"} == 1', "10m",
        "Endpoint {{ $labels.instance }} of {{ $labels.system }} speaks {{ $labels.version }} (found {{ $value }} such version)",
        "The platform promises TLS 1.3 in transit. The endpoint agreed on an older version with a client that offers 1.3, so its own "
        "settings or library are older.",
        "overview/tls-version",
        Proof(firing={f'probe_tls_version_info{{{PROBE},version="TLS 1.2"}}': "1"},
              silent={f'probe_tls_version_info{{{PROBE},version="TLS 1.3"}}': "1"})),
    # -- other regions -------------------------------------------------------------------------------------------------
    Alert(
        "RegionUnreachable", "critical", 'max by (region, peer_region) (probe_success{job="peer_probe"}) == 0', "2m",
        "Region {{ $labels.peer_region }} cannot be reached from {{ $labels.region }}: none of its front doors answers (success is "
        "{{ $value }})",
        "The way between the two is cut, or the whole region is gone. If it lives, it says the same of this one; if it says nothing, it is "
        "gone, and so is whoever would have told you there.",
        "overview/regions",
        Proof(firing={f"probe_success{{{PEER_PROMETHEUS}}}": "0", f"probe_success{{{PEER_WEB}}}": "0"},
              silent={f"probe_success{{{PEER_PROMETHEUS}}}": "0", f"probe_success{{{PEER_WEB}}}": "1",
                      f"probe_success{{{PROBE}}}": "0"}),
        inhibits=(Inhibit(("RegionUnwatched", "PeerEndpointDown"), ("region", "peer_region")),
                  Inhibit(("PsfWebPeerUnreachable",), ("region", "peer_region"), system="psf_web"))),
    Alert(
        "RegionUnwatched", "critical", 'max by (region, peer_region) (probe_success{job="peer_probe", system="prometheus"}) == 0', "3m",
        "No Prometheus of region {{ $labels.peer_region }} answers from {{ $labels.region }} (success is {{ $value }})",
        "Nothing is scraped there and no alert of Prometheus fires, not even one that says so. Only Loki's ruler of that region could, if "
        "it still runs.",
        "overview/regions",
        Proof(firing={f"probe_success{{{PEER_PROMETHEUS}}}": "0", f"probe_success{{{PEER_WEB}}}": "1"},
              silent={f"probe_success{{{PEER_PROMETHEUS}}}": "1", f"probe_success{{{PEER_WEB}}}": "0"}),
        inhibits=(Inhibit(("PeerEndpointDown",), ("region", "peer_region")),)),
    Alert(
        "PeerEndpointDown", "warning", 'probe_success{job="peer_probe"} == 0', "10m",
        "Endpoint {{ $labels.instance }} of {{ $labels.system }} in {{ $labels.peer_region }} does not answer from {{ $labels.region }} "
        "(success is {{ $value }})",
        "Other front doors of that region do. The endpoint is gone, which its own region tells too, or only the way to it from here is "
        "shut.",
        "overview/doors",
        Proof(firing={f"probe_success{{{PEER_WEB}}}": "0"}, silent={f"probe_success{{{PEER_WEB}}}": "1"})),
    # -- the exporter --------------------------------------------------------------------------------------------------
    Alert(
        "BlackboxDown", "warning", 'up{job="blackbox"} == 0', "2m",
        "The exporter of endpoints {{ $labels.instance }} in {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "No endpoint of the region is probed: EndpointDown and the certificates' alerts are blind.",
        "overview/up",
        Proof(firing={f"up{{{EXPORTER}}}": "0"}, silent={f"up{{{EXPORTER}}}": "1"})),
    Alert(
        "BlackboxMissing", "warning", 'absent(up{job="blackbox"}) or absent(up{job="probe"})', "5m",
        "Prometheus has no target of job {{ $labels.job }} (absent is {{ $value }})",
        "Each region probes its own endpoints. Its Prometheus has no exporter, or nothing to probe, so no endpoint and no certificate is "
        "watched.",
        "overview/up",
        Proof(firing={}, silent={f"up{{{EXPORTER}}}": "1", f"up{{{PROBE}}}": "1"}, count=2)),
    Alert(
        "ProbeNotMade", "warning", 'up{job=~"probe|peer_probe"} == 0 unless on (region) up{job="blackbox"} == 0', "5m",
        "{{ $labels.instance }} of {{ $labels.system }} is not probed (up is {{ $value }})",
        "The exporter answers, but not this request: the target names a module that it does not have, or the probe takes longer than the "
        "scrape may.",
        "overview/up",
        Proof(firing={f"up{{{PROBE}}}": "0", f"up{{{EXPORTER}}}": "1"}, silent={f"up{{{PROBE}}}": "0", f"up{{{EXPORTER}}}": "0"})),
    Alert(
        "BlackboxConfigBroken", "warning", "blackbox_exporter_config_last_reload_successful == 0", "5m",
        "The exporter of endpoints {{ $labels.instance }} could not read its configuration (successful is {{ $value }})",
        "It goes on with the modules that it had. A change of blackbox.yml is not in effect, and the next start will fail.",
        "overview/config",
        Proof(firing={f"blackbox_exporter_config_last_reload_successful{{{EXPORTER}}}": "0"},
              silent={f"blackbox_exporter_config_last_reload_successful{{{EXPORTER}}}": "1"})),
    Alert(
        "BlackboxClientsRefused", "warning",
        'sum by (region, host) (count_over_time({service_name="blackbox_exporter"} |~ "^[0-9/]+ [0-9:]+ http: TLS handshake error from" '
        '[10m])) > $clients_refused', "0s",
        "The exporter of endpoints on {{ $labels.host }} refused {{ $value }} connections without a valid certificate in ten minutes",
        "Somebody asks it without a certificate of the platform's authority, or with one that has ended. Through its probes it reaches "
        "what its host reaches, so it answers only known clients.",
        "overview/log-rate",
        LogProof({"service_name": "blackbox_exporter", "region": "eu", "host": "obs-eu-1"},
                 firing=tuple(REFUSED.replace("45210", str(45211 + number)) for number in range(8)),
                 silent=('time=2026-11-22T21:59:15.471Z level=INFO source=handler.go:133 msg="Probe succeeded" module=tls '
                         'target=10.210.11.11:9093 duration_seconds=0.021168938',
                         REFUSED)),
        thresholds=(Threshold("clients_refused", 5, "connections", "connections without a valid certificate in ten minutes"),),
        source="loki"),
)
