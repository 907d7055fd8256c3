"""The durable execution engine: claims runs, does and judges their steps, and recovers what others have left."""
