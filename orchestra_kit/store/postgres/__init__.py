"""The stores on PostgreSQL. Import from the modules: `work` for workers, `store` for surfaces, `migrate`, `roles`."""
