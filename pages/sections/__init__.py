"""What each page consists of, a folder a page: its view (what its link holds), setup (its widgets), one module a section."""
