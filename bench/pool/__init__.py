"""A pool of a million items: import, selection and automatic labels, in bounded memory."""
