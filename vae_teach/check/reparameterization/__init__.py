"""Checks for chapter 5, gradients through a sample: paths, a broken graph, a measured table.

Each has a module of its own.
"""
