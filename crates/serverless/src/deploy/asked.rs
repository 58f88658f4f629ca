//! A request to deploy or to run, checked and in our own terms.

mod health;
mod limits;
mod retry;

use tintype_store::{AuthMode, MAIN_ENVIRONMENT};

use super::{
    definition::{Callable, Definition},
    error::DeployError,
    machine,
    payload::Payload,
    recipe::Recipe,
    scaling::{Scaling, Wishes},
    structs,
};
pub(crate) use limits::files;
use limits::{allowed_secrets, data_mounts, grace, number, port};

use crate::api::{
    SerializedObject,
    controller::{
        ApplicationAuthMode, HostedRun, MachineRequirements, RegisterApplicationRequest, hosted_run,
        register_application_request,
    },
};

/// Modules whose `loads` reads a payload.
const METHODS: [&str; 3] = ["cloudpickle", "pickle", "dill"];

/// What a deployer sent.
pub(crate) struct Asked {
    /// As it came, with the suffix of its environment.
    pub name: String,
    pub environment: String,
    pub auth_mode: Option<AuthMode>,
    pub definition: Definition,
    pub payload: Payload,
    /// Scaling from the code counts, not that of the alias.
    pub reset_scale: bool,
}

impl Asked {
    pub(crate) fn read(mut request: RegisterApplicationRequest) -> Result<Self, DeployError> {
        let machine = request.machine_requirements.take().unwrap_or_default();
        let mut recipe = Recipe::read(std::mem::take(&mut request.environments))?;
        let exposed_port = port("exposed_port", machine.exposed_port)?;
        let (callable, function) = match request.callable.take() {
            None if recipe.image.as_ref().is_some_and(|image| !image.python) => (serving_image(exposed_port)?, None),
            found => callable(found)?,
        };
        let files = recipe.take_files(files(std::mem::take(&mut request.files))?);
        let (setup, setup_bytes) = match request.setup_func.take() {
            None => (None, None),
            Some(object) => (Some(method(&object)?), Some(object.definition)),
        };
        let wishes = Wishes::from(&machine);
        if wishes.machine_types.is_empty() {
            return Err(DeployError::Invalid("`machine_types` is empty: name at least one, such as `S`".into()));
        }
        // Checked now, so that nothing is built for scaling that cannot be.
        let scaling = Scaling::of_code(&wishes)?;
        let definition = Definition {
            callable,
            setup,
            recipe,
            env_id: String::new(),
            num_gpus: number("num_gpus", machine.num_gpus, 1)?,
            exposed_port,
            metrics_port: port("metrics_port", machine.metrics_port)?,
            wishes,
            files,
            data_mounts: data_mounts(std::mem::take(&mut request.data_mounts))?,
            secrets: allowed_secrets(request.secrets.take().map(|secrets| secrets.names))?,
            health: health::health(request.health_check_config.take(), scaling.startup_timeout)?,
            retry: retry::retry(&request)?,
            grace_secs: grace(request.termination_grace_period_seconds)?,
            metadata: request.metadata.take().map(structs::to_json),
            private_logs: request.private_logs.unwrap_or(false),
        };
        let payload = Payload { function, setup: setup_bytes, source: request.source_code.take() };
        Ok(Self {
            auth_mode: request.auth_mode.map(auth_mode).transpose()?,
            environment: environment(request.environment_name.as_deref()),
            name: request.application_name.unwrap_or_default(),
            definition,
            payload,
            reset_scale: request.scale.unwrap_or(false),
        })
    }

    /// What serves, but under a name of its own and only as long as somebody listens.
    pub(crate) fn of_run(run: HostedRun) -> Result<Self, DeployError> {
        let callable = run.callable.map(|callable| match callable {
            hosted_run::Callable::Function(object) => register_application_request::Callable::Function(object),
            hosted_run::Callable::Entrypoint(path) => register_application_request::Callable::Entrypoint(path),
        });
        Self::read(RegisterApplicationRequest {
            environments: run.environments,
            machine_requirements: run.machine_requirements,
            callable,
            setup_func: run.setup_func,
            files: run.files,
            environment_name: run.environment_name,
            application_name: run.application_name,
            auth_mode: run.auth_mode,
            data_mounts: run.data_mounts,
            secrets: run.secrets,
            build_environment: run.build_environment,
            health_check_config: run.health_check_config,
            volumes: run.volumes,
            scale: Some(true),
            ..RegisterApplicationRequest::default()
        })
    }

    /// Whether it serves, or is called once for what it returns.
    pub(crate) fn serves(&self) -> bool {
        let probes = match &self.definition.callable {
            Callable::Entrypoint { path } => path.rsplit(['.', ':']).next() == Some("build_metadata"),
            Callable::Function { .. } | Callable::Image => false,
        };
        self.definition.exposed_port.is_some() && !probes
    }
}

/// `main` where none is named.
pub(crate) fn environment(name: Option<&str>) -> String {
    name.filter(|name| !name.is_empty()).unwrap_or(MAIN_ENVIRONMENT).to_owned()
}

pub(crate) fn auth_mode(found: i32) -> Result<AuthMode, DeployError> {
    match ApplicationAuthMode::try_from(found) {
        Ok(ApplicationAuthMode::Private) => Ok(AuthMode::Private),
        Ok(ApplicationAuthMode::Public) => Ok(AuthMode::Public),
        Ok(ApplicationAuthMode::Shared) => Ok(AuthMode::Shared),
        Err(_) => {
            Err(DeployError::Invalid(format!("`auth_mode` is {found}: expected private (0), public (1) or shared (2)")))
        }
    }
}

fn callable(found: Option<register_application_request::Callable>) -> Result<(Callable, Option<Vec<u8>>), DeployError> {
    match found {
        Some(register_application_request::Callable::Function(object)) => {
            Ok((Callable::Function { method: method(&object)? }, Some(object.definition)))
        }
        Some(register_application_request::Callable::Entrypoint(path)) => {
            Ok((Callable::Entrypoint { path: entrypoint(path)? }, None))
        }
        None => Err(DeployError::Invalid("neither a function, nor an entrypoint, nor an image was given".into())),
    }
}

/// In the network of a runner some ports are the way out.
fn serving_image(port: Option<u16>) -> Result<Callable, DeployError> {
    const TAKEN: [u16; 3] = [80, 443, 3128];
    match port {
        Some(port) if !TAKEN.contains(&port) => Ok(Callable::Image),
        Some(port) => Err(DeployError::Invalid(format!(
            "`exposed_port` is {port}, which is taken in the network of a runner: let the image serve on another, as 8080"
        ))),
        None => {
            Err(DeployError::Invalid("`exposed_port` is missing: expected the port on which the image serves".into()))
        }
    }
}

fn method(object: &SerializedObject) -> Result<String, DeployError> {
    if !METHODS.contains(&object.method.as_str()) {
        let found = &object.method;
        return Err(DeployError::Invalid(format!(
            "a function is serialized with `{found:.32}`: expected {}",
            METHODS.join(", ")
        )));
    }
    if object.definition.is_empty() {
        return Err(DeployError::Invalid("a function came without its content".into()));
    }
    Ok(object.method.clone())
}

fn entrypoint(path: String) -> Result<String, DeployError> {
    let dotted = |text: &str| text.split('.').all(|part| !part.is_empty() && part.chars().all(is_identifier));
    match path.split_once(':') {
        Some((module, attribute)) if dotted(module) && dotted(attribute) => Ok(path),
        _ => Err(DeployError::Invalid(format!(
            "entrypoint `{path:.120}` is not allowed: expected `package.module:Name.attribute`"
        ))),
    }
}

fn is_identifier(found: char) -> bool {
    found.is_alphanumeric() || found == '_'
}

/// The reduced set that a build comes with is checked like the full one.
pub(crate) fn check_machine(machine: Option<&MachineRequirements>) -> Result<(), DeployError> {
    let wishes = machine.map(Wishes::from).unwrap_or_default();
    wishes.machine_types.iter().try_for_each(|name| machine::find(name).map(|_| ()))
}
