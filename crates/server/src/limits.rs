//! The operator's settings as the options of each part.

use anyhow::Context;

use crate::Options;

pub(crate) fn catalog(options: &Options) -> tintype_catalog::Options {
    tintype_catalog::Options { diagnostics: options.diagnostics, aliases: options.aliases.clone() }
}

pub(crate) fn dispatch(options: &Options) -> tintype_dispatch::Options {
    tintype_dispatch::Options {
        direct_wait: options.direct_wait,
        result_retention: options.result_retention,
        stop_grace: options.stop_grace,
        ..tintype_dispatch::Options::default()
    }
}

pub(crate) fn gateway(options: &Options, url: &str, key: &str) -> anyhow::Result<tintype_gateway::Options> {
    let storage_url = url.parse().with_context(|| format!("the address of this server, `{url}`, is no URL"))?;
    let public_url = options.public_url.as_deref().map(str::parse).transpose();
    Ok(tintype_gateway::Options {
        public_url: public_url.context("`public_url` is no URL")?,
        max_body_bytes: usize::try_from(options.max_body_bytes).unwrap_or(usize::MAX),
        body_memory_bytes: usize::try_from(options.body_memory_bytes).unwrap_or(usize::MAX),
        max_upload_bytes: options.max_upload_bytes,
        proxy_key: options.open_proxy.then(|| key.to_owned()),
        ..tintype_gateway::Options::at(storage_url)
    })
}
