"""Model versions: watched in the store, verified, loaded, warmed, swapped in."""
