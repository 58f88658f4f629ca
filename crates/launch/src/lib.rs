//! Starts, watches and stops runners: child processes on this machine.
