"""`./dev bench`: each bench starts its own stack, interleaves rounds of ours and of the baseline, and reports medians."""
