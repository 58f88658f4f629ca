//! Dispatch as a whole: the store in memory, a launcher that starts nothing, and a real HTTP runner on a Unix socket.

mod apps;
mod direct;
mod life;
mod queue;
mod stage;
