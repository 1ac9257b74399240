module psf.observatory/artifacts/alertmanager

go 1.24.0

// The last tag whose module carries the built web page.
require github.com/prometheus/alertmanager v0.31.1

tool (
	github.com/prometheus/alertmanager/cmd/alertmanager
	github.com/prometheus/alertmanager/cmd/amtool
)
