"""The application tier: services of PSF Web, instrumented as docs/instrumenting.md says."""

from dashboards.model import System

SYSTEM = System(
    id="psf_web", title="PSF Web services", owner="web",
    description="Requests of clients and calls between services and regions, what the runtime does, what users feel, and what the business "
                "sees.",
    jobs=("psf_web",), logs='{service_name="psf_web"}', traces=("psf_web",),
    left_out=(
        ("an alert on the latency of each route", "PsfWebSlow and the objective fire when users notice; the routes stand on the dashboard"),
        ("an alert on processor use", "a busy service that answers in time is what one pays for; event loop lag says when it does not"),
        ("GraphQL and WebSocket panels", "the reference service speaks REST and gRPC; no recorded scrape contains the others"),
    ))
