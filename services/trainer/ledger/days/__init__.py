"""How many decisions there were a day, by reason: counted as the ledger is read."""
