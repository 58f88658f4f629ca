//! What can be typed.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Args, Command as ClapCommand, FromArgMatches, Parser, Subcommand};
use tintype_kernels::DeviceChoice;
use tintype_programs::Sandboxing;
use tintype_server::options::SETTINGS;

/// The generative-media cloud that you run yourself.
#[derive(Parser)]
#[command(name = "tintype", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Answer in JSON, one document on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start the server.
    Serve(ServeArgs),
    /// Call a model and wait for its result.
    Run(RunArgs),
    /// List the models or show one; install and remove their weights.
    Models(ModelsArgs),
    /// List the apps that were deployed, or show one.
    Apps(AppsArgs),
    /// List the runners that live now, or show one and its start.
    Runners(RunnersArgs),
    /// List, show and cancel requests.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Requests(RequestsArgs),
    /// List, make and revoke keys.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Keys(KeysArgs),
    /// Run a program so that everything it asks of fal is answered here.
    Exec(ExecArgs),
    /// Look for what is wrong, and say what to do.
    Doctor,
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Serve one model to the server that started this process.
    #[command(hide = true)]
    Runner(RunnerArgs),
    /// Look after one runner for the server that started this process, and for the next.
    #[command(hide = true)]
    Shepherd,
    /// Say what a runner left in this folder.
    #[command(hide = true)]
    Speaker,
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Endpoint id, such as `tintype/sketch`.
    pub(crate) endpoint: String,
    /// Input as `key=value`. A value that is JSON is taken as JSON; `key=@FILE` sends a file, and so does a text
    /// `"@FILE"` inside of JSON. A key that is given again makes a list.
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) input: Vec<String>,
    /// Save the files of the result into this folder.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Show the result as it comes into being.
    #[arg(long)]
    pub(crate) stream: bool,
    /// Return as soon as the request is in the queue.
    #[arg(long, conflicts_with_all = ["stream", "output"])]
    pub(crate) detach: bool,
    /// Show what the model logs.
    #[arg(long)]
    pub(crate) logs: bool,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ModelsAction>,
    /// Show this one alone.
    pub(crate) endpoint: Option<String>,
    /// Only those in which all these words are found.
    #[arg(long, value_name = "WORDS", conflicts_with = "endpoint")]
    pub(crate) search: Option<String>,
    /// Only those of this category, such as text-to-image.
    #[arg(long, value_name = "CATEGORY", conflicts_with = "endpoint")]
    pub(crate) category: Option<String>,
    /// List what was installed, with its licence and size.
    #[arg(long, conflicts_with = "endpoint")]
    pub(crate) installed: bool,
}

/// They work on the data folder itself, whether a server runs or not.
#[derive(Subcommand)]
pub(crate) enum ModelsAction {
    /// Fetch the weights of a model, check them and put them where its runners look.
    Install {
        /// Id of the model, or of one of its endpoints.
        model: String,
        /// A folder, a file, an address, or `hub:OWNER/REPOSITORY[@REVISION]`; by default where the model is published.
        #[arg(long, value_name = "SOURCE")]
        from: Option<String>,
        /// Which of its sets, where it has several.
        #[arg(long, value_name = "NAME")]
        set: Option<String>,
        /// Accept the licence without being asked.
        #[arg(long)]
        accept_licence: bool,
    },
    /// Write the weights of models into one file, for a machine without a network.
    Export {
        #[arg(required = true, value_name = "MODEL")]
        models: Vec<String>,
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Install what `export` wrote.
    Import {
        #[arg(value_name = "FILE")]
        bundle: PathBuf,
        /// As for `install`. Whoever wrote the bundle has accepted the licences; they are shown.
        #[arg(long)]
        accept_licence: bool,
    },
    /// Take the weights of a model away.
    Remove {
        model: String,
        #[arg(long, value_name = "NAME")]
        set: Option<String>,
    },
}

#[derive(Args)]
pub(crate) struct AppsArgs {
    /// Show this one alone: `owner/app`, or the name of the app.
    pub(crate) app: Option<String>,
}

#[derive(Args)]
pub(crate) struct RunnersArgs {
    /// Show this one alone.
    pub(crate) runner: Option<String>,
    /// Only those of this app: `owner/app`, or the name of the app.
    #[arg(long, value_name = "APP", conflicts_with = "runner")]
    pub(crate) app: Option<String>,
}

#[derive(Args)]
pub(crate) struct RequestsArgs {
    #[command(subcommand)]
    pub(crate) action: RequestsAction,
}

#[derive(Subcommand)]
pub(crate) enum RequestsAction {
    /// The latest requests, newest first.
    List {
        /// Only those that have not ended.
        #[arg(long)]
        open: bool,
        /// Only those of this app.
        #[arg(long, value_name = "ENDPOINT")]
        app: Option<String>,
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One request: where it stands, and why it waits.
    Show { id: String },
    /// Cancel a request.
    Cancel { id: String },
}

#[derive(Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) action: KeysAction,
}

#[derive(Subcommand)]
pub(crate) enum KeysAction {
    /// All keys, without their secrets.
    List,
    /// Make a key and show it, this once.
    Create {
        /// What the key is for, in your words.
        alias: String,
        /// Let it make and revoke keys too.
        #[arg(long)]
        admin: bool,
    },
    /// From here on the key opens nothing.
    Revoke { id: String },
}

#[derive(Args)]
pub(crate) struct ExecArgs {
    /// The program and its arguments, after `--`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct RunnerArgs {
    #[arg(long)]
    pub(crate) model: String,
    /// Which code serves it; by default the one that is called as the model is.
    #[arg(long)]
    pub(crate) family: Option<String>,
    /// The folder of its installed weights.
    #[arg(long)]
    pub(crate) weights: Option<PathBuf>,
    /// The folder for what computations leave for a later attempt.
    #[arg(long)]
    pub(crate) scratch: Option<PathBuf>,
    /// The folder in which programs that it starts work.
    #[arg(long)]
    pub(crate) work: Option<PathBuf>,
    /// The walls around programs that it starts: `auto`, `required` or `off`.
    #[arg(long, default_value = "auto")]
    pub(crate) sandbox: Sandboxing,
    /// The Unix socket to serve on.
    #[arg(long, required_unless_present = "port")]
    pub(crate) socket: Option<PathBuf>,
    /// A port of the loopback interface to serve on instead.
    #[arg(long, conflicts_with = "socket")]
    pub(crate) port: Option<u16>,
    /// The server's socket for runners.
    #[arg(long)]
    pub(crate) platform: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    pub(crate) slots: usize,
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Where networks with weights compute: `auto`, `cpu`, `cuda`, `cuda:N` or `metal`.
    #[arg(long, default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// Silence after which a realtime session ends.
    #[arg(long, value_parser = seconds, default_value = "60")]
    pub(crate) session_timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}

/// The flags of `serve` come from the one table of settings.
pub(crate) struct ServeArgs {
    pub(crate) config: Option<PathBuf>,
    pub(crate) welcome: bool,
    pub(crate) flags: Vec<(&'static str, String)>,
}

impl Args for ServeArgs {
    fn augment_args(command: ClapCommand) -> ClapCommand {
        let config = Arg::new("config").long("config").value_name("FILE").value_parser(clap::value_parser!(PathBuf));
        let config = config.help("Settings file (TOML) [default: $XDG_CONFIG_HOME/tintype/tintype.toml]");
        let welcome = Arg::new("welcome").long("welcome").action(ArgAction::SetTrue);
        let welcome = welcome.help("Make a first picture, and say how to make more");
        SETTINGS.iter().filter_map(flag).fold(command.arg(config).arg(welcome), ClapCommand::arg)
    }

    fn augment_args_for_update(command: ClapCommand) -> ClapCommand {
        Self::augment_args(command)
    }
}

fn flag(setting: &'static tintype_server::options::Setting) -> Option<Arg> {
    let name = setting.flag()?;
    let arg = Arg::new(setting.key).long(name).help(format!("{} [default: {}]", setting.help, setting.default));
    Some(if setting.is_switch() {
        // `--diagnostics` alone means true; `--diagnostics=false` undoes a file.
        arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL")
    } else {
        arg.value_name(setting.value)
    })
}

impl FromArgMatches for ServeArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |key| matches.try_get_one::<String>(key).ok().flatten().cloned();
        let flags = SETTINGS.iter().filter(|setting| setting.flag().is_some());
        Ok(Self {
            config: matches.get_one("config").cloned(),
            welcome: matches.get_flag("welcome"),
            flags: flags.filter_map(|setting| Some((setting.key, given(setting.key)?))).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_program_behind_two_hyphens_keeps_its_own_flags() {
        let line = ["tintype", "exec", "--", "python3", "a.py", "--json", "--", "-x"];
        let Command::Exec(args) = Arguments::parse_from(line).command else { panic!("not exec") };
        assert_eq!(args.command, ["python3", "a.py", "--json", "--", "-x"]);
    }

    #[test]
    fn a_switch_needs_no_value_and_takes_one() {
        let flags = |words: &[&str]| {
            let line = ["tintype", "serve"].iter().chain(words);
            let Command::Serve(args) = Arguments::parse_from(line).command else { panic!("not serve") };
            args.flags
        };
        assert_eq!(flags(&["--diagnostics"]), [("diagnostics", "true".to_owned())]);
        assert_eq!(flags(&["--diagnostics=false"]), [("diagnostics", "false".to_owned())]);
        assert_eq!(flags(&["--listen", "127.0.0.1:1"]), [("listen", "127.0.0.1:1".to_owned())]);
    }
}
