//! One actor per app: queue, slots, retries, cancellation and scaling.
