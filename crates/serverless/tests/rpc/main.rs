//! The protocol as a client speaks it, over a real store and real access, with nothing that starts.

mod house;
mod keys;
mod places;
mod refusals;
