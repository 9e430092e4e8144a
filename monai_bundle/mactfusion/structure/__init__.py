"""Structure of pictures, and what a fused one keeps of it: arrays alone."""
