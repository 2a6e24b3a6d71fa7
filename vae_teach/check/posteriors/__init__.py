"""Checks for chapter 13, posteriors and priors: the `masks` of an autoregressive network, the gap
of a wider family `split` over seeds, what a Gaussian `prior` can win."""
