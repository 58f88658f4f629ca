//! Environments, built by the real uv from an index that this test serves.
//!
//! Skipped, with a word, on a machine without uv or Python.

mod builds;
mod containers;
mod failures;
mod index;
mod keeping;
