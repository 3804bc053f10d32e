"""The asyncio client; `surehand._sync` is generated from it by ``scripts/unasync.py``."""
