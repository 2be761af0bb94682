"""`python -m autograder` is the `autograder` command."""

import os
import sys

# `python -m` looks into the current folder first, where a file of a student's may be named like a package.
if sys.path[0] == os.getcwd():
    del sys.path[0]

from autograder.cli import main

if __name__ == "__main__":
    main(prog_name="autograder")
