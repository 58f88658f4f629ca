//! The one door for outbound HTTP: address policy, downloads and deliveries.
//!
//! Every address is checked at the moment at which it is connected to: the names of a URL are resolved here, and
//! only addresses that the policy allows are handed to the connector, so a name cannot mean one thing when it
//! is checked and another when it is used. Redirects are followed one by one, each checked like the first URL.
//! Proxy variables of the environment are ignored, because a proxy would do the resolving out of sight.

mod class;
mod client;
mod deliver;
mod dial;
mod download;
mod policy;
mod resolve;
mod target;

pub use class::Class;
pub use client::Outbound;
pub use deliver::DeliverError;
pub use dial::{DialError, dial, lookup};
pub use download::{Download, DownloadError, Limits};
pub use policy::{Policy, Reach};
pub use resolve::Refusal;
pub use target::TargetError;
