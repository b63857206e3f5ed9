"""`python -m monitor` is `firsthour`."""

from monitor.cli import app

app()
