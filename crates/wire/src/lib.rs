//! The JSON of the public client API; nothing else knows its shapes.
