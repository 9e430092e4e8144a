"""The page of a fusion: template, style and script, histogram and legend.

Start at :func:`mactfusion.report.fusion.write_fusion_report`. Nothing is imported here.
"""
