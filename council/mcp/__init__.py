"""Panels as tools of other programs, by the Model Context Protocol (`council mcp`)."""
