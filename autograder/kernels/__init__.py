"""Kernels for ordinary Jupyter clients that are forks of one warm parent."""
