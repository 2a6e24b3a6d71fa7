"""A reader's own run, from the pictures to a folder with weights, numbers and an explorer.

**Here:** `own` (what `python -m vae_teach train` does) and `folder` (its files, and going on).
**In:** a data set. **Out:** a folder that one run wrote.
**Start with:** `own.py`.
"""
