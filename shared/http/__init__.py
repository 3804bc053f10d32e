"""What each service's HTTP face has in common."""
