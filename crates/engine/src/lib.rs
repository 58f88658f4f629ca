//! The contract of an in-process model, the samplers, and the native models.
