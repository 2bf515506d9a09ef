"""Units on any page: which are shown, what is asked for, and how their pictures and charts are drawn."""
