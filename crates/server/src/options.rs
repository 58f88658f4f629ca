//! Everything that an operator can say, from a file, the environment and flags, in one table.
//!
//! [`SETTINGS`] is the only list: flags, variables, keys of the file and the reference page all come from it. A later
//! source wins over an earlier one: default, file, environment, flag.

mod file;
mod reach;
pub mod reference;
mod settings;
mod value;
mod walls;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

pub use file::FileError;
pub use settings::{SETTINGS, Setting};
use tintype_kernels::DeviceChoice;
use tintype_launch::{Sandboxing, Templates};
use tintype_outbound::{Policy, Reach};
pub use walls::{AppNetwork, AppNetworks};

/// The environment variable, without the prefix, of the setting file itself.
pub const PREFIX: &str = "TINTYPE_";

#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own for the operator")]
pub struct Options {
    pub listen: SocketAddr,
    pub data: PathBuf,
    /// Where clients reach this server, if that is not what they send as `Host`.
    pub public_url: Option<String>,
    /// Host names of this server's own.
    pub names: Vec<String>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub require_tls: bool,
    pub allow_plaintext: bool,
    pub tunnel: bool,
    /// `HOST:PORT`.
    pub upstream_proxy: Option<String>,
    pub admin_key: Option<String>,
    pub diagnostics: bool,
    /// `true`: calls through the browser proxy route that bring no key use the local one.
    pub open_proxy: bool,
    pub downloads: Reach,
    /// `None`: public addresses, and loopback while the server listens on loopback.
    pub deliveries: Option<Reach>,
    /// Walls around deployed apps.
    pub sandbox: Sandboxing,
    pub app_network: AppNetworks,
    /// For apps whose network is `internet`.
    pub app_reach: Reach,
    /// Of one runner: `/tmp`, `HOME` and `/app` together.
    pub app_scratch_bytes: u64,
    /// Of one runner: processes and threads together.
    pub app_processes: u32,
    /// Processes that wait to become runners of apps.
    pub templates: usize,
    /// Of environments and downloads together.
    pub environments_bytes: u64,
    pub max_body_bytes: u64,
    pub body_memory_bytes: u64,
    pub max_upload_bytes: u64,
    pub direct_wait: Duration,
    pub result_retention: Duration,
    pub stop_grace: Duration,
    /// How long runners live on without a server.
    pub adopt_within: Duration,
    pub keep_alive: Option<Duration>,
    pub runner_threads: Option<usize>,
    pub runner_device: DeviceChoice,
    pub log: String,
    pub log_format: LogFormat,
    /// Endpoint ids that stand for others.
    pub aliases: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `Pretty` on a terminal, `Json` elsewhere.
    Auto,
    Pretty,
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{origin} is `{found}`: {problem}")]
    Value { origin: String, found: String, problem: String },
    #[error("`tls_cert` and `tls_key` belong together: give both or neither")]
    HalfCertificate,
    #[error(
        "will not listen on {0} in plain text: keys and pictures would travel readable. Give `--tls-cert` and \
         `--tls-key`, or `--require-tls` to use the server's own authority, or say `--allow-plaintext` if something in \
         front of the server encrypts"
    )]
    Exposed(SocketAddr),
}

impl Options {
    /// The defaults, with `data` as the data folder.
    pub fn with_data(data: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8700)),
            data,
            public_url: None,
            names: Vec::new(),
            tls_cert: None,
            tls_key: None,
            require_tls: false,
            allow_plaintext: false,
            tunnel: true,
            upstream_proxy: None,
            admin_key: None,
            diagnostics: false,
            open_proxy: false,
            downloads: Reach::PUBLIC,
            deliveries: None,
            sandbox: Sandboxing::Auto,
            app_network: AppNetworks::default(),
            app_reach: Reach::PUBLIC,
            app_scratch_bytes: 5 << 30,
            app_processes: 2048,
            templates: Templates::default().most,
            environments_bytes: 50 << 30,
            max_body_bytes: 64 << 20,
            body_memory_bytes: 1 << 30,
            max_upload_bytes: 10 << 30,
            direct_wait: Duration::from_secs(600),
            result_retention: Duration::from_secs(30 * 24 * 3600),
            stop_grace: Duration::from_secs(10),
            adopt_within: Duration::from_secs(60),
            keep_alive: None,
            runner_threads: None,
            runner_device: DeviceChoice::default(),
            log: "info".into(),
            log_format: LogFormat::Auto,
            aliases: BTreeMap::new(),
        }
    }

    /// Reads all sources. `flags` and `variable` answer by the key of a setting, such as `public_url`; `file` is the
    /// path that was named, if any.
    pub fn read(
        flags: impl Fn(&str) -> Option<String>,
        variable: impl Fn(&str) -> Option<String>,
        file: Option<PathBuf>,
    ) -> Result<Self, OptionsError> {
        let mut options = Self::with_data(crate::paths::default_data(&variable));
        file::apply(&mut options, file, &variable)?;
        for setting in SETTINGS {
            if let Some(found) = variable(&setting.variable()) {
                setting.apply(&mut options, &found, &format!("environment variable {}", setting.variable()))?;
            }
            if let Some(found) = setting.flag().and_then(|_| flags(setting.key)) {
                setting.apply(&mut options, &found, &format!("--{}", setting.key.replace('_', "-")))?;
            }
        }
        options.validate()?;
        Ok(options)
    }

    pub fn validate(&self) -> Result<(), OptionsError> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(OptionsError::HalfCertificate);
        }
        if !self.listen.ip().is_loopback() && !self.encrypted() && !self.allow_plaintext {
            return Err(OptionsError::Exposed(self.listen));
        }
        Ok(())
    }

    /// What goes where.
    pub fn policy(&self) -> Policy {
        let loopback = self.listen.ip().is_loopback();
        let base = if loopback { Policy::for_loopback_server() } else { Policy::default() };
        Policy { downloads: self.downloads.clone(), deliveries: self.deliveries.clone().unwrap_or(base.deliveries) }
    }

    /// Whether callers from other machines must use TLS.
    pub fn encrypted(&self) -> bool {
        self.require_tls || self.tls_cert.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Options, OptionsError> {
        let find = |pairs: &[(&str, &str)], key: &str| {
            pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned())
        };
        Options::read(|key| find(flags, key), |name| find(variables, name), None)
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_the_environment_over_the_default() {
        let variables = [("TINTYPE_LISTEN", "127.0.0.1:1"), ("TINTYPE_LOG", "debug"), ("HOME", "/h")];
        let options = read(&[("listen", "127.0.0.1:2")], &variables).unwrap();
        assert_eq!(options.listen.port(), 2);
        assert_eq!(options.log, "debug");
        assert_eq!(options.data, PathBuf::from("/h/.local/share/tintype"));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_source_and_what_is_allowed() {
        let error = read(&[], &[("TINTYPE_STOP_GRACE", "soon")]).unwrap_err().to_string();
        assert_eq!(
            error,
            "environment variable TINTYPE_STOP_GRACE is `soon`: expected a duration such as `90s`, `10m`, `24h` or `30d`"
        );
    }

    #[test]
    fn the_admin_key_is_not_a_flag_because_others_can_read_command_lines() {
        let options = read(&[("admin_key", "a:b")], &[]).unwrap();
        assert_eq!(options.admin_key, None);
        let options = read(&[], &[("TINTYPE_ADMIN_KEY", "a:b")]).unwrap();
        assert_eq!(options.admin_key.as_deref(), Some("a:b"));
    }

    #[test]
    fn other_machines_are_served_in_plain_text_only_when_that_is_said() {
        let all = ("listen", "0.0.0.0:8700");
        assert!(matches!(read(&[all], &[]), Err(OptionsError::Exposed(_))));
        assert!(read(&[all, ("require_tls", "true")], &[]).is_ok());
        assert!(read(&[all, ("allow_plaintext", "true")], &[]).is_ok());
        assert!(matches!(read(&[("tls_cert", "a.pem")], &[]), Err(OptionsError::HalfCertificate)));
    }
}
