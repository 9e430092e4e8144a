"""Many studies: what there is, what would be done, and doing it, whatever dies meanwhile."""
