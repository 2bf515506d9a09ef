"""The file formats of data sets, one module each: what it recognises and what it can give."""
