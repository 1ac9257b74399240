"""Alertmanager of each region: who is told what."""

from dashboards.model import System

SYSTEM = System(
    id="alertmanager", title="Alertmanager", owner="platform",
    description="What each region's Alertmanager receives, groups, silences and tells whom.",
    jobs=("alertmanager",), logs='{service_name="alertmanager"}',
    left_out=(
        ("members and gossip of a cluster", "Alertmanagers form no cluster here, so there are no such metrics; each notifies by itself"),
        ("failures by receiver from metrics", "they count by kind of integration only; AlertmanagerReceiverFailing reads the receiver "
                                              "from the log"),
        ("traces", "the role does not switch tracing on"),
        ("a crash loop", "SystemdUnitFlapping names the unit"),
        ("alertmanager_nflog_query_errors_total", "it counts the first notification of each group as well, for which nothing is found yet"),
        ("limits on alerts and groups", "none is set"),
        ("refused log-ins", "they are answered before anything counts or logs them"),
        ("alerts of Loki's ruler at other regions' Alertmanagers", "it sends all of its alerts to the same Alertmanagers; Prometheus tells "
                                                                   "other regions of what is wrong with this one's notifications"),
    ))
