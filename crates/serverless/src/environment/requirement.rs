//! Requirement lines as people write them for pip, read before uv sees them.
//!
//! A line can reach an index or an archive on the network, never a file of this server: the files of the one who
//! deploys are not here, and the server's own are nobody's business.

use super::error::BuildError;

const LONGEST: usize = 4096;
const NO_FILES: &str = "it names a file, and the server does not have the files of your machine: list the requirements \
                        themselves, or give the address of an archive (`name @ https://...`)";
const OPTIONS: &str = "this option is not supported. Those that are: --index-url, --extra-index-url, --find-links, \
                       --no-index, --trusted-host, --pre, --prefer-binary, --only-binary, --no-binary, --no-deps, \
                       --no-build-isolation, --require-hashes, and -r and -c with an address";

/// One install: what goes into the file and what onto the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layer {
    /// As they were written, secrets unnamed: for messages. One for each line of `file`.
    pub written: Vec<String>,
    pub file: Vec<String>,
    pub flags: Vec<String>,
}

impl Layer {
    pub(super) fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// Reads one line; `meant` is `written` with its secrets filled in.
    pub(super) fn add(&mut self, written: &str, meant: &str) -> Result<(), BuildError> {
        let (written, meant) = (written.trim(), meant.trim());
        if meant.is_empty() || meant.starts_with('#') {
            return Ok(());
        }
        let refuse = |reason: &str| BuildError::Refused { line: shortened(written), reason: reason.to_owned() };
        if meant.len() > LONGEST || meant.chars().any(char::is_control) {
            return Err(refuse("a requirement is one line of at most 4096 characters"));
        }
        let read = if meant.starts_with('-') { option(meant) } else { requirement(meant) };
        match read.map_err(refuse)? {
            Meaning::File => {
                self.written.push(written.to_owned());
                self.file.push(meant.to_owned());
            }
            Meaning::Flags(flags) => self.flags.extend(flags),
        }
        Ok(())
    }
}

enum Meaning {
    File,
    Flags(Vec<String>),
}

fn option(line: &str) -> Result<Meaning, &'static str> {
    let (name, value) = line.split_once(|c: char| c == '=' || c.is_whitespace()).unwrap_or((line, ""));
    let value = value.trim();
    let flags = |flags: &[&str]| Ok(Meaning::Flags(flags.iter().map(|&flag| flag.to_owned()).collect()));
    match name {
        "-i" | "--index-url" | "--extra-index-url" | "-f" | "--find-links" | "-r" | "--requirement" | "-c"
        | "--constraint" => remote(value).then_some(Meaning::File).ok_or(NO_FILES),
        "--no-index" | "--no-binary" | "--only-binary" => Ok(Meaning::File),
        "--pre" => flags(&["--prerelease=allow"]),
        "--trusted-host" if !value.is_empty() => flags(&["--allow-insecure-host", value]),
        "--no-deps" | "--no-build-isolation" | "--require-hashes" => flags(&[name]),
        // What these ask for is done in any case, or makes no difference here.
        "--prefer-binary" | "--use-pep517" | "--no-cache-dir" | "-U" | "--upgrade" | "-q" | "--quiet" => flags(&[]),
        "-e" | "--editable" => Err(NO_FILES),
        _ => Err(OPTIONS),
    }
}

fn requirement(line: &str) -> Result<Meaning, &'static str> {
    // The marker of an environment and a comment may hold slashes; neither is a place.
    let place = line.split(" #").next().unwrap_or(line).split(';').next().unwrap_or(line);
    let address = place.split_once('@').map_or(place, |(name, address)| if named(name) { address } else { place });
    let address = address.trim();
    let is_file = ["./", "../", "/", "~"].iter().any(|start| address.starts_with(start))
        || address == "."
        || address == ".."
        || address.starts_with(".[")
        || [".whl", ".zip", ".tar.gz"].iter().any(|end| address.ends_with(end));
    match address.split_once(':') {
        Some((scheme, _)) if named(scheme) || scheme.contains('+') => {
            remote(address).then_some(Meaning::File).ok_or(NO_FILES)
        }
        _ if is_file || address.contains('/') => Err(NO_FILES),
        _ => Ok(Meaning::File),
    }
}

/// Whether this is the address of something that is reached over the network.
fn remote(address: &str) -> bool {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let scheme = scheme.as_deref().map(|scheme| scheme.split_once('+').map_or(scheme, |(_, transport)| transport));
    matches!(scheme, Some("https" | "http" | "ssh"))
}

fn named(name: &str) -> bool {
    let name = name.split('[').next().unwrap_or(name).trim();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The package that a line asks for, in the form in which packages are compared.
pub(super) fn package(line: &str) -> Option<String> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let is_address = rest.starts_with(':') || rest.starts_with('+');
    (!name.is_empty() && !is_address && !name.starts_with('-')).then(|| normal(name))
}

pub(super) fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn shortened(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Layer, String> {
        let mut layer = Layer::default();
        layer.add(line, line).map(|()| layer).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_on_the_network_may_be_asked_for() {
        for line in [
            "numpy",
            "torch==2.4.1+cu121",
            "Pillow>=10,<12; python_version < '3.13' and platform_machine == 'a/b'",
            "pkg[a,b] @ https://files.example/pkg-1.0.tar.gz#sha256=00",
            "git+https://git.example/team/pkg.git@v1#subdirectory=sub/dir",
            "pkg @ git+ssh://git@git.example/team/pkg",
            "https://files.example/pkg-1.0-py3-none-any.whl",
            "--extra-index-url https://user:pw@pypi.example/simple",
            "--find-links=https://files.example/list.html",
            "-r https://files.example/requirements.txt",
        ] {
            assert_eq!(read(line).unwrap().file, [line]);
        }
    }

    #[test]
    fn files_of_the_server_are_out_of_reach() {
        for line in [
            "-r /etc/shadow",
            "-rrequirements.txt",
            "--requirement=../secret",
            "-c constraints.txt",
            "-e .",
            ".",
            ".[extra]",
            "./pkg",
            "../pkg",
            "/srv/pkg-1.0.whl",
            "~/pkg",
            "pkg @ file:///etc/passwd",
            "pkg@file:///etc/passwd",
            "git+file:///srv/repository",
            "file:/etc/passwd",
            "pkg @ ./here",
            "dir/pkg",
            "pkg-1.0-py3-none-any.whl",
            "--find-links /srv",
            "--find-links file:///srv",
        ] {
            let refused = read(line).expect_err(line);
            assert!(refused.contains("cannot be used"), "{line}: {refused}");
        }
    }

    #[test]
    fn options_that_uv_takes_on_its_command_line_go_there() {
        assert_eq!(read("--pre").unwrap().flags, ["--prerelease=allow"]);
        assert_eq!(read("--trusted-host pypi.example").unwrap().flags, ["--allow-insecure-host", "pypi.example"]);
        assert_eq!(read("--prefer-binary").unwrap(), Layer::default());
        assert!(read("--target /usr").unwrap_err().contains("--extra-index-url"));
    }

    #[test]
    fn a_line_break_cannot_smuggle_a_second_line_in() {
        assert!(read("numpy\n-r /etc/shadow").is_err());
        assert!(read(&"x".repeat(5000)).unwrap_err().len() < 400);
        assert!(read("  # nothing").unwrap().is_empty());
    }

    #[test]
    fn a_package_is_named_by_its_normal_form() {
        assert_eq!(package("Starlette_Exporter[x]>=1").as_deref(), Some("starlette-exporter"));
        assert_eq!(package("https://files.example/x.whl"), None);
        assert_eq!(package("--pre"), None);
    }
}
