"""Questions answered from documents, with citations: all on this machine."""
