"""A reader study: which of several fused images do readers prefer.

Start at :func:`mactfusion.study.make.make_study`, which writes the page that readers use and the
key to it, and at :func:`mactfusion.study.score.score_study`, which counts what they chose. Nothing
is imported here.
"""
