"""Everything is composed here: the core process, the window, the link between them, the command line."""
