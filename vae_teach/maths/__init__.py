"""The mathematics: densities, divergences and information, with no model in sight.

**Here:** Gaussians (`gaussian`, `gaussian_full`), KL by number (`kl_numeric`), `information`, the
continuous Bernoulli, gradient descent by hand (`descent`, `fit_normal`), `walks` in code space;
`noise`, what came of it with its error (`estimate`), and weights on the log scale (`log_weights`).
**In:** tensors of means and log-variances. **Out:** tensors of nats, one per example.
**Start with:** `gaussian.py`; every other folder builds on its three functions.
"""
