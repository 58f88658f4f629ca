//! What is taken for an endpoint id prints as itself, and names nothing outside its app.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_domain::{AppId, EndpointId, RequestId};

fuzz_target!(|text: &str| {
    let _ = text.parse::<RequestId>();
    if let Ok(id) = text.parse::<EndpointId>() {
        let printed = id.to_string();
        assert_eq!(printed.parse::<EndpointId>().as_ref(), Ok(&id));
        assert!(printed.starts_with(id.app().as_str()));
        assert!(printed.split('/').all(|segment| !segment.is_empty() && segment != ".."));
        assert!(id.path().is_empty() || id.path().starts_with('/'));
        assert_eq!(id.app().as_str().parse::<AppId>().as_ref(), Ok(id.app()));
    }
});
