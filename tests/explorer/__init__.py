"""A package, so that its tests share one browser, which ends with them."""
