"""Text in, text out: chat templates, tool calls, grammars. Knows neither HTTP nor the engine."""
