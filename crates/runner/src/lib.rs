//! The native runner process: serves an in-process model over the runner contract.
