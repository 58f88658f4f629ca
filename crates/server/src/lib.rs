//! The composition root: options, the port, start-up and shutdown.
