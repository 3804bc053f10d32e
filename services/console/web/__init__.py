"""What all pages share: sessions, security, rendering, faults, and calls of the services."""
