"""What else hears of a run: OpenTelemetry's traces and metrics, and logs.

All of it listens to the run's events (`listening.py`), and nothing is in their way where nobody
has set up an SDK or asked for logs. Only OpenTelemetry's API is known here, and only once somebody
else has loaded it.
"""
