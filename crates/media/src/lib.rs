//! Probing, decoding and encoding of media, with limits against hostile input.
