"""OpenTelemetry collectors, the agent of every host and the gateway of a region, and what passes through them."""
