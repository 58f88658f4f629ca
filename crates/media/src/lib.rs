//! Probing, decoding and encoding of media, with limits against hostile input.
//!
//! The limits are checked on the header, before any pixel is allocated, so that a small file that
//! unfolds into a huge picture costs nothing. Encoding is deterministic: the same pixels give the same
//! bytes on the same build. This crate opens no file and no connection.

mod canvas;
mod data_uri;
mod decode;
mod encode;
mod format;
mod picture;
mod resize;
mod wav;

pub use canvas::Canvas;
pub use data_uri::{DataUri, DataUriError, data_uri};
pub use decode::{DecodeError, Limits, Probe, decode, decode_canvas, probe};
pub use encode::{EncodeError, Encoding, encode, encode_canvas};
pub use format::Format;
pub use picture::{Mask, Picture};
pub use resize::Filter;
pub use wav::wav;
