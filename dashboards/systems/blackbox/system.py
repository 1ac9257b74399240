"""Endpoints and certificates, as blackbox_exporter sees them from within the region, and other regions' front doors."""

from dashboards.model import System

SYSTEM = System(
    id="blackbox", title="Endpoints and certificates", owner="platform",
    description="Whether every main port of the platform answers a client with a certificate that the client trusts, how fast, and until "
                "when; and whether other regions can be reached.",
    jobs=("probe", "peer_probe", "blackbox"), logs='{service_name="blackbox_exporter"}',
    left_out=(
        ("HTTP status, redirects, content and phases (probe_http_*)",
         "the platform's probes are TLS handshakes, since each service's own scrape asks it by HTTP; "
         "no recorded scrape contains these metrics"),
        ("log-in and health of other regions' servers", "a handshake needs no password of the other region, and a region asks its own "
                                                        "servers for their health"),
        ("ICMP, DNS and gRPC probes", "no module of them is configured"),
        ("uptime over weeks", "that is an SLO on probe_success, with a budget instead of a bare share"),
        ("an alert on a changed certificate or address",
         "both change whenever they are renewed; what matters is that the handshake succeeds"),
        ("revocation of certificates", "the exporter does not ask for it, nor does the platform's authority publish any"),
        ("a Loki alert on why a handshake failed", "it would be the second alert for EndpointDown; the runbook has the query"),
    ))
