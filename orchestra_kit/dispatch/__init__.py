"""Wake-up queues: `HueyWakeUpQueue` on PostgreSQL, `MemoryWakeUpQueue` for tests. A message holds ids and nothing else."""
