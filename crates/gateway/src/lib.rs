//! The client API: routes, storage, streaming, realtime and the proxy route.
