"""How fast the library is, and how much memory it needs."""
