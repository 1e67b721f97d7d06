"""`council chat`: question after question, at a terminal or through a pipe."""
