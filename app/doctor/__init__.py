"""``perigee doctor``: small checks of what this machine has and lacks, each with a deadline and a cure."""
