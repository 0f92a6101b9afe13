"""The page Scoring: the engine, its servers, the GPU, the pool, the server's log. GUI thread."""
