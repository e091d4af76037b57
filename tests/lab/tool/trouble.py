# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong for a reason that the user can act on: one line, without a traceback."""


class Trouble(Exception):
    """Says the thing, the place and the remedy. The command line prints it and exits with 2."""
