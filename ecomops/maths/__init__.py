"""Methods as pure functions: arrays in, arrays out (numpy and scipy only)."""
