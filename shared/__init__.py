"""What two services or more use. Imports no service."""
