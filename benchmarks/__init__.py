"""Speed, memory and recovery, each as a ratio or a bound: ``python -m benchmarks NAME ...``."""
