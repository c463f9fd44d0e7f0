"""Numbers and times as requests and tables contain them."""
