"""Checks for chapter 12, the objective: `noise` chosen on validation pictures, `four` training
curves told apart, `replicate` a point of the sweep."""
