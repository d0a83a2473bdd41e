"""What comes from others, opened: files that may be pipes, links, bombs or nonsense.

Data sets, cards, tables, results folders, weights and models come from strangers. They are opened
here and nowhere else, see the import contract: regular files only, no larger than what is said, and
parsed within bounds. What keeps a file from being opened is an `OSError` whose ``strerror`` says it
in words; what keeps its content from being read is a `ValueError`.
"""
