//! From a bound socket to served connections, within bounds, until told to stop.

use crate::auth::Auth;
use crate::backend::Backend;
use crate::budget::Budget;
use crate::config::{CheckedConfig, WebConfig};
use crate::edge::Edge;
use crate::routes::{self, App};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use warp::filters::BoxedFilter;
use warp::reply::Response;

/// How long to wait before accepting again where the system has no sockets left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A peer that acknowledges no bytes for so long is gone, whatever it was being sent.
#[cfg(target_os = "linux")]
const SILENT_PEER_TIME: Duration = Duration::from_secs(60);

/// The web server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The port is taken.
    #[error("cannot listen on {0}: another program has the port; stop it, or set web.listen to a free one")]
    PortTaken(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {source}; set web.listen to an address of this machine and a port that you may use")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The bound socket does not work.
    #[error("the listening socket failed: {0}")]
    Listener(#[source] io::Error),
}

/// The web server, before it has a port.
#[derive(Clone, Copy, Debug)]
pub struct Web;

/// The web server with its port; nothing is accepted before [`Bound::run`].
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    config: WebConfig,
    edge: Arc<Edge>,
    router: BoxedFilter<(Response,)>,
    stop: watch::Sender<bool>,
    alive: mpsc::Receiver<Infallible>,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Web {
    /// Takes the port. Connections wait in the system's queue until [`Bound::run`].
    ///
    /// # Errors
    /// Where the address cannot be bound.
    pub fn bind<B: Backend>(config: CheckedConfig, backend: Arc<B>, auth: Auth) -> Result<Bound, WebError> {
        Self::bind_with(config, backend, auth, routes::identify, routes::ui::embedded)
    }

    pub(crate) fn bind_with<B: Backend>(
        config: CheckedConfig,
        backend: Arc<B>,
        auth: Auth,
        identify: routes::Identify,
        dashboard: routes::ui::Dashboard,
    ) -> Result<Bound, WebError> {
        let address = config.web.listen;
        let listener = TcpListener::bind(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => WebError::PortTaken(address),
            _ => WebError::Bind { address, source },
        })?;
        listener.set_nonblocking(true).map_err(WebError::Listener)?;
        let address = listener.local_addr().map_err(WebError::Listener)?;
        let (stop, stopping) = watch::channel(false);
        let (alive_held, alive) = mpsc::channel(1);
        let (web, edge) = (config.web.clone(), Arc::new(Edge::new(&config)));
        let app = Arc::new(App {
            backend,
            auth,
            budget: Budget::new(web.bodies_bytes_max),
            live_clients: Arc::new(Semaphore::new(web.live_clients_max)),
            stopping,
            alive: alive_held,
            identify,
            dashboard,
            config,
        });
        Ok(Bound { listener, address, config: web, edge, router: routes::router(&app), stop, alive })
    }
}

impl Bound {
    /// Where it listens; the real port where port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done. Then nothing more is accepted, live clients are told to go, and requests in
    /// flight have `shutdown_secs` to finish.
    ///
    /// # Errors
    /// Where the bound socket cannot be used. Faults of single connections are not errors.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), WebError> {
        let Self { listener, config, edge, router, stop, mut alive, .. } = self;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(WebError::Listener)?;
        let places = Arc::new(Semaphore::new(config.connections_max));
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving = serve(stream, peer, &config, edge.clone(), router.clone(), stop.subscribe());
                    connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections; trying on");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop((listener, router));
        stop.send_replace(true);
        let end = Instant::now() + Duration::from_secs(config.shutdown_secs);
        let finished = timeout_at(end, async {
            while connections.join_next().await.is_some() {}
            // Live clients hold the other end; nothing is ever sent through it.
            while alive.recv().await.is_some() {}
        });
        if finished.await.is_err() {
            tracing::warn!(connections = connections.len(), "connections were cut off, as they did not finish in time");
            connections.shutdown().await;
        }
        Ok(())
    }
}

/// Serves one connection to its end.
fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    config: &WebConfig,
    edge: Arc<Edge>,
    router: BoxedFilter<(Response,)>,
    mut stopping: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + use<> {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(config.header_timeout_secs))
        .max_headers(config.headers_max)
        .max_buf_size(config.header_bytes_max);
    tune(&stream);
    let router = TowerToHyperService::new(warp::service(router));
    let service = hyper::service::service_fn(move |request| {
        let (edge, router) = (edge.clone(), router.clone());
        async move { Ok::<_, Infallible>(edge.serve(router, request, peer).await) }
    });
    async move {
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
}

/// Small answers leave at once, and a peer that takes nothing does not hold its connection for ever.
fn tune(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(SILENT_PEER_TIME)) {
        tracing::debug!(%error, "TCP_USER_TIMEOUT was refused");
    }
}

/// The peer gave up before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted)
}

/// Waits until the process stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop, too.
    let _ = stopping.wait_for(|stop| *stop).await;
}
