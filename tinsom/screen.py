"""A console whose reader may leave: `tinsom … | head`, a terminal that was closed."""

from __future__ import annotations

import errno

from rich.console import Console


class Screen(Console):
    """As rich's, but a closed pipe is the BrokenPipeError that it is.

    Rich would end the process right where it prints (SystemExit), be that in the middle of a send.
    """

    gone = False  # nobody reads any more

    def on_broken_pipe(self) -> None:
        self.gone = self.quiet = True
        raise BrokenPipeError(errno.EPIPE, "nobody reads any more")
