"""
Pictures of the chat to look at: three widths, light and dark, both directions.

    python -m tests.pages.screenshots DIRECTORY
"""
