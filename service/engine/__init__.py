"""The mathematics: numpy in, numpy out. Knows no HTTP, no JSON and no files."""
