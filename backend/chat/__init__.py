"""Text in, text out: chat templates and stop strings. Knows neither HTTP nor the engine."""
