//! What the interface is, for programs and for people: the OpenAPI document, and a page that shows it without any network.
//!
//! Nothing of it is about an account, so it is answered without a token. The page is third-party code beside which somebody
//! may type a token: a policy of content keeps it from every other host (`docs/adr/0018-…`).

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::OnceLock,
};

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    http::header::{self, EntityTag, Header as _, IfNoneMatch},
    web::{self, ServiceConfig},
};

use super::routes;

/// What the page may load: its own files, and what is asked of this service. Nothing frames it, and nothing leaves it by a form.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A text that is part of the program.
struct Asset {
    path: &'static str,
    media: &'static str,
    text: &'static str,
    tag: OnceLock<EntityTag>,
}

impl Asset {
    const fn new(path: &'static str, media: &'static str, text: &'static str) -> Self {
        Self { path, media, text, tag: OnceLock::new() }
    }

    /// Returns what changes with the text. It only tells one build from another, so that a plain hash is enough.
    fn tag(&self) -> &EntityTag {
        self.tag.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            self.text.hash(&mut hasher);
            EntityTag::new_strong(format!("{:016x}", hasher.finish()))
        })
    }

    fn resource(&'static self) -> Resource {
        let answer = move |request: HttpRequest| async move { self.answer(&request) };
        routes::resource(self.path, "GET, HEAD")
            .route(web::get().to(answer))
            .route(web::head().to(answer))
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let known = IfNoneMatch::parse(request);
        let is_known = match known {
            Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(self.tag())),
            Err(_) => false,
        };
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header(header::ETag(self.tag().clone()))
            // Asked anew each time, for the next version is at the same place; the answer is short where nothing changed.
            .insert_header((header::CACHE_CONTROL, "no-cache"));
        if is_known {
            return response.finish();
        }
        response
            .insert_header((header::CONTENT_TYPE, self.media))
            .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .body(self.text)
    }
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Each by its path. What the page loads stands below it, so that it stays whole behind a proxy that puts a prefix before.
static ASSETS: [Asset; 6] = [
    Asset::new("/openapi.json", JSON, include_str!("../../schema/openapi.json")),
    Asset::new("/docs", HTML, include_str!("../../schema/docs/index.html")),
    Asset::new("/docs/page.css", STYLE, include_str!("../../schema/docs/page.css")),
    Asset::new("/docs/page.js", SCRIPT, include_str!("../../schema/docs/page.js")),
    Asset::new("/docs/swagger-ui.css", STYLE, include_str!("../../schema/docs/swagger-ui.css")),
    Asset::new(
        "/docs/swagger-ui-bundle.js",
        SCRIPT,
        include_str!("../../schema/docs/swagger-ui-bundle.js"),
    ),
];

/// Serves the document and the page.
pub(super) fn serve(config: &mut ServiceConfig) {
    for asset in &ASSETS {
        config.service(asset.resource());
    }
}
