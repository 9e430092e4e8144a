"""What a fused picture must not do: lose what one source shows."""
