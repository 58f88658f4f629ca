//! What is asked for and cannot be: refused by name, before anything is built or kept.

use prost_types::{Struct, Value, value::Kind};
use tintype_serverless::api::{
    EnvironmentDefinition, SerializedObject,
    controller::{
        DeleteAliasRequest, DeleteApplicationRequest, File, KillRunnerRequest, ListAliasRunnersRequest,
        MachineRequirements, RegisterApplicationRequest, RolloutApplicationRequest, SetAliasRequest,
        UpdateApplicationRequest, register_application_request::Callable,
    },
};
use tonic::{Code, Status};

use crate::house::{House, admin};

fn environment(kind: &str) -> EnvironmentDefinition {
    let python = Value { kind: Some(Kind::StringValue("3.11".into())) };
    let configuration = Struct { fields: [("python_version".to_owned(), python)].into() };
    EnvironmentDefinition { kind: kind.into(), configuration: Some(configuration), force: false }
}

fn function(method: &str, definition: &[u8]) -> Callable {
    Callable::Function(SerializedObject {
        method: method.into(),
        definition: definition.into(),
        ..SerializedObject::default()
    })
}

fn registration() -> RegisterApplicationRequest {
    RegisterApplicationRequest {
        environments: vec![environment("virtualenv")],
        machine_requirements: Some(MachineRequirements {
            machine_types: vec!["XS".into()],
            exposed_port: Some(8080),
            ..MachineRequirements::default()
        }),
        callable: Some(function("cloudpickle", b"not a pickle")),
        application_name: Some("app".into()),
        ..RegisterApplicationRequest::default()
    }
}

/// Wherever it comes: at once, or as the end of the stream.
async fn refusal(house: &mut House, request: RegisterApplicationRequest) -> Status {
    let mut stream = match house.client.register_application(admin(request)).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return status,
    };
    loop {
        match stream.message().await {
            Ok(Some(message)) => assert!(message.result.is_none(), "it was deployed"),
            Ok(None) => panic!("the stream ended without a word"),
            Err(status) => return status,
        }
    }
}

#[tokio::test]
async fn a_bad_registration_is_refused_by_name_and_leaves_nothing() {
    let mut house = House::new().await;
    let base = registration;
    let hash = "0".repeat(64);
    let file = |hash: &str, path: &str| vec![File { hash: hash.into(), relative_path: path.into() }];
    let machine = |change: fn(&mut MachineRequirements)| {
        let mut request = base();
        request.machine_requirements.iter_mut().for_each(change);
        request
    };
    let cases: Vec<(RegisterApplicationRequest, Code, &str)> = vec![
        (RegisterApplicationRequest { application_name: Some("../x".into()), ..base() }, Code::InvalidArgument, "../x"),
        (RegisterApplicationRequest { application_name: None, ..base() }, Code::InvalidArgument, "--app-name"),
        (RegisterApplicationRequest { environments: vec![], ..base() }, Code::InvalidArgument, "exactly one"),
        (
            RegisterApplicationRequest { environments: vec![environment("conda")], ..base() },
            Code::InvalidArgument,
            "conda",
        ),
        (RegisterApplicationRequest { callable: Some(function("os", b"x")), ..base() }, Code::InvalidArgument, "`os`"),
        (
            RegisterApplicationRequest { callable: Some(function("pickle", b"")), ..base() },
            Code::InvalidArgument,
            "content",
        ),
        (
            RegisterApplicationRequest { callable: Some(Callable::Entrypoint("os.system".into())), ..base() },
            Code::InvalidArgument,
            "os.system",
        ),
        (
            RegisterApplicationRequest { retry_config: Some("{".into()), ..base() },
            Code::InvalidArgument,
            "retry_config",
        ),
        (RegisterApplicationRequest { files: file(&hash, "../a"), ..base() }, Code::InvalidArgument, "../a"),
        (RegisterApplicationRequest { files: file("../x", "a"), ..base() }, Code::InvalidArgument, "hash"),
        (RegisterApplicationRequest { files: file(&hash, "a.txt"), ..base() }, Code::FailedPrecondition, "a.txt"),
        (RegisterApplicationRequest { data_mounts: vec!["/etc".into()], ..base() }, Code::InvalidArgument, "/etc"),
        (RegisterApplicationRequest { auth_mode: Some(9), ..base() }, Code::InvalidArgument, "auth_mode"),
        (RegisterApplicationRequest { deployment_strategy: Some(7), ..base() }, Code::InvalidArgument, "strategy"),
        (RegisterApplicationRequest { environment_name: Some("no".into()), ..base() }, Code::NotFound, "`no`"),
        (machine(|machine| machine.machine_types = vec!["HUGE".into()]), Code::InvalidArgument, "GPU-H100"),
        (machine(|machine| machine.machine_types.clear()), Code::InvalidArgument, "machine_types"),
        (machine(|machine| machine.machine_types = vec!["GPU-H100".into()]), Code::ResourceExhausted, "has 0"),
        (machine(|machine| machine.exposed_port = Some(70000)), Code::InvalidArgument, "exposed_port"),
        (machine(|machine| machine.keep_alive = Some(-1)), Code::InvalidArgument, "keep_alive"),
    ];
    for (request, code, said) in cases {
        let status = refusal(&mut house, request).await;
        assert_eq!(status.code(), code, "{said}: {}", status.message());
        assert!(status.message().contains(said), "{said}: {}", status.message());
    }
    assert!(house.store.aliases(None).await.unwrap().is_empty());
    assert!(!house.data.join("revisions").exists());
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let mut house = House::new().await;
    let client = &mut house.client;
    let app = || "no-such-app".to_owned();
    let rollout = RolloutApplicationRequest { application_name: app(), ..RolloutApplicationRequest::default() };
    let update = UpdateApplicationRequest { application_name: app(), ..UpdateApplicationRequest::default() };
    let set = SetAliasRequest { alias: app(), revision: "1".into(), ..SetAliasRequest::default() };
    let found = [
        client.delete_alias(admin(DeleteAliasRequest { alias: app(), environment_name: None })).await.err(),
        client.delete_application(admin(DeleteApplicationRequest { application_id: "1".into() })).await.err(),
        client.rollout_application(admin(rollout)).await.err(),
        client.update_application(admin(update)).await.err(),
        client.set_alias(admin(set)).await.err(),
        client.kill_runner(admin(KillRunnerRequest { runner_id: "r".into() })).await.err(),
        client
            .list_alias_runners(admin(ListAliasRunnersRequest { alias: app(), ..ListAliasRunnersRequest::default() }))
            .await
            .err(),
    ];
    for status in found {
        let status = status.expect("it is not there");
        assert_eq!((status.code(), status.message().contains("not found")), (Code::NotFound, true), "{status:?}");
    }
}
