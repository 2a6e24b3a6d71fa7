"""Drawings of networks and graphs: boxes and arrows, no data.

**Here:** `networks` (autoencoder, VAE), `sampling` (the trick as a graph), `conditional`,
`graphical` (plates). **In:** a model or nothing. **Out:** a Matplotlib figure or axes.
**Start with:** `sampling.py`, whose boxes and arrows the others use.
"""
