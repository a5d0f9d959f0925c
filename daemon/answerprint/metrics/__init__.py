"""Quality metrics against ground truth and over time, synthetic degradation, evaluation and benchmarks."""
