//! The table of settings.

use std::path::PathBuf;

use super::{
    Options, OptionsError, PREFIX, reach,
    value::{self, Parsed},
    walls,
};

/// One thing that can be set.
pub struct Setting {
    /// The key in the file; the flag has hyphens for underscores, the variable is in capitals.
    pub key: &'static str,
    /// What stands for the value in a usage line; empty for a switch.
    pub value: &'static str,
    /// The default, in words where it is none.
    pub default: &'static str,
    pub help: &'static str,
    kind: Kind,
    set: fn(&mut Options, &str) -> Parsed<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Everywhere,
    /// Not a flag: what stands on a command line can be read by every user of the machine.
    Secret,
}

impl Setting {
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_ascii_uppercase())
    }

    /// The long flag without its hyphens, if there is one.
    pub fn flag(&self) -> Option<String> {
        (self.kind == Kind::Everywhere).then(|| self.key.replace('_', "-"))
    }

    pub fn is_switch(&self) -> bool {
        self.value.is_empty()
    }

    pub(super) fn apply(&self, options: &mut Options, found: &str, origin: &str) -> Result<(), OptionsError> {
        (self.set)(options, found).map_err(|problem| {
            let found = if self.kind == Kind::Secret { "…" } else { found };
            OptionsError::Value { origin: origin.into(), found: found.into(), problem }
        })
    }
}

macro_rules! settings {
    ($($kind:ident $key:ident $value:literal = $default:literal, $help:literal,
        |$text:ident| $parse:expr;)*) => {
        /// Every setting, in the order of the reference page.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            key: stringify!($key),
            value: $value,
            default: $default,
            help: $help,
            kind: Kind::$kind,
            set: |options, $text| { options.$key = $parse; Ok(()) },
        }),*];
    };
}

settings! {
    Everywhere listen "HOST:PORT" = "127.0.0.1:8700",
        "Address of the one port. A loopback address serves both IPv4 and IPv6 loopback. Port 0 picks a free one.",
        |text| value::address(text)?;
    Everywhere data "DIR" = "$XDG_DATA_HOME/tintype, else ~/.local/share/tintype",
        "The data folder: database, files, keys, certificates. One server uses it at a time.",
        |text| PathBuf::from(text);
    Everywhere public_url "URL" = "what each request says",
        "Address under which clients reach this server; links in answers begin with it.",
        |text| Some(value::base_url(text)?);
    Everywhere names "NAME,.." = "none",
        "Host names of this server's own. `queue.NAME` and `ws.NAME` belong to each.",
        |text| value::names(text)?;
    Everywhere tls_cert "FILE" = "the server's own authority",
        "Certificate chain (PEM) for the server's own names.",
        |text| Some(PathBuf::from(text));
    Everywhere tls_key "FILE" = "none",
        "Private key (PEM) of `tls_cert`.",
        |text| Some(PathBuf::from(text));
    Everywhere require_tls "" = "false",
        "Answer callers from other machines over TLS alone. Implied by `tls_cert`.",
        |text| value::switch(text)?;
    Everywhere allow_plaintext "" = "false",
        "Listen beyond loopback without TLS. For servers behind something that encrypts.",
        |text| value::switch(text)?;
    Everywhere tunnel "BOOL" = "true",
        "Let programs started by `tintype exec` reach other hosts through this server, untouched. Callers on this machine only.",
        |text| value::switch(text)?;
    Everywhere upstream_proxy "HOST:PORT" = "none",
        "HTTP proxy through which those other hosts are reached, where this machine cannot reach them directly.",
        |text| Some(value::host_and_port(text)?);
    Secret admin_key "ID:SECRET" = "made at the first start",
        "The first key, with all rights. Not a flag: command lines are readable by every user.",
        |text| Some(text.to_owned());
    Everywhere diagnostics "" = "false",
        "List `tintype/noop`, a model that does nothing but answer as it is told; for tests and measurements.",
        |text| value::switch(text)?;
    Everywhere open_proxy "" = "false",
        "Let calls through the browser proxy route `/api/fal/proxy` that bring no key use the local one. Any page in a browser on this machine could then make pictures here.",
        |text| value::switch(text)?;
    Everywhere downloads "REACH" = "public",
        "Where inputs may be fetched from: a list of `public`, `loopback`, `private`, `nowhere`, networks, and `-` before a network that is refused. Files of this server are always reachable.",
        |text| reach::reach(text)?;
    Everywhere deliveries "REACH" = "public, and loopback while the server listens on loopback",
        "Where webhooks may be delivered to; written like `downloads`.",
        |text| Some(reach::reach(text)?);
    Everywhere sandbox "MODE" = "auto",
        "Walls around deployed apps, and around FFmpeg and other programs of native models: `auto` has them where this machine can make them and warns where it cannot, `required` refuses to start without, `off` has none: apps and programs then have all rights of this user.",
        |text| walls::sandbox(text)?;
    Everywhere app_network "POLICY,.." = "internet",
        "What deployed apps may reach: `none`, `internet` (HTTP and HTTPS by way of this server, as `app_reach` says), or `all` (whatever this machine reaches, itself included). `OWNER/APP=POLICY` sets it for one app.",
        |text| walls::networks(text)?;
    Everywhere app_reach "REACH" = "public",
        "Where apps whose network is `internet` may connect to; written like `downloads`. The names of the hosted service always lead to this server.",
        |text| reach::reach(text)?;
    Everywhere app_scratch_bytes "SIZE" = "5GB",
        "What one runner of a deployed app may write to its private folders, `/tmp`, `HOME` and `/app`, together; beyond it the runner is stopped. `/data` does not count.",
        |text| value::bytes(text)?;
    Everywhere app_processes "N" = "2048",
        "Processes and threads that one runner of a deployed app may have.",
        |text| u32::try_from(value::count(text)?).unwrap_or(u32::MAX / 2);
    Everywhere templates "N" = "8",
        "At most so many processes wait in their sandboxes to become runners of deployed apps, with what apps of their environment import already imported: some 60 MB each, and starts several times as fast. `off` keeps none.",
        |text| walls::templates(text)?;
    Everywhere environments_bytes "SIZE" = "50GB",
        "Disk space for the environments of deployed apps and what was downloaded for them, together; beyond it goes what no app needs, the longest unused first.",
        |text| value::bytes(text)?;
    Everywhere max_body_bytes "SIZE" = "64MB",
        "Largest body of a model's request.",
        |text| value::bytes(text)?;
    Everywhere body_memory_bytes "SIZE" = "1GB",
        "Memory for the bodies of all requests under way, together; beyond it large bodies are refused with 503.",
        |text| value::bytes(text)?;
    Everywhere max_upload_bytes "SIZE" = "10GB",
        "Largest file that can be uploaded.",
        |text| value::bytes(text)?;
    Everywhere direct_wait "DURATION" = "10m",
        "How long a direct call waits for a free runner.",
        |text| value::duration(text)?;
    Everywhere result_retention "DURATION" = "30d",
        "How long the result of a queued request is kept.",
        |text| value::duration(text)?;
    Everywhere stop_grace "DURATION" = "10s",
        "How long work under way may go on once the server is told to stop; what is queued waits for the next start.",
        |text| value::duration(text)?;
    Everywhere adopt_within "DURATION" = "60s",
        "How long runners live on when this server dies without a word, for its next start to take them over with all that they hold in memory; `0s`: they end with it. A server that is told to stop ends them in any case.",
        |text| value::duration(text)?;
    Everywhere keep_alive "DURATION" = "each model's own",
        "How long an idle runner stays, for all models.",
        |text| Some(value::duration(text)?);
    Everywhere runner_threads "N" = "all cores",
        "Compute threads of one native runner.",
        |text| Some(value::count(text)?);
    Everywhere runner_device "DEVICE" = "auto",
        "Where native models with weights compute: `cpu`, `cuda`, `cuda:N` or `metal`, as this build has them; `auto` takes an accelerator if there is one. Numbers count what `CUDA_VISIBLE_DEVICES` leaves visible.",
        |text| value::device(text)?;
    Everywhere log "FILTER" = "info",
        "What is logged: `error`, `warn`, `info`, `debug`, or `target=level` pairs.",
        |text| text.to_owned();
    Everywhere log_format "FORMAT" = "auto",
        "`pretty`, `json`, or `auto`: pretty on a terminal, JSON elsewhere.",
        |text| value::log_format(text)?;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_that_is_stated_is_the_default_that_holds() {
        let defaults = Options::with_data("/d".into());
        for setting in SETTINGS {
            let mut options = defaults.clone();
            let free_text = ["data", "tls_cert", "tls_key", "admin_key", "names"].contains(&setting.key);
            if !free_text && setting.apply(&mut options, setting.default, "default").is_ok() {
                assert_eq!(options, defaults, "{}", setting.key);
            }
        }
    }

    #[test]
    fn a_wrong_secret_is_not_repeated() {
        let setting = Setting { kind: Kind::Secret, set: |_, _| Err("no".into()), ..SETTINGS[10] };
        let error = setting.apply(&mut Options::with_data("/d".into()), "hush", "here").unwrap_err();
        assert!(!error.to_string().contains("hush"));
    }
}
