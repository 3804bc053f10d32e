"""What reviewers can do: tags, against what tasks need."""
