"""Renders that are disturbed on purpose, gone on with, and compared with an undisturbed one."""
