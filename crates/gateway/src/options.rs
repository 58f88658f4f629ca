//! The limits and addresses that the gateway obeys.

use std::time::Duration;

use url::Url;

#[derive(Clone, Debug)]
pub struct Options {
    /// The address under which callers reach this server, where it differs from the one that they see: behind a
    /// proxy that rewrites `Host`. Addresses of requests then begin with it.
    pub public_url: Option<Url>,
    /// What addresses of files begin with: reachable by callers and by runners.
    pub storage_url: Url,
    /// Largest body of a call.
    pub max_body_bytes: usize,
    /// Memory for the bodies of all calls that are under way, together.
    pub body_memory_bytes: usize,
    /// Deepest nesting of a JSON body.
    pub max_json_depth: u32,
    /// Longest silence within a body.
    pub body_idle: Duration,
    /// Largest response headers of a runner, all together.
    pub max_header_bytes: usize,
    /// Largest uploaded file, in bytes.
    pub max_upload_bytes: u64,
    /// Largest message on a WebSocket, in bytes.
    pub max_message_bytes: usize,
    /// Messages that a caller may send on one WebSocket in a second, over ten seconds.
    pub max_messages_per_sec: u32,
    /// A WebSocket on which nothing is heard for this long, not even an answer to a ping, is dead.
    pub socket_silence: Duration,
    /// How often a silent event stream gets a comment.
    pub keep_alive: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency_retention: Duration,
    /// The key, `id:secret`, for calls through the proxy route that bring none. `None`: such calls are refused.
    pub proxy_key: Option<String>,
    /// How long finished webhook deliveries are retried.
    pub webhook_give_up: Duration,
}

impl Options {
    /// The defaults, for a server whose files are found at `storage_url`.
    pub fn at(storage_url: Url) -> Self {
        Self {
            public_url: None,
            storage_url,
            max_body_bytes: 64 << 20,
            body_memory_bytes: 1 << 30,
            max_json_depth: 128,
            body_idle: Duration::from_secs(60),
            max_header_bytes: 16 << 10,
            max_upload_bytes: 5 << 30,
            max_message_bytes: 32 << 20,
            max_messages_per_sec: 200,
            socket_silence: Duration::from_secs(90),
            keep_alive: Duration::from_secs(15),
            idempotency_retention: Duration::from_secs(48 * 3600),
            proxy_key: None,
            webhook_give_up: Duration::from_secs(2 * 3600),
        }
    }
}
