"""Who may read a store, and whether it is what it was.

The key and who holds it (`keys`, `unlocking`), the cipher (`cipher`), what proves a backup whole
(`seal`), and what tells that something was cut off (`head`).
"""
