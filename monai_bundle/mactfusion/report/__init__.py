"""A fusion to look at: an interactive page and a preview in one picture.

Start at :func:`mactfusion.report.fusion.write_fusion_report` and
:func:`mactfusion.report.picture.write_picture`. Nothing is imported here.
"""
