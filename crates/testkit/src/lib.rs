//! Whole-server fixtures for tests.
