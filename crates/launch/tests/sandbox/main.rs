//! Real walls around real processes: what can be seen and done inside, and what is left after the end.
//!
//! Where the machine makes no sandbox, these tests say so and prove nothing.

mod attack;
mod house;
mod image;
mod life;
mod network;
mod session;
mod template;
