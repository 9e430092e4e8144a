"""How good fused pictures and volumes are: scores, tables, a report.

Start at :func:`mactfusion.evaluation.run.evaluate`. Nothing is imported here: the processes that
compute metrics load this package, and torch and MONAI would cost each of them seconds.
"""
