"""Stores behind the spi Protocols: `memory` for tests, `postgres` for everything else; the embedded server; sealing."""
