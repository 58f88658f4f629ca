//! A second process inside a runner that is up: for people who want to look around.

use tokio::sync::mpsc;

/// What to run inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// Empty: a shell.
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Rows and columns of a terminal; `None`: pipes.
    pub tty: Option<(u16, u16)>,
}

/// The process' two ends. When `output` is dropped, it is killed; when `input` is, it reads the end of its input.
#[derive(Debug)]
pub struct Session {
    pub input: mpsc::Sender<Input>,
    /// `Exited` comes last.
    pub output: mpsc::Receiver<Output>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Data(Vec<u8>),
    /// The end of what it reads.
    Close,
    /// Without a terminal, of no meaning.
    Resize {
        rows: u16,
        columns: u16,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A terminal has this one alone.
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    /// The exit status; 128 and the number of a signal that it died of.
    Exited(i32),
}

#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("runner `{runner}` is not up here")]
    Unknown { runner: String },
    #[error("could not start `{program}` in runner `{runner}`")]
    Spawn { runner: String, program: String, source: std::io::Error },
}
