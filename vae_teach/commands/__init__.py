"""The command line, one module per command; each offers `add_parser(subparsers)`."""
