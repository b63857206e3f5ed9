"""Where the README's figures come from: `make benchmarks` (or `python -m benchmarks NAME...`)."""
