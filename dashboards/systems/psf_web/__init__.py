"""The application tier: services of PSF Web, as docs/instrumenting.md says they are instrumented."""
