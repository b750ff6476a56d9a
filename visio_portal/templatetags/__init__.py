"""Words and figures that templates of every app write the same way."""
