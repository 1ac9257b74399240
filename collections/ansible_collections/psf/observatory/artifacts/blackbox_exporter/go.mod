module psf.observatory/artifacts/blackbox_exporter

go 1.24.0

require github.com/prometheus/blackbox_exporter v0.28.0

tool github.com/prometheus/blackbox_exporter
