//! An app made of tools.

use serde_json::{Map, Value};
use tintype_engine::{Invalid, Model, Plan};

type Planner = dyn Fn(&Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> + Send + Sync;

/// One tool: where it is called, and what checks a call.
pub struct Route {
    path: &'static str,
    plan: Box<Planner>,
}

impl Route {
    /// `path` begins with `/`, or is empty for the app itself.
    pub fn new<P: Plan + 'static>(
        path: &'static str,
        plan: impl Fn(&Map<String, Value>) -> Result<P, Invalid> + Send + Sync + 'static,
    ) -> Self {
        Self { path, plan: Box::new(move |input| Ok(Box::new(plan(input)?))) }
    }

    pub fn path(&self) -> &'static str {
        self.path
    }
}

/// Tools under one app id.
pub struct App(Vec<Route>);

impl App {
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        Self(routes.into_iter().collect())
    }
}

impl Model for App {
    fn paths(&self) -> Vec<String> {
        self.0.iter().map(|route| route.path.to_owned()).collect()
    }

    fn plan(&self, path: &str, input: &Map<String, Value>) -> Result<Box<dyn Plan>, Invalid> {
        let route = self.0.iter().find(|route| route.path == path);
        // The runner asks for the paths that it was told of, and no others.
        (route.expect("a path of `paths`").plan)(input)
    }
}
