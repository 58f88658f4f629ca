//! Stored objects: put, get, range, sign and expire, over a directory.
