"""The command line, one module per command; each offers `add_parser(subparsers)`.

**In:** the words after `python -m vae_teach`. **Out:** files, and sentences on the terminal.
**Start with:** `data.py`, the shortest.
"""
