"""Checks for chapter 10, the latent space: what has collapsed, where codes lie, a mixture of them.

Each has a module of its own.
"""
