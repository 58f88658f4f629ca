//! The storage routes, called as clients call them, over a real folder and the simple store.

mod access;
mod bench;
mod downloads;
mod fetch;
mod hostile;
mod sweeping;
mod uploader;
mod uploads;
