"""What playbooks/assess.yml found, as it brings it to each region: metrics by the node exporter of the first Prometheus host, lines in
Loki."""

from dashboards.model import System

SYSTEM = System(
    id="governance", title="Governance", owner="platform",
    description="Which controls hold, fail or could not be read, what is waived until when, and how old all that is.",
    jobs=("node",), logs='{service_name="governance"}',
    left_out=(
        ("names of hosts and services in metrics", "series are bounded by controls; what failed where stands in the lines and the report"),
        ("the report itself", "it stays on the controller with its evidence; Grafana must not need a way to there"),
        ("traces", "an assessment is a playbook; its duration is a metric"),
    ))
