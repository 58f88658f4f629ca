//! The second Dockerfile: what is installed on top of an image.

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Where our things lie while the image is built; nothing of it stays in the image.
pub(super) const OURS: &str = "/tintype";
pub(super) const CACHE: &str = "/tintype-cache";
const CERTIFICATES: &str = "certificates.pem";

/// What is mounted at [`OURS`]: uv and the libraries that it is linked to, because an image may lack them or have
/// others, and the lists of requirements.
pub(super) struct Tools {
    folder: PathBuf,
    loader: Option<String>,
    certificates: bool,
}

impl Tools {
    pub(super) fn gather(folder: &Path, uv: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        fs::copy(uv, folder.join("uv"))?;
        let mut loader = None;
        for library in libraries(uv) {
            let Some(name) = library.file_name().and_then(|name| name.to_str()) else { continue };
            fs::copy(&library, folder.join(name))?;
            if name.starts_with("ld-") {
                loader = Some(name.to_owned());
            }
        }
        let certificates = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from).filter(|path| path.is_file());
        if let Some(file) = &certificates {
            fs::copy(file, folder.join(CERTIFICATES))?;
        }
        Ok(Self { folder: folder.to_owned(), loader, certificates: certificates.is_some() })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn write(&self, name: &str, lines: &[String]) -> io::Result<()> {
        fs::write(self.folder.join(name), lines.join("\n") + "\n")
    }

    /// Lists `(file, flags)`, installed one after the other. `variables` hold while it is built and do not stay.
    pub(super) fn dockerfile(
        &self,
        image: &str,
        python: &str,
        lists: &[(String, Vec<String>)],
        variables: &[(String, String)],
    ) -> String {
        let mut text = format!("FROM {image}\nUSER 0\n");
        for (name, _) in variables {
            let _ = writeln!(text, "ARG {name}");
        }
        for (file, flags) in lists {
            let words = self.words(python, file, flags);
            let _ = writeln!(text, "RUN {}", serde_json::json!(words));
        }
        text
    }

    fn words(&self, python: &str, file: &str, flags: &[String]) -> Vec<String> {
        let ours = |name: &str| format!("{OURS}/{name}");
        let mut words = Vec::new();
        if let Some(loader) = &self.loader {
            words.extend([ours(loader), "--library-path".to_owned(), OURS.to_owned()]);
        }
        words.push(ours("uv"));
        let fixed = ["pip", "install", "--color", "never", "--link-mode", "copy", "--compile-bytecode"];
        words.extend(fixed.map(str::to_owned));
        let place = ["--system", "--break-system-packages", "--python", python];
        words.extend(place.map(str::to_owned));
        words.extend(flags.iter().cloned());
        words.extend(["--requirements".to_owned(), ours(file)]);
        words
    }

    /// Variables of uv's, as they are inside.
    pub(super) fn variables(&self, all: Vec<(String, String)>) -> Vec<(String, String)> {
        let wanted = |(name, _): &(String, String)| name.starts_with("UV_") && name != "UV_CACHE_DIR";
        let mut kept: Vec<_> = all.into_iter().filter(wanted).collect();
        kept.push(("UV_CACHE_DIR".to_owned(), CACHE.to_owned()));
        if self.certificates {
            kept.push(("SSL_CERT_FILE".to_owned(), format!("{OURS}/{CERTIFICATES}")));
        }
        kept
    }
}

/// What a program is linked to, the loader itself included; nothing for one that stands alone.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let Ok(output) = Command::new("ldd").arg(program).output() else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_cannot_become_a_step() {
        let tools = Tools { folder: PathBuf::new(), loader: Some("ld-x.so".into()), certificates: false };
        let lists = [("layer-1.txt".to_owned(), vec!["--allow-insecure-host".to_owned(), "x\"]\nRUN evil".to_owned()])];
        let text = tools.dockerfile("sha256:0", "3.11", &lists, &[("UV_INDEX_URL".into(), "https://u:p@x".into())]);
        assert_eq!(text.lines().filter(|line| line.starts_with("RUN ")).count(), 1);
        assert!(
            text.starts_with("FROM sha256:0\nUSER 0\nARG UV_INDEX_URL\nRUN [\"/tintype/ld-x.so\",\"--library-path\"")
        );
        assert!(!text.contains("u:p"));
    }
}
