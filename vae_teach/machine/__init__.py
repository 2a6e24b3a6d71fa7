"""What the kit asks of the computer: its accelerator, its cores, its disk.

**Here:** `device` lends a model to the accelerator and takes it back, `threads` shares the cores
between kernels, `products` is a linear layer by the faster of two libraries, `whole_file` writes a
file whole or not at all, `one_writer` keeps two runs apart.
**In:** models, text, folders. **Out:** the same, moved or saved.
**Start with:** `device.py`.
"""
