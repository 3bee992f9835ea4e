//! Which operation a request is for: by method and raw path, split before anything is decoded.

use actix_web::HttpRequest;

use crate::{
    catalog::{Api, Operation, catalog},
    domain::Invalid,
    error::{Error, ErrorCode},
    http::{error::HttpError, signature},
};

/// The header that names the operation.
const X_ACTION: &str = "x-acs-action";

/// Returns the operation a request is for, and the arguments of its path.
pub(super) fn find(
    request: &HttpRequest,
) -> Result<(&'static Operation, Vec<String>), Box<HttpError>> {
    let refuse = |error: Error| Box::new(HttpError::new(request, error));
    let segments: Vec<&str> = request.uri().path().split('/').collect();
    let method = request.method().as_str();
    let fitting: Vec<_> = catalog()
        .operations()
        .iter()
        .filter_map(|operation| Some((operation, operation.arguments(&segments)?)))
        .collect();
    let stated = signature::single(request.headers(), X_ACTION).map_err(refuse)?;
    let unknown = |text: &str| {
        Error::new(
            ErrorCode::NotFound,
            "there is no such operation",
            "see docs/management-api.md for those there are",
        )
        .about(X_ACTION, text)
    };
    let Some((first, _)) = fitting.first() else {
        let error = Error::new(
            ErrorCode::NotFound,
            "there is no operation at this path",
            "see docs/management-api.md for those there are",
        );
        return Err(refuse(error.about("path", request.uri().path())));
    };
    let found = fitting.iter().find(|(operation, _)| {
        operation.method == method && (operation.api != Api::Ram || stated == Some(operation.name))
    });
    let Some((operation, arguments)) = found else {
        if first.api == Api::Ram && method == "POST" {
            return Err(refuse(match stated {
                Some(text) => unknown(text),
                None => unnamed(request, "name the operation, as `CreateUser`"),
            }));
        }
        let mut methods: Vec<&str> =
            fitting.iter().map(|(operation, _)| operation.method).collect();
        methods.sort_unstable();
        methods.dedup();
        return Err(Box::new(HttpError::wrong_method(request, &methods.join(", "))));
    };
    match stated {
        Some(text) if text != operation.name => {
            let error = if catalog().operation(text).is_some() {
                let help = format!("`{}` is at this method and path", operation.name);
                Error::new(ErrorCode::NotFound, "the operation is not at this path", help)
                    .about(X_ACTION, text)
            } else {
                unknown(text)
            };
            return Err(refuse(error));
        }
        None if operation.api != Api::Own => {
            return Err(refuse(unnamed(request, &format!("send `{}`", operation.name))));
        }
        _ => {}
    }
    let mut decoded = Vec::with_capacity(arguments.len());
    for (text, name) in arguments.iter().zip(names(operation)) {
        let argument = percent_encoding::percent_decode_str(text).decode_utf8();
        let argument = argument.map_err(|_| {
            let help = "send percent-encoded UTF-8";
            refuse(Invalid::value(name, text, "UTF-8", help).into())
        })?;
        if argument.is_empty() {
            let help = format!("the path is `{}`", operation.path);
            return Err(refuse(Invalid::missing(name, help).into()));
        }
        decoded.push(argument.into_owned());
    }
    Ok((operation, decoded))
}

/// Returns the error of a call that does not say which operation it is; whoever sends a token would not get further with it.
fn unnamed(request: &HttpRequest, help: &str) -> Error {
    let by_token = signature::refuse_token(request.headers()).err();
    by_token.unwrap_or_else(|| Invalid::missing(X_ACTION, help).into())
}

/// Returns the names of the arguments of a path.
pub(super) fn names(operation: &Operation) -> impl Iterator<Item = &'static str> {
    operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
