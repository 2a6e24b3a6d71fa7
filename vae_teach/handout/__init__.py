"""Copies of the notebooks for a class: exercises without their solutions.

**Here:** `cells` (which cells belong to an exercise) and `copies` (the notebook without them).
**In:** a notebook. **Out:** a student's copy. **Start with:** `copies.py`.
"""
