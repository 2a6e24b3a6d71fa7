"""The systems of the five sources, rebuilt as their code has them, and nothing else.

**Here:** `presets` (one entry a system), what they are made of (`dense`, `conditional`,
`convolutional`, `flows`, `initialization`, `optimizers`), and `reproduce`, which trains one and
measures it by `measures`; `results` reads the files that it wrote.
**In:** a preset's name. **Out:** a JSON file of numbers with their protocol.
**Start with:** `presets.py`.
"""
