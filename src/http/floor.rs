//! The floor under a measurement: the same HTTP server and the same readers of bodies, and an answer that is always the same.
//!
//! What the service adds to it (who asks, the decision, what it says) is what can be made faster; the rest cannot.

use std::{hint::black_box, io, net::TcpListener, os::unix::net::UnixListener};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::header, web};

use super::{
    decisions,
    object::{self, Object, Text},
};

/// What the floor answers, whatever is asked.
#[derive(Debug, Clone)]
pub struct Constant {
    /// The answer to one request.
    pub single: String,
    /// The answer to a batch.
    pub batch: String,
}

/// Starts the floor. Must be called within an actix system; the task ends with the server.
///
/// # Errors
/// When a listener cannot be used.
pub fn floor(
    tcp: TcpListener,
    uds: Option<UnixListener>,
    workers: usize,
    constant: Constant,
) -> io::Result<(ServerHandle, tokio::task::JoinHandle<io::Result<()>>)> {
    let constant = web::Data::new(constant);
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(constant.clone())
            .app_data(web::PayloadConfig::new(1 << 20))
            .service(web::resource(decisions::IS_AUTHORIZED).route(web::post().to(single)))
            .service(web::resource(decisions::BATCH).route(web::post().to(batch)))
    })
    .workers(workers)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(tcp)?;
    if let Some(uds) = uds {
        server = server.listen_uds(uds)?;
    }
    let server = server.run();
    Ok((server.handle(), tokio::task::spawn_local(server)))
}

async fn single(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let sound = object::read_sound::<Object<decisions::IsAuthorizedRequest<&str>>>(&body);
    // As if somebody looked at it, or it would not be made.
    let is_read = sound.map(black_box).is_some()
        || object::read::<Object<decisions::IsAuthorizedRequest<Text<'_>>>>(&body).is_ok();
    answer(&request, is_read, |constant| &constant.single)
}

async fn batch(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let each = |item: &mut decisions::IsAuthorizedRequest<&str>| {
        black_box(item);
        Some(())
    };
    let is_read = decisions::read_each(&body, each).is_ok() || decisions::read_batch(&body).is_ok();
    answer(&request, is_read, |constant| &constant.batch)
}

fn answer(request: &HttpRequest, is_read: bool, of: fn(&Constant) -> &String) -> HttpResponse {
    let Some(constant) = request.app_data::<web::Data<Constant>>().filter(|_| is_read) else {
        return HttpResponse::BadRequest().finish();
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, decisions::JSON))
        .body(of(constant).clone())
}
