"""`python -m dashboards.slo`: the command `observatory slo` by itself."""

from dashboards.slo.cli import main

raise SystemExit(main())
