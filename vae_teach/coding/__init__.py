"""Codes that are really written: a message is one natural number, and its length is counted.

**Here:** `ans`, which pushes a symbol onto a number and pops it again; `bits_back`, which codes
binary pictures with a VAE at the price of the negative bound.
**In:** a trained model, pictures (N, D) of 0 and 1, a natural number. **Out:** another number.
**Start with:** `ans.py`: it is two functions of three lines.
"""

from vae_teach.coding.ans import pop, push, table_of
from vae_teach.coding.bits_back import Bill, BitsBack

__all__ = ["Bill", "BitsBack", "pop", "push", "table_of"]
