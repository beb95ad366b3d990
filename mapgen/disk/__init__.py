"""The disk: paths that stay inside a workspace, files written whole, files of their owner alone."""
