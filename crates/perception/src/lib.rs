//! Models that hear, see and speak.
