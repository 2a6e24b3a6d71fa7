"""What the widgets share: how they are packed and run, and the pieces of their pages.

**Here:** `base` and `host.js` (a widget with and without a kernel), `bundle` (several files as one
text), decoders in Python and JavaScript, pads, dials and sentences.
**In:** a model or numbers. **Out:** a page that moves. **Start with:** `base.py`.
"""
