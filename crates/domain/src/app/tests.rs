//! The machine, one rule at a time.
