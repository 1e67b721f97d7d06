"""The gateway: panels served over HTTP, each as if it were a model."""
