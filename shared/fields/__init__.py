"""Field types: one module each, all in the table of `shared.fields.types`."""
