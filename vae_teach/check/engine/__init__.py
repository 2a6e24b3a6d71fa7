"""How a check judges a student's function: call it on many inputs, compare, name the mistake.

**Here:** `exercise` (what is asked), `call` (with a time `limit`), `rules` that every exercise has,
`diagnose` (which known mistake explains the answer), `verdict` (what the student reads).
**In:** a function. **Out:** a `Verdict`. **Start with:** `exercise.py`.
"""
