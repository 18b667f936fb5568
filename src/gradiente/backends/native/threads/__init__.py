"""Threads that run one program together: workers, barriers, how many, where they wait."""
