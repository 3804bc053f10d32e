"""Labels that a certified version gave to items of the pool, and the export of all labels."""
