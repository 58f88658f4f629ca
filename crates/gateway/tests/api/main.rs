//! The client API, asked as clients ask it: the whole gateway over real dispatch and a real runner socket.

mod deployment;
mod errors;
mod framing;
mod front;
mod gallery;
mod house;
mod platform;
mod proxy;
mod queue;
mod run;
mod runner;
mod socket;
