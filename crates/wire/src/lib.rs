//! The JSON of the public client API; nothing else knows its shapes.
//!
//! Types here are what goes over the wire, no more: they parse and print, and hold no state. A parser
//! never panics on hostile text, and says what it found and what it expected.

pub mod bases;
pub mod cancel;
pub mod error;
pub mod frame;
pub mod header;
pub mod json;
pub mod over_socket;
pub mod realtime;
pub mod request;
pub mod sse;
pub mod status;
pub mod submit;
pub mod token;
