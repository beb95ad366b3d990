"""The work on a workspace of specs: loading, checking, compiling, and what each command needs."""
