"""The servers that Surehand is compared with, each as its own documentation would have it."""
