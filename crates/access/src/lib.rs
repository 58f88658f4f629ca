//! Accounts, keys and short-lived tokens.
