module psf.observatory/artifacts/prometheus

go 1.25.8

// Prometheus 3.14.0 is the module's v0.314.0.
require github.com/prometheus/prometheus v0.314.0

tool (
	github.com/prometheus/prometheus/cmd/prometheus
	github.com/prometheus/prometheus/cmd/promtool
)

// Restated from upstream: replacements and exclusions do not carry over to whoever requires a module.
replace cloud.google.com/go => cloud.google.com/go v0.123.0

exclude (
	github.com/grpc-ecosystem/grpc-gateway v1.14.7
	github.com/linode/linodego v1.0.0
	google.golang.org/api v0.30.0
)
