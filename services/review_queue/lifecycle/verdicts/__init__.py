"""What a reviewer does with a lease: verdict, skip, release, renew, undo."""
