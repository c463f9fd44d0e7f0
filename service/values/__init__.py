"""Numbers and times as requests and tables contain them, and arrays as bytes."""
