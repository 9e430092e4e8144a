"""Research with the library: training, scoring, figures, benchmarks. Nothing imports it."""
