//! Manifests that are right, and those that are wrong in one place.

use tintype_domain::app::Spec;

use crate::Model;

const SMALL: &str = r#"
    id = "acme/app"
    title = "App"
    description = "Does it."
    licence = "MIT"
    machine = "CPU"
    released = "2026-01-02"
    [[fields]]
    name = "prompt"
    kind = "string"
    description = "What to draw."
    max_length = 20
    [[endpoints]]
    category = "text-to-image"
    title = "Draw"
    summary = "Draws."
    input = ["prompt"]
    required = ["prompt"]
    output = []
"#;

fn fault(text: &str) -> String {
    let error = Model::parse(text).unwrap_err();
    match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[test]
fn a_small_manifest_is_read() {
    let (model, fields) = Model::parse(SMALL).unwrap();
    assert_eq!(model.app.as_str(), "acme/app");
    assert_eq!(model.endpoint_id(&model.endpoints[0]), "acme/app");
    assert_eq!((model.family.as_str(), fields[0].name.as_str()), ("app", "prompt"));
    assert_eq!(model.spec, Spec::default());
}

#[test]
fn names_that_nothing_describes_are_refused() {
    let unknown = SMALL.replace("input = [\"prompt\"]", "input = [\"prompt\", \"seed\"]");
    assert_eq!(fault(&unknown), "endpoint `` names the field `seed`, which no `[[fields]]` describes there");
    let required = SMALL.replace("required = [\"prompt\"]", "required = [\"seed\"]");
    assert_eq!(fault(&required), "endpoint `` requires `seed`, which is not among its inputs");
    let twice = SMALL.replace("input = [\"prompt\"]", "input = [\"prompt\", \"prompt\"]");
    assert_eq!(fault(&twice), "endpoint `` names the field `prompt` twice");
    let elsewhere = SMALL.replace("max_length = 20", "endpoints = [\"/x\"]");
    assert_eq!(fault(&elsewhere), "field `prompt` is described for the endpoint `/x`, which does not exist");
    assert!(fault(&format!("colour = 1\n{SMALL}")).contains("unknown field `colour`"));
}

#[test]
fn an_example_that_could_not_be_sent_is_refused() {
    let with = |input: &str| format!("{SMALL}\n[[endpoints.examples]]\ntitle = 'E'\ninput = {input}\n");
    assert!(Model::parse(&with("{prompt = 'x'}")).is_ok());
    assert_eq!(fault(&with("{}")), "the example `E` of endpoint `` lacks `prompt`, which is required");
    assert!(fault(&with("{prompt = 'x', seed = 1}")).contains("has `seed`"));
    assert!(fault(&with("{prompt = 7}")).contains("its value `7` is not a string"));
    assert!(fault(&with("{prompt = 'far longer than twenty letters'}")).contains("outside of its limits"));
}

#[test]
fn weights_that_an_endpoint_needs_must_be_described() {
    let weights =
        "[[weights]]\nname='full'\ntitle='Full'\nsource='hub:acme/net'\nlicence='MIT'\nfiles=['a.safetensors']";
    let with = |needs: &str| SMALL.replace("[[fields]]", &format!("{weights}\n[[fields]]")) + needs;
    let (model, _) = Model::parse(&with("weights = 'full'")).unwrap();
    assert_eq!(model.weights_of(&model.endpoints[0]).unwrap().source.repository, "acme/net");
    assert_eq!(fault(&with("")), "endpoint `` needs the weights `default`, which no `[[weights]]` describes");
    assert!(fault(&with("weights = 'other'")).contains("`other`"));
    let (model, _) = Model::parse(&with("weights = 'any'")).unwrap();
    assert_eq!((model.weights_of(&model.endpoints[0]), model.sets_of(&model.endpoints[0]).len()), (None, 1));
    assert!(fault(&with("").replace("name='full'", "name='any'")).contains("whichever set there is"));
}

#[test]
fn prices_and_days_that_are_none_are_refused() {
    let with = |price: &str| SMALL.replace("[[fields]]", &format!("[price]\n{price}\n[[fields]]"));
    let (model, _) = Model::parse(&with("unit='images'\namount='0.025'\nformula='files'")).unwrap();
    assert_eq!(model.price_of(&model.endpoints[0]).unwrap().nanos, 25_000_000);
    assert!(fault(&with("unit='images'\namount='cheap'\nformula='files'")).contains("`cheap` is no amount"));
    assert!(fault(&SMALL.replace("2026-01-02", "2026-13-02")).contains("2026-13-02"));
}
