//! The models of the gallery as apps that dispatch can run: this same program, told to be a runner.

use std::path::{Path, PathBuf};

use tintype_catalog::{Catalog, Model};
use tintype_dispatch::AppDefinition;
use tintype_kernels::DeviceChoice;
use tintype_launch::Command;
use tintype_weights::Weights;

use crate::{Options, shelf};

pub(crate) fn definitions(catalog: &Catalog, options: &Options, program: &Path, platform: &Path) -> Vec<AppDefinition> {
    catalog.models().map(|model| definition(model, options, program, platform)).collect()
}

fn definition(model: &Model, options: &Options, program: &Path, platform: &Path) -> AppDefinition {
    let mut spec = model.spec.clone();
    if let Some(keep_alive) = options.keep_alive {
        spec.keep_alive = keep_alive;
    }
    let mut args = vec!["runner".into(), "--model".into(), model.app.to_string()];
    if model.family != model.app.alias() {
        args.extend(["--family".into(), model.family.clone()]);
    }
    let mut env = environment();
    if !model.weights.is_empty() {
        let weights = Weights::of(&options.data);
        args.extend(["--weights".into(), weights.folder(&model.app).display().to_string()]);
        env.push(shelf::installed_as(&weights.state(&model.app).1));
    }
    args.extend(["--socket".into(), "{socket}".into(), "--platform".into(), platform.display().to_string()]);
    let scratch = options.data.join("checkpoints").join(model.app.as_str());
    args.extend(["--scratch".into(), scratch.display().to_string()]);
    args.extend(["--work".into(), work(&options.data).display().to_string()]);
    // What holds for deployed apps holds for the programs of native models.
    args.extend(["--sandbox".into(), options.sandbox.as_str().into()]);
    if let Some(threads) = options.runner_threads {
        args.extend(["--threads".into(), threads.to_string()]);
    }
    if options.runner_device != DeviceChoice::default() {
        args.extend(["--device".into(), options.runner_device.to_string()]);
    }
    let command = Command { program: program.into(), args, env, ..Command::default() };
    AppDefinition::native(model.app.clone(), spec, command, model.memory_limit_bytes)
}

/// Where the programs work that native models start.
fn work(data: &Path) -> PathBuf {
    data.join("work")
}

/// Removes what programs of runners left that live no more.
pub(crate) fn sweep(data: &Path) {
    if let Err(error) = tintype_programs::sweep(&work(data)) {
        tracing::warn!(%error, "could not sweep what programs left in {}", work(data).display());
    }
}

/// Ids of the models that could answer now: those that need no weights, and those for which some are installed.
pub(crate) fn callable(catalog: &Catalog, data: &Path) -> Vec<String> {
    let weights = Weights::of(data);
    let is_ready = |model: &&Model| {
        model.weights.is_empty() || model.weights.iter().any(|set| weights.installed(&model.app, &set.name).is_some())
    };
    catalog.models().filter(is_ready).map(|model| model.app.to_string()).collect()
}

/// A native model reads no variables but these: whatever else is in the server's environment, keys among it, is no
/// business of a runner.
fn environment() -> Vec<(String, String)> {
    let common = ["PATH", "TMPDIR", "RUST_BACKTRACE", "RAYON_NUM_THREADS"];
    // Where a build for CUDA finds its libraries, and which devices it may see.
    let cuda = ["LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"];
    let passed = common.into_iter().chain(cuda);
    let found = passed.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
    found.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tintype_launch::Sandboxing;

    use super::*;

    #[test]
    fn a_model_without_its_weights_cannot_be_called() {
        let catalog = Catalog::open(&tintype_catalog::Options::default()).unwrap();
        let ready = callable(&catalog, Path::new("/nowhere"));
        assert!(
            ready.contains(&"tintype/sketch".to_owned()) && !ready.contains(&"fal-ai/flux".to_owned()),
            "{ready:?}"
        );
    }

    #[test]
    fn a_model_is_run_by_this_program_under_the_operators_options() {
        let catalog = Catalog::open(&tintype_catalog::Options { diagnostics: true, ..Default::default() }).unwrap();
        let mut options = Options::with_data("/d".into());
        options.keep_alive = Some(Duration::from_secs(7));
        options.runner_threads = Some(3);
        options.runner_device = DeviceChoice::Cuda(1);
        options.sandbox = Sandboxing::Required;
        let all = definitions(&catalog, &options, Path::new("/bin/tintype"), Path::new("/d/run/platform.sock"));
        let noop = all.iter().find(|definition| definition.app.as_str() == "tintype/noop").unwrap();
        assert_eq!(noop.spec.keep_alive, Duration::from_secs(7));
        let args = noop.command.args.join(" ");
        assert!(
            args.starts_with("runner --model tintype/noop --socket {socket} --platform /d/run/platform.sock"),
            "{args}"
        );
        assert!(args.ends_with("--work /d/work --sandbox required --threads 3 --device cuda:1"), "{args}");
    }
}
