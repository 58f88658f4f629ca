//! The gallery: what can be called here, for programs and people that look around.
//!
//! Models of this server and apps that people deployed are one list of [`Entry`]s. What is told of them comes from the
//! manifest or the app's own document; nothing here knows a model by name.

mod addresses;
mod code;
mod entry;
mod home;
mod html;
mod index;
mod llms;
mod lost;
mod page;
mod routes;
mod schema;

pub(crate) use self::{
    addresses::addresses,
    code::{curl, input, playground_url},
    entry::{Entry, all, known, of_app},
    home::home,
    html::escape,
    lost::{Lost, Visitor},
    routes::serve,
};
