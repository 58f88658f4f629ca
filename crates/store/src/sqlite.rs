//! SQLite, inside the process: one writer with group commit, readers beside it.
