"""`python -m dashboards`: the command `observatory` from a checkout."""

from dashboards.cli import main

raise SystemExit(main())
