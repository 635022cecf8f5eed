"""The commands of the command line, a file a family; each `declare`s its own."""
