module psf.observatory/artifacts/jaeger

go 1.25.4

// Jaeger v2.13.0 and the module's v1.76.0 are the same upstream commit; only the latter is a valid module version.
require github.com/jaegertracing/jaeger v1.76.0

tool github.com/jaegertracing/jaeger/cmd/jaeger

// Restated from upstream: replacements do not carry over to whoever requires a module.
replace github.com/Shopify/sarama => github.com/Shopify/sarama v1.33.0
