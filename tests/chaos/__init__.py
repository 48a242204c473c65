"""Everything dies at random while callers go on, and afterwards the books are read."""
