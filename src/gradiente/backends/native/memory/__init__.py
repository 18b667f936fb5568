"""Where arrays lie: layouts, places in one block, what is overwritten."""
