"""Targets for a fuzzer, which pytest leaves alone."""

collect_ignore_glob = ["fuzz_*.py"]
