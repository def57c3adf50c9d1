"""Side by side with the peers: ``python -m benchmarks``; how cost grows; what an import takes."""
