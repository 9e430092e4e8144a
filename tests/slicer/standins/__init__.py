"""Stand-ins for what only the application has: PythonQt, and, if need be, its Python layer."""
