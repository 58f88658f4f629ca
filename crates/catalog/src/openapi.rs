//! OpenAPI 3.0 documents of single endpoints, as the queue serves them and with fal's additions for forms.
//!
//! A document holds the schemas that it refers to and no others; [`dangling`] names those that it lacks.

mod document;
mod hoist;
mod media;
mod refs;

use serde_json::{Map, Value, json};

pub use self::{
    document::{Described, document},
    hoist::hoist,
    refs::dangling,
};
use crate::{
    Catalog, Endpoint, Field, Model,
    field::{self, Role},
};

/// Where the surfaces of a server are, without trailing slashes.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Of pages for people.
    pub site: String,
    /// Of direct calls.
    pub run: String,
    pub queue: String,
}

/// The document of an endpoint of the gallery.
pub fn of_model(catalog: &Catalog, model: &Model, endpoint: &Endpoint, addresses: &Addresses) -> Value {
    let fields = catalog.fields(&model.app);
    let id = model.endpoint_id(endpoint);
    let name = type_name(&id);
    let (input, output) = (format!("{name}Input"), format!("{name}Output"));
    let mut schemas = media::schemas();
    schemas.insert(input.clone(), object(&input, fields, endpoint, Role::Input));
    schemas.insert(output.clone(), object(&output, fields, endpoint, Role::Output));
    let described = Described {
        id: &id,
        category: &endpoint.category,
        input: refs::reference(&input),
        output: refs::reference(&output),
        schemas: &schemas,
    };
    document(described, addresses)
}

/// `fal-ai/flux/dev` is `FluxDev`: what stands behind the owner, as types are called.
fn type_name(id: &str) -> String {
    let (_, rest) = id.split_once('/').unwrap_or(("", id));
    let words = rest.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

fn object(title: &str, fields: &[Field], endpoint: &Endpoint, role: Role) -> Value {
    let names = match role {
        Role::Input => &endpoint.input,
        Role::Output => &endpoint.output,
    };
    let described = |name: &String| field::find(fields, name, &endpoint.path, role);
    let properties: Map<_, _> =
        names.iter().filter_map(|name| Some((name.clone(), described(name)?.schema()))).collect();
    let is_required = |name: &&String| match role {
        Role::Input => endpoint.required.contains(name),
        Role::Output => described(name).is_some_and(|field| !field.optional),
    };
    json!({
        "title": title,
        "type": "object",
        "properties": properties,
        "required": names.iter().filter(is_required).collect::<Vec<_>>(),
        "x-fal-order-properties": names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn addresses() -> Addresses {
        let site = "http://localhost:8700".to_owned();
        Addresses { run: site.clone(), queue: format!("{site}/queue"), site }
    }

    #[test]
    fn every_reference_of_every_document_is_defined_and_every_field_described() {
        let catalog = Catalog::open(&Options { diagnostics: true, ..Options::default() }).unwrap();
        for model in catalog.models() {
            for endpoint in &model.endpoints {
                let document = of_model(&catalog, model, endpoint, &addresses());
                let id = model.endpoint_id(endpoint);
                assert_eq!(dangling(&document), Vec::<String>::new(), "{id}");
                let input = &document["components"]["schemas"][format!("{}Input", type_name(&id))];
                assert_eq!(input["properties"].as_object().unwrap().len(), endpoint.input.len(), "{id}");
            }
        }
    }

    #[test]
    fn a_document_holds_the_schemas_that_it_needs_and_no_others() {
        let catalog = Catalog::open(&Options::default()).unwrap();
        let model = catalog.model(&"tintype/sketch".parse().unwrap()).unwrap();
        let document = of_model(&catalog, model, model.endpoint("/inpaint").unwrap(), &addresses());
        let names: Vec<_> = document["components"]["schemas"].as_object().unwrap().keys().collect();
        assert!(names.iter().any(|name| *name == "SketchInpaintInput") && names.iter().any(|name| *name == "Image"));
        assert!(!names.iter().any(|name| *name == "VideoFile"), "{names:?}");
        let input = &document["components"]["schemas"]["SketchInpaintInput"];
        assert_eq!(input["required"], json!(["prompt", "image_url", "mask_url"]));
        assert_eq!(document["servers"], json!([{"url": "http://localhost:8700/queue"}]));
    }

    #[test]
    fn types_are_named_after_the_endpoint() {
        assert_eq!(type_name("fal-ai/flux-lora/image-to-image"), "FluxLoraImageToImage");
        assert_eq!(type_name("tintype/sketch"), "Sketch");
    }
}
