//! The one door for outbound HTTP: address policy, downloads and deliveries.
