"""From schemas to the engine or the figures and back: what routes and workers share.

Operations see arrays: a source that names something stored was resolved before.
"""
