"""The systems of the five sources, rebuilt as their code has them, and nothing else.

**Here:** `table` (one entry a system, each a `presets.Preset`), what they are made of (`dense`,
`conditional`, `convolutional`, `flows`, `initialization`, `optimizers`, `pixels`), and `reproduce`,
which trains one (`train`), takes its `measures` and writes a `result_file`; `results` makes tables.
**In:** a preset's name. **Out:** a JSON file of numbers with their protocol.
**Start with:** `table.py`.
"""
