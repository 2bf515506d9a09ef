"""Where results are kept: blobs, the store, what makes it safe between processes, archives.

What belongs here deals with bytes under a key and knows diskcache; it knows neither torch nor Streamlit nor requests."""
