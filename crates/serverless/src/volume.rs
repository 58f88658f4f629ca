//! The account's `/data`.
