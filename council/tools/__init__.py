"""Tools: Python functions that experts may have called before they answer."""
