"""How well the check of a fused picture tells what was lost."""
