"""The router: scores items, routes them by the promise, hands the unsure ones to people."""
