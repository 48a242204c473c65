"""Programs that measure what the documents claim; `benchmarks/README.md` names them."""
