"""``perigee archive``: an archive is looked at, verified, compacted, repaired and published."""
