"""The pieces that pages share: running a request, drawing charts and errors, links, files to take along.

What belongs here is used by more than one page and imports no section."""
